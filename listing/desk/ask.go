package desk

import (
	"context"
	"crypto/rand"
	"net/netip"
	"time"

	"dnsbld/listing/delist"
	"dnsbld/listing/removal"
)

// askBack answers a mail that does not say what address it is about: a short letter
// asks for exactly that, and a ticket waits for the sender. The next mail of the
// same person that names the address goes on in that ticket.
func (d *Desk) askBack(ctx context.Context, r Request) (removal.Answer, error) {
	if r.Key == "" {
		r.Key = rand.Text()
	}
	c := &pending{Request: r, id: digest(r.Key), now: d.now()}
	earlier, found, err := d.answered(c.id)
	if err != nil || found {
		return earlier.Answer, err
	}
	if !r.DryRun {
		ctx = context.WithoutCancel(ctx)
		d.people.RLock()
		defer d.people.RUnlock()
		if c.contact, err = d.contact(r, c.now); err == nil {
			err = d.waitFor(ctx, c)
		}
		if err != nil {
			return removal.Answer{}, err
		}
	}
	s := d.cfg.Settings()
	q := delist.Question{Zone: s.zone(), Desk: s.Mail, Page: s.Page, Ticket: c.ticket.ID, Candidates: r.finding.Candidates, Language: r.language,
		// There is no address yet, and adapters know our letters by their reference.
		Reference: d.cfg.Signer.Reference(removal.Reference{Address: netip.IPv4Unspecified(), Time: c.now})}
	done := removal.Answer{Ticket: c.ticket.ID, State: c.ticket.State, Follow: d.Follow(c.ticket.ID), Zone: q.Zone, Desk: q.Desk, Subject: q.Subject()}
	if done.Letter, err = s.Letters.Ask(q); err != nil || r.DryRun {
		return done, err
	}
	return d.keep(done, c)
}

// waitFor opens a ticket that waits for the sender, or finds the one that does.
func (d *Desk) waitFor(ctx context.Context, c *pending) error {
	key := c.contact.ID
	_, err := d.editFor(ctx, c.By.Name, key, key, func(ed *addressEdit) (err error) {
		step := removal.Step{Time: c.now, Actor: c.By.Name, Note: note(c.Request)}
		if n := len(ed.waiting); n > 0 {
			c.ticket = ed.waiting[n-1].Ticket
			return nil
		}
		t, err := removal.NewTicket(c.Address, step)
		if err == nil {
			step.Note = "which address it is about"
			t, err = t.Ask(step)
		}
		if err == nil {
			t, err = refer(t, c.Ticket)
		}
		if err != nil {
			return err
		}
		t.ContactID = key
		c.ticket = t
		ed.open(t)
		return nil
	})
	return err
}

// patience is how long a ticket waits for a sender who was asked for the address.
const patience = 14 * 24 * time.Hour
