package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

// history prints every change, or with --at how things stood.
func (p *program) history(ctx context.Context, in *input) error {
	at := in.time("at")
	return p.forEach(in, func(subject listing.Subject) error {
		if !at.IsZero() {
			return p.historyAt(ctx, subject, at)
		}
		all, err := p.client.History(ctx, subject)
		if err != nil {
			return err
		}
		for _, e := range all.Events {
			p.printEvent(e)
		}
		if len(all.Events) == 0 {
			p.human.printf("nothing is known of %s: it was never listed\n", subject.Text())
			err = notFound("no-history", "nothing is known of "+subject.Text(), "")
		}
		return p.conclude("history", all, err)
	})
}

// historyAt answers what support is asked: was it listed then? The exit status
// is 3 if it was not.
func (p *program) historyAt(ctx context.Context, subject listing.Subject, at time.Time) error {
	past, err := p.client.HistoryAt(ctx, ctl.At{Subject: subject, Time: at})
	if err != nil {
		return err
	}
	p.printPast(past)
	if !past.Listed {
		err = notFound("not-listed", subject.Text()+" was not listed at "+stamp(at), "`blctl history "+subject.Text()+"` shows all its changes")
	}
	return p.conclude("history", past, err)
}

// printEvent shows a change on one line, with the revision that undo takes, and
// what was said about it below.
func (p *program) printEvent(e report.Event) {
	h := p.human
	text := fmt.Sprintf("%s  %s  %s, revision %d", stamp(e.Time), h.paint(faint, clean(e.Actor)), p.sentence(e), e.Revision)
	if h.onScreen && !h.wide { // for scripts a change stays on its line
		text = wrapTo(strings.Split(text, " "), "      ", h.width)
	}
	h.printf("  %s\n", text)
	h.lines("      ", "note", e.Note, "ticket", e.Ticket)
}

// printPast shows how things stood at an instant, and what has changed since.
func (p *program) printPast(t report.AsOf) {
	h := p.human
	verdict := h.paint(green, "was not listed")
	if t.Listed {
		verdict = h.paint(red, "was listed")
	}
	h.printf("%s %s at %s\n", h.paint(bold, t.Subject.Text()), verdict, stamp(t.At))
	if t.Hidden != "" {
		h.printf("  not answered as listed: %s\n", clean(t.Hidden))
	}
	s := screen{program: p, all: true}
	s.of.Subject, s.of.Entries = t.Subject, t.Entries
	for _, e := range t.Entries {
		s.entry(e)
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
