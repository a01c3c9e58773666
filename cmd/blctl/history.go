package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"dnsbld/listing/report"
)

func (p *program) historyCommand() *cli.Command {
	return &cli.Command{
		Name:      "history",
		Usage:     "every change of an address, or how it stood at an instant",
		ArgsUsage: "PREFIX",
		UsageText: "blctl history PREFIX [--at TIME]",
		Description: `Prints every change at PREFIX and at the prefixes around it, oldest first.

With --at it answers the question that support is asked: was it listed at that
instant, and for what; could a resolver still have had another answer; what has
happened since. A time in whole seconds means the end of that second. A zone is
written in digits; letters alone (PST) are refused, as a comment they are fine.

exit status: 0 there is a history, or it was listed; 3 there is none, or it was
not listed

examples:
  blctl history 192.0.2.7
  blctl history 192.0.2.7 --at "Mon, 23 Nov 2026 04:00:00 -0800 (PST)"`,
		Flags:  []cli.Flag{&cli.StringFlag{Name: "at", Usage: "how it stood at a `TIME`"}},
		Action: p.action(p.history),
	}
}

// pastShown is what history prints as JSON, with --at.
type pastShown struct {
	head
	Error  *wireError `json:"error,omitempty"`
	Action string     `json:"action"`
	report.AsOf
}

// historyShown is what history prints as JSON.
type historyShown struct {
	head
	Error  *wireError `json:"error,omitempty"`
	Action string     `json:"action"`
	report.History
}

func (p *program) history(ctx context.Context, in *input) error {
	subject, at := in.prefix(), in.time("at")
	if in.err != nil {
		return in.err
	}
	if !at.IsZero() {
		past, err := p.client.HistoryAt(ctx, subject, at)
		if err != nil {
			return err
		}
		p.printThen(past)
		out := pastShown{head: head{schema, past.Listed}, Action: "history", AsOf: past}
		if !past.Listed {
			out.Error = &wireError{Code: "not-listed", Message: subject.Text() + " was not listed at " + stamp(at)}
		}
		return p.answer(past.Listed, out)
	}
	all, err := p.client.History(ctx, subject)
	if err != nil {
		return err
	}
	for _, e := range all.Events {
		p.printEvent(e)
	}
	out := historyShown{head: head{schema, len(all.Events) > 0}, Action: "history", History: all}
	if !out.OK {
		p.human.printf("nothing is known of %s: it was never listed\n", subject.Text())
		out.Error = &wireError{Code: "no-history", Message: "nothing is known of " + subject.Text()}
	}
	return p.answer(out.OK, out)
}

// answer prints the JSON of a question, and turns a no into its exit status.
func (p *program) answer(yes bool, out any) error {
	if p.json {
		if err := p.writeJSON(out); err != nil {
			return err
		}
	}
	if !yes {
		return answered(exitNotFound)
	}
	return nil
}

// printEvent shows a change on one line, with the revision that undo takes, and
// what was said about it below.
func (p *program) printEvent(e report.Event) {
	h := p.human
	h.printf("  %s  %s  %s, revision %d\n", stamp(e.Time), h.paint(faint, clean(e.Actor)), p.sentence(e), e.Revision)
	for _, f := range []struct{ name, text string }{{"note", e.Note}, {"ticket", e.Ticket}} {
		if f.text != "" {
			h.printf("      %s: %s\n", f.name, clean(f.text))
		}
	}
}

func (p *program) printThen(t report.AsOf) {
	h := p.human
	verdict := h.paint(green, "was not listed")
	if t.Listed {
		verdict = h.paint(red, "was listed")
	}
	h.printf("%s %s at %s\n", h.paint(bold, t.Subject.Text()), verdict, stamp(t.At))
	if t.Hidden != "" {
		h.printf("  not answered as listed: %s\n", clean(t.Hidden))
	}
	for _, e := range t.Entries {
		p.printStanding(e)
	}
	if len(t.Recent) > 0 {
		h.printf("\nA resolver may still have had the answer from before these changes, for up to %s:\n", t.Window)
	}
	for _, e := range t.Recent {
		p.printEvent(e)
	}
	if len(t.Recent) == 0 {
		h.printf("\nNothing had changed in the %s before: every resolver had this answer.\n", t.Window)
	}
	p.printSince(t.Since)
	p.warn(t.Warnings)
}

// printSince shows what has been learnt after the instant.
func (p *program) printSince(since []report.Event) {
	if len(since) == 0 {
		p.human.printf("\nNothing has changed since.\n")
		return
	}
	p.human.printf("\nsince then\n")
	for _, e := range since {
		p.printEvent(e)
		if e.Because.Erroneous() {
			p.human.printf("      %s\n", p.human.paint(yellow, "that is: it should never have been listed"))
		}
	}
}
