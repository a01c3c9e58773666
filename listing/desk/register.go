package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// register counts the request and notes it in a ticket. One that was heard before
// and not finished goes on as it was decided then.
func (d *Desk) register(ctx context.Context, c *pending) error {
	_, err := d.editFor(ctx, c.By.Name, c.Address.String(), c.contact.ID, func(ed *addressEdit) error {
		if n := slices.IndexFunc(ed.file.Requests, func(h pastRequest) bool { return h.ID == c.id }); n >= 0 {
			return c.resume(ed, ed.file.Requests[n])
		}
		d.countSources(ed, c)
		t, err := d.ticketFor(ed, c)
		if err != nil {
			return err
		}
		step := stepBy(c.By, c.now, note(c.Request))
		judged := t.Judged
		if c.Person {
			judged = t.Wanted
		}
		if t, err = judged(c.decision, step); errors.Is(err, listing.ErrConflict) {
			t, err = t.Say(step) // a person is at it, or it is over
		}
		if err != nil {
			return err
		}
		reply := c.finding != nil && c.finding.Reply && c.contact.ID != "" && t.ContactID == c.contact.ID && ed.replies() < maxReplies
		if c.contact.ID != "" {
			t.ContactID = c.contact.ID
		}
		c.ticket = t
		ed.put(t)
		ed.file.Requests = append(ed.file.Requests, pastRequest{ID: c.id, Time: c.now, From: d.requesters(c.Request), Ticket: t.ID, Code: c.decision.Code, Because: c.because, Control: c.Offered.Controls(c.Address), Reply: reply})
		if c.Offered.Kind != "" {
			ed.file.prove(c.Offered)
		}
		ed.written = true
		return nil
	})
	return err
}

// resume takes up what an earlier try of the same request has left.
func (c *pending) resume(ed *addressEdit, h pastRequest) error {
	c.because, c.decision.Code = h.Because, h.Code
	for _, t := range ed.tickets {
		if t.ID == h.Ticket {
			c.ticket = t.Ticket
		}
	}
	if len(c.ends) == 0 && h.Because == listing.OurError {
		c.ends = ownEntries(c.unshown)
	} else if len(c.ends) == 0 {
		c.ends = ownEntries(c.shown)
	}
	return nil
}

// ticketFor is the open ticket of the address, the one that is named, or a new
// one.
func (d *Desk) ticketFor(ed *addressEdit, c *pending) (removal.Ticket, error) {
	t, found := ed.current(ed.named(c.Request), len(c.about.Entries) > 0)
	if !found {
		t, found = ed.adopt(c.Address)
	}
	if !found {
		var err error
		if t, err = removal.NewTicket(c.Address, removal.Step{Time: c.now, Actor: c.By.Name}); err != nil {
			return t, err
		}
		ed.open(t)
	}
	return refer(t, c.Ticket)
}

// maxReplies is how many replies to our letters are no new requests, in the time
// that requests are kept: programs that answer each other come to an end.
const maxReplies = 10

// replies are those that have come.
func (ed *addressEdit) replies() (n int) {
	for _, h := range ed.file.Requests {
		if h.Reply {
			n++
		}
	}
	return n
}

// named is the ticket that a request names, if need be in a letter of ours that
// it answers.
func (ed *addressEdit) named(r Request) string {
	if r.Ticket != "" || r.finding == nil || !r.finding.Reply {
		return r.Ticket
	}
	for _, t := range ed.tickets {
		if slices.Contains(r.finding.References, t.ID) {
			return t.ID
		}
	}
	return ""
}

// refer adds a reference in another system.
func refer(t removal.Ticket, reference string) (removal.Ticket, error) {
	if reference == "" || reference == t.ID {
		return t, nil
	}
	return t.Refer(reference)
}

// current finds the ticket that a request belongs to: the one it names, else
// the newest that is not over. For an address that is listed, one that was
// delisted is over.
func (ed *addressEdit) current(name string, listed bool) (removal.Ticket, bool) {
	for n := len(ed.tickets) - 1; n >= 0; n-- {
		t := ed.tickets[n].Ticket
		if name != "" && t.ID == name {
			return t, true
		}
	}
	for n := len(ed.tickets) - 1; n >= 0; n-- {
		t := ed.tickets[n].Ticket
		if over := t.State == removal.Closed || t.State == removal.Granted && listed; !over {
			return t, true
		}
	}
	return removal.Ticket{}, false
}

// note is what the ticket says of a request.
func note(r Request) string {
	var parts []string
	if r.Note != "" {
		parts = append(parts, r.Note)
	}
	if f := r.finding; f != nil {
		if len(f.References) > 0 {
			parts = append(parts, "their references: "+strings.Join(f.References, ", "))
		}
		if f.HELO != "" {
			parts = append(parts, fmt.Sprintf("greeting in their mail: %q", f.HELO))
		}
		if f.Time != nil {
			parts = append(parts, "session in their mail: "+f.Time.UTC().Format(time.RFC3339))
		}
	}
	return strings.Join(parts, "; ")
}

// carryOut ends what is to end, once, notes what lists the address all the same, and
// says so in the ticket.
func (d *Desk) carryOut(ctx context.Context, c *pending) error {
	if len(c.ends) == 0 {
		if err := d.recall(ctx, c); err != nil || c.because == "" {
			return err
		}
	}
	revision, err := d.end(ctx, c)
	if err == nil {
		c.still, err = d.answeredNow(ctx, c.Address)
	}
	if err != nil {
		return err
	}
	c.revision = revision
	_, err = d.edit(ctx, c.By.Name, c.Address.String(), func(ed *addressEdit) error {
		n := slices.IndexFunc(ed.tickets, func(t ticketEdit) bool { return t.ID == c.ticket.ID })
		if n < 0 || ed.tickets[n].Because != "" {
			return nil // done already
		}
		step := stepBy(c.By, c.now, "")
		t, err := ed.tickets[n].Grant(c.because, step)
		if err != nil { // a person is at it, or has settled it
			step.Note = "the listing was ended at the sender's request, by the rules"
			t, err = ed.tickets[n].Say(step)
		}
		if err == nil {
			c.ticket = t
			ed.put(t)
		}
		return err
	})
	return err
}

// end ends entries. Each has an idempotency key of its own, so that a request
// that is taken up again ends nothing twice.
func (d *Desk) end(ctx context.Context, c *pending) (listing.Revision, error) {
	var last listing.Revision
	for _, e := range c.ends {
		res, err := d.cfg.Book.Delist(ctx, listing.Caller{Name: c.By.Name, Role: listing.Daemon}, listing.Delist{
			Subject: e.Subject, Reason: fmt.Sprint(int(e.Reason)), Because: c.because, Ticket: c.ticket.ID,
			Options: listing.Options{IdempotencyKey: fmt.Sprintf("desk:%s:%s:%d:%s", c.id, e.Subject, e.Reason, e.Source)}})
		if err != nil {
			return last, err
		}
		last = max(last, res.Revision)
	}
	return last, nil
}
