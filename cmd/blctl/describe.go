package main

import (
	"fmt"
	"strings"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing/report"
)

// mostLines is how many changes are described one by one.
const mostLines = 20

// describe says what was done about something, or with --dry-run would be.
func (p *program) describe(about string, out ctl.Outcome) {
	if out.DryRun {
		p.human.dryRun()
	}
	p.describeChanges(about, out)
}

// describeChanges says what changed: each change in a sentence, or the first of many.
func (p *program) describeChanges(about string, out ctl.Outcome) {
	h := p.human
	switch n := changes(out); {
	case n == 0:
		p.describeUnchanged(about, out)
	case n == 1:
		h.printf("%s%s\n", p.sentence(out.Changes[0]), p.tail(out))
	default:
		for _, e := range out.Changes[:min(len(out.Changes), mostLines)] {
			h.printf("%s\n", p.sentence(e))
		}
		p.andMore(n)
		h.printf("%s, %s%s\n", plural(n, "change", "changes"), addresses(out.Addresses), p.tail(out))
	}
	if out.DryRun && changes(out) == 1 {
		h.printf("%s\n", addresses(out.Addresses))
	}
	p.printInside(out.Inside)
	if ends(out) && !out.EffectiveBy.IsZero() {
		h.printf("resolvers that have asked before follow by %s\n", stamp(out.EffectiveBy))
	}
	p.warn(out.Warnings)
}

// changes is how many changes an outcome has, shown or not.
func changes(out ctl.Outcome) int {
	if len(out.Changes) == 0 {
		return 0
	}
	return len(out.Changes) + out.More
}

// andMore says how many of n are not described.
func (p *program) andMore(n int) {
	if n > mostLines {
		p.human.printf("… and %d more\n", n-mostLines)
	}
}

// shown is how many changes the daemon needs to send: with --json all of them.
func (p *program) shown() int {
	if p.json {
		return 0
	}
	return mostLines
}

// printInside names what a trial run found within reach: what somebody should
// look at before the same is done in earnest.
func (p *program) printInside(in *report.Inside) {
	if in == nil {
		return
	}
	for _, a := range in.Allows {
		p.human.printf("%s allow entry %s, owner %s\n", p.human.paint(yellow, "inside:"), a.Subject.Text(), clean(a.Owner))
	}
	for _, c := range in.Canaries {
		p.human.printf("%s canary %s\n", p.human.paint(yellow, "inside:"), c.Text())
	}
	if in.Hides > 0 {
		named := texts(in.Hidden, func(r report.Row) string { return r.Subject.Text() + " (" + clean(r.Reason) + ")" })
		if in.Hides > len(named) {
			named = append(named, "…")
		}
		p.human.printf("%s %s no longer be answered as listed: %s\n", p.human.paint(yellow, "hides:"),
			plural(in.Hides, "entry would", "entries would"), strings.Join(named, ", "))
	}
	if in.Clean != nil {
		p.printClean(*in.Clean)
	}
}

// printClean says how many senders within reach lately greeted as they should.
func (p *program) printClean(c report.Clean) {
	if c.Senders == 0 {
		p.human.printf("no sender inside was seen clean in %s\n", c.Within)
		return
	}
	const most = 3
	var named []string
	for _, s := range c.Top[:min(most, len(c.Top))] {
		named = append(named, fmt.Sprintf("%s (%s)", s.Subject.Text(), plural(s.Sessions, "session", "sessions")))
	}
	if c.Senders > len(named) {
		named = append(named, "…")
	}
	p.human.printf("%s %s seen clean in %s: %s\n", p.human.paint(yellow, "inside:"), plural(c.Senders, "sender", "senders"), c.Within, strings.Join(named, ", "))
}

// warn prints what the daemon wants people to know beside the outcome.
func (p *program) warn(sentences []string) {
	for _, w := range sentences[:min(len(sentences), mostLines)] {
		p.human.printf("%s %s\n", p.human.paint(yellow, "note:"), clean(w))
	}
	p.andMore(len(sentences))
}

// ends reports whether an outcome took anything out of the list: then resolvers
// may answer with it for a TTL.
func ends(out ctl.Outcome) bool {
	for _, e := range out.Changes {
		switch e.Action {
		case report.Delisted, report.Expired, report.Excepted, report.Allowed, report.Dropped:
			return true
		}
	}
	return false
}

