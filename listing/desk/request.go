package desk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/removal"
)

// Request asks for an address to be delisted. From and Name are personal data.
type Request struct {
	Key     string           // the same for the same request sent again; empty: it is not repeated
	Anew    bool             // sent again it is judged anew, and is another request if the decision is another by now
	Actor   string           // who hands it in, in the audit
	Address netip.Addr       //
	Offered delist.Proof     // its zero value: none
	From    string           // mail address of who asks, or empty
	Name    string           //
	Note    string           // for the ticket; mail addresses in it are blanked
	Ticket  string           // ours, or a reference in another system
	Finding *removal.Finding // of the mail that asks, if one does
	Delist  bool             // end the listing if the decision allows it
	DryRun  bool             // say what would be done
}

// Request counts a request, decides it, follows it with a ticket, ends the
// listing where that is asked for and allowed, and writes the letter.
//
// What is done for the sender alone needs OK_SELF. OK_SUPPORT is for a person
// to carry out, but for a listing without evidence: it is ended as our error.
func (d *Desk) Request(ctx context.Context, r Request) (removal.Answer, error) {
	r.Address = listing.Canonical(r.Address)
	if r.Key == "" {
		r.Key = rand.Text()
	}
	id := digest(r.Key)
	earlier, found, err := d.answered(id)
	if err != nil || found && !(r.Anew && earlier.Outcome == removal.Stands) {
		return earlier.Answer, err
	}
	about, err := d.About(ctx, r.Address)
	if err != nil {
		return removal.Answer{}, err
	}
	if found {
		about.withoutRequest(earlier.Time)
	}
	r.Offered = d.inquire(ctx, &about, r.From, r.Offered)
	c := d.consider(about, r, id)
	if found {
		if sameTask(c.decision) == sameTask(earlier.Decision) {
			return earlier.Answer, nil
		}
		c.id = digest(r.Key + "\n" + sameTask(c.decision))
		if earlier, found, err = d.answered(c.id); found || err != nil {
			return earlier.Answer, err
		}
	}
	if r.DryRun {
		return d.finish(c, r)
	}
	if c.contact, err = d.contact(r, c.now); err != nil {
		return removal.Answer{}, err
	}
	// What has begun is finished, also when nobody waits for it any more.
	ctx = context.WithoutCancel(ctx)
	if err := d.register(ctx, c, r); err != nil {
		return removal.Answer{}, err
	}
	if c.because != "" && len(c.ends) == 0 {
		if err := d.recall(ctx, c); err != nil {
			return removal.Answer{}, err
		}
	}
	if err := d.carryOut(ctx, c, r); err != nil {
		return removal.Answer{}, err
	}
	done, err := d.finish(c, r)
	if err != nil {
		return done, err
	}
	return d.answer(done, c, r)
}

// sameTask is the same for decisions that leave a sender the same to do.
func sameTask(d removal.Decision) string {
	if d.RetryAfter == nil {
		return string(d.Code)
	}
	return string(d.Code) + " " + d.RetryAfter.UTC().Format(time.RFC3339)
}

// pending is a request while it is dealt with.
type pending struct {
	id       string
	now      time.Time
	about    About
	decision removal.Decision
	shown    []delist.Evident
	unshown  []delist.Evident
	because  listing.DelistReason // what the listing is ended for; empty: it is not
	ends     []delist.Evident     // that are ended
	ticket   removal.Ticket
	contact  removal.Contact // its zero value: nobody who left an address
	revision listing.Revision
}

// consider decides a request and what is to be done about it.
func (d *Desk) consider(about About, r Request, id string) *pending {
	c := &pending{id: id, now: d.now(), about: about}
	c.about.Facts.Offered = r.Offered
	// This request is not one of those before it, also when it comes again.
	c.decision, c.shown, c.unshown = d.judged(c.about, c.now)
	switch {
	case !r.Delist || !c.decision.Code.OK():
	case len(c.shown) == 0:
		c.because, c.ends = listing.OurError, ownEntries(c.unshown)
	case c.decision.Code == removal.OKSelf:
		c.because, c.ends = listing.SelfService, ownEntries(c.shown)
	}
	if len(c.ends) == 0 {
		c.because = ""
	}
	return c
}

// ownEntries are the entries that a request about one address may end: those
// of the address, and in IPv6 of its /64. A range is about others too.
func ownEntries(all []delist.Evident) []delist.Evident {
	return slices.DeleteFunc(slices.Clone(all), func(e delist.Evident) bool {
		s := e.Subject
		return !s.IsHost() && (s.Addr().Is4() || s.Bits() < ownBits)
	})
}

// ownBits is how long a prefix in IPv6 is that belongs to one sender.
const ownBits = 64

