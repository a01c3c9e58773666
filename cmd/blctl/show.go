package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/urfave/cli/v2"

	"dnsbld/ctl"
	"dnsbld/listing"
)

func (p *program) showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "all that is known about an address",
		ArgsUsage: "PREFIX",
		UsageText: "blctl show PREFIX",
		Description: `Says on one screen whether PREFIX is listed, by which entries, until when, by whom
and why; what was seen; what keeps it from being answered; what DNS says now in
each zone; what is remembered of former listings; and the last changes.

exit status: 0 listed; 3 not listed (what is known is printed all the same)

examples:
  blctl show 192.0.2.7
  blctl show 192.0.2.0/24 --json`,
		Action: p.action(p.show),
	}
}

// shown is what show prints as JSON.
type shown struct {
	head
	Error  *wireError `json:"error,omitempty"`
	Action string     `json:"action"`
	ctl.Shown
}

func (p *program) show(ctx context.Context, in *input) error {
	subject := in.prefix()
	if in.err != nil {
		return in.err
	}
	s, err := p.client.Show(ctx, subject)
	if err != nil {
		return err
	}
	p.printShown(s)
	status := error(nil)
	out := shown{head: head{schema, s.Listed}, Action: "show", Shown: s}
	if !s.Listed {
		status = answered(exitNotFound)
		out.Error = &wireError{Code: "not-listed", Message: subject.Text() + " is not listed",
			Hint: "`blctl history " + subject.Text() + "` says whether it was"}
	}
	if p.json {
		if err := p.writeJSON(out); err != nil {
			return err
		}
	}
	return status
}

func (p *program) printShown(s ctl.Shown) {
	h := p.human
	verdict := h.paint(green, "is not listed")
	if s.Listed {
		verdict = h.paint(red, "is listed")
	}
	h.printf("%s %s\n", h.paint(bold, s.Subject.Text()), verdict)
	if s.Hidden != "" {
		h.printf("  never answered as listed: %s\n", clean(s.Hidden))
	}
	for _, a := range s.Allows {
		p.printAllow(a)
	}
	for _, e := range s.Entries {
		p.printStanding(e)
	}
	if s.Inside > 0 {
		more := ""
		if s.InsideTo {
			more = "more than "
		}
		h.printf("\n  %s%s inside it: blctl list --within %s\n", more, plural(s.Inside, "entry", "entries"), s.Subject)
	}
	p.printAnswers(s)
	p.printSightings(s.Sightings)
	p.printDesk(s)
	if len(s.Past) > 0 {
		h.printf("\nformer listings\n")
	}
	for _, past := range s.Past {
		h.printf("  %s: level %d, ended %s (%s)\n", clean(past.Reason), past.Level, stamp(past.Ended), relative(past.Ended, s.Time))
	}
	if len(s.Changes) > 0 {
		h.printf("\nlast changes\n")
	}
	for _, e := range s.Changes {
		p.printEvent(e)
	}
}

// printStanding shows one entry, with what was seen.
func (p *program) printStanding(e ctl.Standing) {
	h := p.human
	kind := h.paint(red, clean(e.Reason))
	if e.Except {
		kind = h.paint(green, "exception from "+clean(e.Reason))
	} else if !e.Lists {
		kind = h.paint(faint, clean(e.Reason))
	}
	h.printf("\n  %s  %s (127.0.0.%d)  until %s (%s)\n", e.Subject, kind, e.Code, stamp(e.Until), relative(e.Until, p.now()))
	if e.Because != "" {
		h.printf("    not answered: %s\n", clean(e.Because))
	}
	if !e.Published && !e.Except {
		h.printf("    a shadow reason: answered only by zones that name it\n")
	}
	h.printf("    since %s by %s, %s\n", stamp(e.Since), clean(e.Actor), p.provenance(e.Row))
	for _, f := range []struct{ name, text string }{{"note", e.Note}, {"public note", e.PublicNote}, {"ticket", e.Ticket}} {
		if f.text != "" {
			h.printf("    %s: %s\n", f.name, clean(f.text))
		}
	}
	const most = 3
	for _, sample := range e.Samples[:min(most, len(e.Samples))] {
		h.printf("    seen %s%s: HELO %s\n", stamp(sample.Time), at(sample), clean(sample.HELO))
	}
	if more := len(e.Samples) - most; more > 0 {
		h.printf("    and %s more\n", plural(more, "session", "sessions"))
	}
}

func at(s listing.Sample) string {
	if s.Receiver == "" {
		return ""
	}
	return " at " + clean(s.Receiver)
}

// provenance says what made an entry.
func (p *program) provenance(r ctl.Row) string {
	parts := []string{"origin " + clean(string(r.Origin))}
	if r.Source != "" {
		parts = append(parts, "source "+clean(r.Source))
	}
	if r.Level > 0 {
		parts = append(parts, fmt.Sprintf("level %d", r.Level))
	}
	return strings.Join(append(parts, fmt.Sprintf("revision %d", r.Revision)), ", ")
}

// printAnswers shows what DNS says now.
func (p *program) printAnswers(s ctl.Shown) {
	if len(s.Answers) > 0 {
		p.human.printf("\nDNS says now\n")
	}
	for _, a := range s.Answers {
		if len(a.A) == 0 {
			p.human.printf("  %-20s not listed\n", clean(a.Zone))
			continue
		}
		p.human.printf("  %-20s %s, TTL %d\n", clean(a.Zone), joined(a.A), a.TTL)
		for _, text := range a.TXT {
			p.human.printf("  %-20s %s\n", "", clean(text))
		}
	}
}

func joined(addrs []netip.Addr) string {
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, " ")
}