// describeUnchanged says how things stand when nothing had to be done: that is
// no failure, and scripts repeat commands.
func (p *program) describeUnchanged(about string, out ctl.Outcome) {
	if len(out.Entries) == 0 {
		p.human.printf("%s: nothing had to be changed\n", clean(about))
	}
	for _, e := range out.Entries[:min(len(out.Entries), mostLines)] {
		p.human.printf("%s, revision %d: nothing had to be changed\n", p.entrySentence(e, "is listed already"), e.Revision)
	}
	p.andMore(len(out.Entries) + out.More)
}

// tail ends the sentence about a change: since when it counts. The daemon answers
// when the change is served; offline it is served from the next start on.
func (p *program) tail(out ctl.Outcome) string {
	switch {
	case out.DryRun:
		return ""
	case p.offline:
		return fmt.Sprintf(", revision %d, served when dnsbld starts", out.Revision)
	}
	return fmt.Sprintf(", revision %d, being served", out.Revision)
}

// entrySentence describes an entry that is in force.
func (p *program) entrySentence(r report.Row, verb string) string {
	if r.Except {
		return fmt.Sprintf("%s %s until %s (%s)", r.Subject.Text(),
			p.human.paint(green, "is excepted from wider entries for "+clean(r.Reason)), stamp(r.Until), relative(r.Until, p.now()))
	}
	end := fmt.Sprintf("until %s (%s)", stamp(r.Until), relative(r.Until, p.now()))
	if r.Until.IsZero() {
		end = "for as long as source " + clean(r.Source) + " says so"
	}
	return fmt.Sprintf("%s %s as %s (127.0.0.%d) %s", r.Subject.Text(), p.human.paint(red, verb), clean(r.Reason), r.Code, end)
}

// sentence is one change in words. Reports of commands, history, watch and changes
// all use it, so that a change reads the same wherever it is met.
func (p *program) sentence(e report.Event) string {
	switch e.Action {
	case report.Dropped:
		return fmt.Sprintf("source %s %s with its %s", clean(e.Source), p.human.paint(green, "ended"), plural(e.Entries, "entry", "entries"))
	case report.Swept:
		return fmt.Sprintf("source %s: entries %s before it, %s left", clean(e.Source), p.human.paint(green, "ended"), plural(e.Entries, "is", "are"))
	case report.Refreshed:
		return fmt.Sprintf("source %s imported, %s, good until %s", clean(e.Source), plural(e.Entries, "entry", "entries"), stamp(e.Until))
	case report.Configured:
		return "the configuration changed"
	case report.Noted:
		return clean(e.Document) + " was written"
	}
	return p.subjectSentence(e)
}

// subjectSentence is a change of one entry or allow entry in words.
func (p *program) subjectSentence(e report.Event) string {
	h := p.human
	what := clean(e.Reason)
	switch e.Action {
	case report.Listed, report.Excepted:
		return p.entrySentence(*e.After, "listed")
	case report.Extended, report.Shortened:
		if e.After.Until.IsZero() {
			return fmt.Sprintf("%s, listed as %s: now for as long as source %s says so", e.Subject.Text(), what, clean(e.Source))
		}
		return fmt.Sprintf("%s, listed as %s: now until %s (%s)", e.Subject.Text(), what, stamp(e.After.Until), relative(e.After.Until, p.now()))
	case report.Described:
		return fmt.Sprintf("%s, listed as %s: note, ticket or evidence changed", e.Subject.Text(), what)
	case report.Delisted:
		if e.Because == "" {
			return fmt.Sprintf("%s %s: source %s no longer has it as %s", e.Subject.Text(), h.paint(green, "delisted"), clean(e.Before.Source), what)
		}
		return fmt.Sprintf("%s %s: %s, because %s", e.Subject.Text(), h.paint(green, ended(e, "delisted")), what, clean(string(e.Because)))
	case report.Expired:
		return fmt.Sprintf("%s %s: %s", e.Subject.Text(), h.paint(green, ended(e, "expired")), what)
	case report.Allowed:
		return fmt.Sprintf("%s is %s%s, for %s", e.Subject.Text(), h.paint(green, "never listed"), untilOrForGood(e.Allow.Until), clean(e.Allow.Owner))
	case report.Disallowed:
		return fmt.Sprintf("%s is no longer kept from being listed", e.Subject.Text())
	}
	return clean(e.Action)
}

// ended is the verb for the end of an entry: an exception is not delisted.
func ended(e report.Event, verb string) string {
	if e.Before != nil && e.Before.Except {
		return "no longer excepted"
	}
	return verb
}

// untilOrForGood is the end of an allow entry, in a sentence; empty if it has none.
func untilOrForGood(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + stamp(t)
}