// register counts the request and notes it in a ticket. One that was heard before
// and not finished goes on as it was decided then.
func (d *Desk) register(ctx context.Context, c *pending, r Request) error {
	_, err := d.edit(ctx, r.Actor, c.about.Facts.Address, func(dr *addressEdit) error {
		if n := slices.IndexFunc(dr.file.Requests, func(h pastRequest) bool { return h.ID == c.id }); n >= 0 {
			return c.resume(dr, dr.file.Requests[n])
		}
		t, err := d.ticketFor(dr, c, r)
		if err != nil {
			return err
		}
		step := removal.Step{Time: c.now, Actor: r.Actor, Note: d.note(r)}
		if t, err = t.Judged(c.decision, step); errors.Is(err, listing.ErrConflict) {
			t, err = t.Say(step) // a person is at it, or it is over
		}
		if err != nil {
			return err
		}
		reply := r.Finding != nil && r.Finding.Reply && c.contact.ID != "" && t.ContactID == c.contact.ID && dr.replies() < maxReplies
		if c.contact.ID != "" {
			t.ContactID = c.contact.ID
		}
		c.ticket = t
		dr.put(t)
		dr.file.Requests = append(dr.file.Requests, pastRequest{ID: c.id, Time: c.now, Ticket: t.ID, Code: c.decision.Code, Because: c.because, Control: r.Offered.Controls(r.Address), Reply: reply})
		if r.Offered.Kind != "" {
			dr.file.prove(r.Offered)
		}
		dr.written = true
		return nil
	})
	return err
}

// resume takes up what an earlier try of the same request has left.
func (c *pending) resume(dr *addressEdit, h pastRequest) error {
	c.because, c.decision.Code = h.Because, h.Code
	for _, t := range dr.tickets {
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
func (d *Desk) ticketFor(dr *addressEdit, c *pending, r Request) (removal.Ticket, error) {
	t, found := dr.current(dr.named(r), len(c.about.Entries) > 0)
	if !found {
		var err error
		if t, err = removal.Open(removal.NewID('T'), c.about.Facts.Address, removal.Step{Time: c.now, Actor: r.Actor}); err != nil {
			return t, err
		}
		dr.open(t)
	}
	return refer(t, r.Ticket)
}

// maxReplies is how many replies to our letters are no new requests, in the time
// that requests are kept: programs that answer each other come to an end.
const maxReplies = 10

// replies are those that have come.
func (dr *addressEdit) replies() (n int) {
	for _, h := range dr.file.Requests {
		if h.Reply {
			n++
		}
	}
	return n
}

// named is the ticket that a request names, if need be in a letter of ours that
// it answers.
func (dr *addressEdit) named(r Request) string {
	if r.Ticket != "" || r.Finding == nil || !r.Finding.Reply {
		return r.Ticket
	}
	for _, t := range dr.tickets {
		if slices.Contains(r.Finding.References, t.ID) {
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
func (dr *addressEdit) current(name string, listed bool) (removal.Ticket, bool) {
	for n := len(dr.tickets) - 1; n >= 0; n-- {
		t := dr.tickets[n].Ticket
		if name != "" && t.ID == name {
			return t, true
		}
	}
	for n := len(dr.tickets) - 1; n >= 0; n-- {
		t := dr.tickets[n].Ticket
		switch t.State {
		case removal.Closed, removal.Upheld:
			continue
		case removal.Delisted, removal.Monitoring:
			if listed {
				continue
			}
		}
		return t, true
	}
	return removal.Ticket{}, false
}

// note is what the ticket says of a request.
func (d *Desk) note(r Request) string {
	var parts []string
	if r.Note != "" {
		parts = append(parts, r.Note)
	}
	if f := r.Finding; f != nil {
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

// carryOut ends what is to end, once, and says so in the ticket.
func (d *Desk) carryOut(ctx context.Context, c *pending, r Request) error {
	if c.because == "" {
		return nil
	}
	revision, err := d.end(ctx, r.Actor, c)
	if err != nil {
		return err
	}
	c.revision = revision
	_, err = d.edit(ctx, r.Actor, c.about.Facts.Address, func(dr *addressEdit) error {
		n := slices.IndexFunc(dr.tickets, func(t ticketEdit) bool { return t.ID == c.ticket.ID })
		if n < 0 || dr.tickets[n].State != removal.Eligible {
			return nil // done already, or a person has taken it up
		}
		t, err := delisted(dr.tickets[n].Ticket, c.because, removal.Step{Time: c.now, Actor: r.Actor})
		if err == nil {
			dr.put(t)
		}
		return err
	})
	return err
}

// delisted takes a ticket to where the address is watched.
func delisted(t removal.Ticket, because listing.DelistReason, by removal.Step) (removal.Ticket, error) {
	t, err := t.Delist(because, by)
	if err != nil {
		return t, err
	}
	by.Note = ""
	return t.Move(removal.Monitoring, by)
}

// end ends entries. Each has an idempotency key of its own, so that a request
// that is taken up again ends nothing twice.
func (d *Desk) end(ctx context.Context, actor string, c *pending) (listing.Revision, error) {
	var last listing.Revision
	for _, e := range c.ends {
		res, err := d.cfg.Book.Delist(ctx, listing.Caller{Name: actor, Role: listing.Daemon}, listing.Delist{Subject: e.Subject, Reason: fmt.Sprint(int(e.Reason)), Because: c.because, Ticket: c.ticket.ID,
			Options: listing.Options{IdempotencyKey: fmt.Sprintf("desk:%s:%s:%d:%s", c.id, e.Subject, e.Reason, e.Source)}})
		if err != nil {
			return last, err
		}
		last = max(last, res.Revision)
	}
	return last, nil
}
