package main

import (
	"context"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// openTicket opens a ticket, or finds the one that is open for the address:
// there is one at most, however often somebody asks.
func (p *program) openTicket(ctx context.Context, in *input) error {
	a := in.address()
	if in.err != nil {
		return in.err
	}
	done, err := p.client.OpenTicket(ctx, ctl.TicketCommand{Address: a.String(), Reference: in.String("ref"), Note: in.String("note")})
	if err != nil {
		return err
	}
	return p.ticketResult("ticket open", done, done.Opened || in.String("ref")+in.String("note") != "")
}

// ticketResult is what the commands about one ticket print.
func (p *program) ticketResult(action string, done ctl.TicketDone, changed bool) error {
	p.printTicket(done.Ticket)
	if c := done.Contact; c != nil {
		p.human.printf("  asked by %s\n", whoIs(*c))
	}
	if done.Follow != "" {
		p.human.printf("  the sender follows it at %s\n", clean(done.Follow))
	}
	p.printProof(done.Proof)
	for _, w := range done.Warnings {
		p.human.printf("  warning: %s\n", clean(w))
	}
	err := p.conclude(action, struct {
		Changed bool `json:"changed"`
		ctl.TicketDone
	}{changed, done}, nil)
	if err != nil || len(done.StillListed) == 0 {
		return err
	}
	return answered(exitPartly)
}

// showTicket prints a ticket and how its sender can prove that the address is his.
func (p *program) showTicket(ctx context.Context, in *input) error {
	done, err := p.client.Ticket(ctx, in.Args().First())
	if err != nil {
		return err
	}
	return p.ticketResult("ticket show", done, false)
}

// tickets reads which tickets are asked for.
func (in *input) tickets() removal.Query {
	q := removal.Query{State: removal.State(in.String("state")), All: in.Bool("all")}
	if in.Args().Present() {
		q.Address = in.address()
	}
	if q.State != "" && !slices.Contains(removal.States(), q.State) {
		in.fail(usageError("there is no state %s", listing.Quote(string(q.State))))
	}
	return q
}

// tickets prints a row for each ticket.
func (p *program) tickets(ctx context.Context, q removal.Query) error {
	all, err := p.client.Tickets(ctx, q)
	if err != nil {
		return err
	}
	return each(p, "ticket list", all, func(t removal.Ticket) []string {
		return []string{t.ID, addressOf(t), string(t.State), string(t.Decision), "opened " + minute(t.Opened), joinedTexts(t.References)}
	})
}

// ticketStats prints what waits at the desk, and how it did.
func (p *program) ticketStats(ctx context.Context, _ *input) error {
	st, err := p.client.TicketStats(ctx)
	if err != nil {
		return err
	}
	var t table
	t.add("open", "%d, which wait for us, %d of them appeals", st.Open, st.Appeals)
	if st.OldestOpen != nil {
		t.add("oldest open", "since %s", stamp(*st.OldestOpen))
	}
	t.add("asked", "%d, which wait for the sender", st.Asked)
	for _, code := range removal.Codes() {
		if n := st.Decisions[code]; n > 0 {
			t.add("decided", "%s %d times in 30 days", code, n)
		}
	}
	t.add("our errors", "%d in 30 days, %.1f %% of the listings that were ended", st.Errors, 100*st.ErrorShare)
	if st.MedianRemoval != nil {
		t.add("removal takes", "%s in the median", time.Duration(*st.MedianRemoval)*time.Second)
	}
	if err := p.human.table(t); err != nil {
		return err
	}
	return p.conclude("ticket stats", st, nil)
}

// ticketStep is the action of a command that does something to a ticket. The
// flags of other steps read as empty.
func (p *program) ticketStep(verb removal.Verb) cli.ActionFunc {
	return p.action(func(ctx context.Context, in *input) error {
		s := removal.Action{Verb: verb, Note: in.String("note"), Code: removal.Code(in.String("code")),
			Because: listing.DelistReason(in.String("because")), Reference: in.String("ref"), Override: in.Bool("override")}
		if verb == removal.VerbNote && s.Note == "" && s.Reference == "" {
			return usageError("a note needs --note TEXT or --ref REF")
		}
		if verb == removal.VerbAsk && s.Note == "" {
			return usageError("say with --note TEXT what the sender is asked for")
		}
		done, err := p.client.TakeTicket(ctx, ctl.TicketStep{Name: in.Args().First(), Action: s})
		if err != nil {
			return err
		}
		return p.ticketResult("ticket "+string(verb), done, true)
	})
}

// addressOf is the address of a ticket, for people.
func addressOf(t removal.Ticket) string {
	if !t.Address.IsValid() {
		return "(no address yet)"
	}
	return t.Address.String()
}

// ticketState is the state of a ticket, for people.
func (p *program) ticketState(t removal.Ticket) string {
	state := string(t.State)
	if t.Appeal {
		state += ", on appeal"
	}
	return p.human.paint(yellow, state)
}

// printTicket prints a ticket with its notes, oldest first.
func (p *program) printTicket(t removal.Ticket) {
	h := p.human
	h.printf("%s %s %s\n", h.paint(bold, t.ID), addressOf(t), p.ticketState(t))
	if len(t.References) > 0 {
		h.printf("  references: %s\n", joinedTexts(t.References))
	}
	if t.Decision != "" {
		h.printf("  decision: %s\n", clean(string(t.Decision)))
	}
	if t.Because != "" {
		h.printf("  delisted: %s\n", clean(string(t.Because)))
	}
	if !t.WatchUntil.IsZero() {
		h.printf("  watched until %s\n", stamp(t.WatchUntil))
	}
	for _, n := range t.Notes {
		h.printf("  %s  %s", stamp(n.Time), clean(n.Actor))
		if n.State != "" {
			h.printf("  %s", clean(string(n.State)))
		}
		if n.Text != "" {
			h.printf("  %s", clean(n.Text))
		}
		h.printf("\n")
	}
}

// printProof shows how the sender of a ticket can prove that the address is his,
// and what has come of it.
func (p *program) printProof(w *removal.Ways) {
	if w == nil {
		return
	}
	h := p.human
	h.printf("  as things stand: %s\n", clean(string(w.Known)))
	if w.Probe != "" {
		h.printf("  proof by mail from the address, to: %s\n", clean(w.Probe))
	}
	if w.Text != "" {
		h.printf("  proof in TXT at its reverse name: %s\n", clean(w.Text))
	}
	if w.Probe+w.Text != "" {
		h.printf("  good until %s\n", stamp(w.Until))
	}
	switch came := w.Came; {
	case came == nil && w.Probe != "":
		h.printf("  no mail has come to the probe address\n")
	case came != nil:
		h.printf("  a mail came to the probe address %s, greeting %s (%s): %s\n", stamp(came.Time), listing.Quote(came.HELO), clean(string(came.Code)), proved(came))
	}
}

// proved says what a mail to the probe address shows.
func proved(m *removal.ProbeMail) string {
	switch {
	case m.Refused != "":
		return "no proof, " + clean(m.Refused)
	case !m.Proof:
		return "no proof, for it greeted as what is listed"
	case !m.Clean:
		return "proof that the address is the sender's, but the greeting was not clean"
	}
	return "proof that the address is the sender's and greets properly"
}
