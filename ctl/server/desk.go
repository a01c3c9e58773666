package server

import (
	"context"
	"io"
	"net/netip"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/removal"
)

// eligibility is the decision that a request about an address would get now.
func (s *Server) eligibility(ctx context.Context, who listing.Caller, a netip.Addr) (ctl.Eligible, error) {
	d, err := s.cfg.Desk.Eligibility(ctx, who, a)
	if err != nil {
		return ctl.Eligible{}, err
	}
	return ctl.Eligible{Address: a, Decision: d}, nil
}

// triage also answers where there is no list, and then says nothing of it.
func (s *Server) triage(ctx context.Context, _ listing.Caller, _ ctl.None, text io.Reader) (removal.Finding, error) {
	text = io.LimitReader(text, ctl.MaxMail+1)
	if s.cfg.Desk == nil {
		return delist.Triage(ctx, text, delist.Ours{})
	}
	return s.cfg.Desk.Triage(ctx, text)
}

// letter is the letter about an address as it stands.
func (s *Server) letter(ctx context.Context, who listing.Caller, q ctl.LetterQuery) (removal.Letter, error) {
	return s.cfg.Desk.Letter(ctx, who, q.Address, desk.LetterWish{Ticket: q.Ticket, Language: q.Language, Long: q.Long})
}

// reference says whether the reference at the end of a letter is ours: it is
// signed.
func (s *Server) reference(_ context.Context, _ listing.Caller, text string) (removal.Reference, error) {
	return s.cfg.Desk.Verify(text)
}

// request hands a request to the desk.
func (s *Server) request(ctx context.Context, who listing.Caller, c ctl.DeskRequest) (answer ctl.DeskAnswer, err error) {
	if err := checkKey(c.Key); err != nil {
		return answer, err
	}
	r := desk.Request{Key: c.Key, By: who, Text: c.Text, From: c.From, Ticket: c.Ticket, Delist: c.Delist, OwnUp: true, DryRun: c.DryRun, Language: c.Language}
	switch {
	case c.Address != "":
		r.Address, err = ctl.ParseAddress(c.Address)
	case len(c.Text) == 0:
		err = invalid("no-address", "the request names no address and has no text", `for example {"address":"192.0.2.7"}`)
	}
	if err == nil {
		answer.Reply, err = s.cfg.Desk.Request(ctx, r)
	}
	if why := answer.Answer.NoLetter; err == nil && why != nil {
		_, answer.Refused = ctl.EncodeError(why)
		answer.Refused.Message = why.Message
	}
	return answer, err
}

// done adds to a ticket what its sender can do, and to support who that is.
func (s *Server) done(ctx context.Context, who listing.Caller, d ctl.TicketDone, err error) (ctl.TicketDone, error) {
	if err == nil {
		d.Proof, err = s.cfg.Desk.Ways(ctx, d.Ticket.Address)
	}
	if err == nil && who.Role >= listing.Support {
		d.Follow = s.cfg.Desk.Follow(d.Ticket.ID)
		d.Contact, err = s.cfg.Desk.Contact(d.Ticket)
	}
	if err != nil {
		return ctl.TicketDone{}, err
	}
	return d, nil
}

// openTicket opens a ticket, or adds to the one that is open for the address.
func (s *Server) openTicket(ctx context.Context, who listing.Caller, c ctl.TicketCommand) (d ctl.TicketDone, err error) {
	a, err := ctl.ParseAddress(c.Address)
	if err == nil {
		d.Ticket, d.Opened, err = s.cfg.Desk.Open(ctx, who, a, c.Reference, c.Note)
	}
	return s.done(ctx, who, d, err)
}

// ticket is one ticket, by its ID or by a reference in another system.
func (s *Server) ticket(ctx context.Context, who listing.Caller, name string) (d ctl.TicketDone, err error) {
	d.Ticket, err = s.cfg.Desk.Ticket(ctx, name)
	return s.done(ctx, who, d, err)
}

func (s *Server) tickets(ctx context.Context, _ listing.Caller, q removal.Query) ([]removal.Ticket, error) {
	return s.cfg.Desk.Tickets(ctx, q)
}

// ticketStats is what waits, and how the desk did.
func (s *Server) ticketStats(ctx context.Context, _ listing.Caller) (removal.Stats, error) {
	return s.cfg.Desk.Stats(ctx)
}

// takeTicket does something to a ticket. The desk decides who may, with the
// Book.
func (s *Server) takeTicket(ctx context.Context, who listing.Caller, c ctl.TicketStep) (d ctl.TicketDone, err error) {
	c.By = who
	d.Ticket, d.Revision, err = s.cfg.Desk.Take(ctx, c.Name, c.Action)
	if err == nil && c.Verb == removal.VerbGrant {
		var out ctl.Outcome
		err = s.still(ctx, &out, listing.HostSubject(d.Ticket.Address))
		d.StillListed, d.Warnings = out.StillListed, out.Warnings
	}
	return s.done(ctx, who, d, err)
}

// exportPerson is all that is kept about a mail address.
func (s *Server) exportPerson(_ context.Context, _ listing.Caller, p ctl.Person) (removal.Person, error) {
	return s.cfg.Desk.Export(p.Mail)
}

// erasePerson erases it, and says what it was.
func (s *Server) erasePerson(_ context.Context, _ listing.Caller, p ctl.Person) (removal.Person, error) {
	return s.cfg.Desk.Erase(p.Mail)
}
