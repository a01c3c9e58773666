package server

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/removal"
)

// eligibility is the decision that a request about an address would get now.
func (s *Server) eligibility(ctx context.Context, _ listing.Caller, a netip.Addr) (ctl.Eligible, error) {
	d, err := s.cfg.Desk.Eligibility(ctx, a)
	if err != nil {
		return ctl.Eligible{}, err
	}
	return ctl.Eligible{Address: a, Decision: d}, nil
}

// triage says what a mail or a pasted text shows. It also works where there is
// no list.
func (s *Server) triage(ctx context.Context, _ listing.Caller, _ ctl.None, text io.Reader) (removal.Finding, error) {
	f, err := s.find(ctx, io.LimitReader(text, ctl.MaxMail+1))
	if err != nil {
		return removal.Finding{}, err
	}
	return *f, nil
}

// find says what a text shows, and what this list knows of it itself.
func (s *Server) find(ctx context.Context, text io.Reader) (*removal.Finding, error) {
	f, err := delist.Triage(text)
	if err != nil || s.cfg.Book == nil {
		return &f, err
	}
	policy := s.cfg.Book.Rules().Policy
	f.Exclude(func(a netip.Addr) bool {
		_, ours := policy.Protects(listing.HostSubject(a))
		return ours
	})
	if f.Address == nil || f.Time == nil || f.Time.After(s.cfg.Book.Now()) {
		return &f, nil
	}
	past, err := s.asOf(ctx, listing.HostSubject(*f.Address), f.Time.UTC())
	f.ListedThen = &past.Listed
	return &f, err
}

// letter is the letter about an address as it stands.
func (s *Server) letter(ctx context.Context, _ listing.Caller, q ctl.LetterQuery) (removal.Letter, error) {
	return s.cfg.Desk.Letter(ctx, q.Address, q.Ticket)
}

// reference says whether the reference at the end of a letter is ours: it is
// signed.
func (s *Server) reference(_ context.Context, _ listing.Caller, text string) (removal.Reference, error) {
	return s.cfg.Desk.Verify(text)
}

// request hands a request to the desk, unless a program must not: a mail of another
// program is not answered at all, and one that is not plainly about one address, or
// against a removal, is left to a person.
func (s *Server) request(ctx context.Context, who listing.Caller, c ctl.DeskRequest) (answer ctl.DeskAnswer, err error) {
	ask, err := s.readRequest(ctx, who, c)
	if err != nil {
		return answer, err
	}
	answer.To, answer.Finding = ask.From, ask.Finding
	if f := ask.Finding; f != nil {
		answer.InReplyTo = f.MessageID
		switch {
		case ask.Address.IsValid():
		case f.Automatic != "":
			answer.NoAnswer = f.Automatic
			return answer, nil
		case f.Human, f.Against != "":
			answer.Human, answer.NoAnswer = true, whyHuman(*f)
			return answer, nil
		default:
			ask.Address, ask.Delist = *f.Address, c.Delist && f.Asks
		}
	}
	if answer.Answer, err = s.cfg.Desk.Request(ctx, ask); err != nil {
		return ctl.DeskAnswer{}, err
	}
	if why := answer.Answer.NoLetter; why != nil {
		_, answer.Refused = ctl.EncodeError(why)
		answer.Refused.Message = why.Message
	}
	return answer, nil
}

// readRequest reads what is asked, with what its text shows. An address that is
// given beside a text is what the request is about. A mail is known again by its
// Message-ID and its sender, where no key is given.
func (s *Server) readRequest(ctx context.Context, who listing.Caller, c ctl.DeskRequest) (ask desk.Request, err error) {
	ask = desk.Request{Key: c.Key, Actor: who.Name, From: writable(c.From), Ticket: c.Ticket, Delist: c.Delist, DryRun: c.DryRun}
	switch err = checkKey(c.Key); {
	case err != nil:
	case len(c.Text) > 0:
		ask.Finding, err = s.find(ctx, bytes.NewReader(c.Text))
	case c.Address == "":
		err = invalid("no-address", "the request names no address and has no text", `for example {"address":"192.0.2.7"}`)
	}
	if err == nil && c.Address != "" {
		ask.Address, err = ctl.ParseAddress(c.Address)
	}
	if err != nil || ask.Finding == nil {
		return ask, err
	}
	ask.From = cmp.Or(ask.From, writable(ask.Finding.From))
	if id := ask.Finding.MessageID; ask.Key == "" && id != "" {
		ask.Key = "mail:" + id + ":" + ask.From
	}
	return ask, nil
}

// whyHuman is why a person has to look at a mail.
func whyHuman(f removal.Finding) string {
	switch {
	case f.Cut:
		return "it is longer than is read"
	case f.Against != "":
		return f.Against
	case len(f.Candidates) == 0:
		return "it names no address that it can be about"
	}
	return fmt.Sprintf("it names %d addresses that it can be about", len(f.Candidates))
}

// writable is the mail address in a text; empty if a program may not write to
// it.
func writable(text string) string {
	address, _ := removal.MailAddress(text)
	return address
}

// done adds to a ticket what its sender can do.
func (s *Server) done(ctx context.Context, d ctl.TicketDone, err error) (ctl.TicketDone, error) {
	if err == nil {
		d.Proof, err = s.cfg.Desk.Ways(ctx, d.Ticket.Address)
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
		d.Ticket, d.Opened, err = s.cfg.Desk.Open(ctx, who.Name, a, c.Reference, c.Note)
	}
	return s.done(ctx, d, err)
}

// ticket is one ticket, by its ID or by a reference in another system.
func (s *Server) ticket(ctx context.Context, _ listing.Caller, name string) (d ctl.TicketDone, err error) {
	d.Ticket, err = s.cfg.Desk.Ticket(ctx, name)
	return s.done(ctx, d, err)
}

func (s *Server) tickets(ctx context.Context, _ listing.Caller, q removal.Query) ([]removal.Ticket, error) {
	return s.cfg.Desk.Tickets(ctx, q)
}

// takeTicket does something to a ticket. The desk decides who may, with the
// Book.
func (s *Server) takeTicket(ctx context.Context, who listing.Caller, c ctl.TicketStep) (d ctl.TicketDone, err error) {
	c.By = who
	d.Ticket, d.Revision, err = s.cfg.Desk.Take(ctx, c.Name, c.Action)
	return s.done(ctx, d, err)
}

// exportPerson is all that is kept about a mail address.
func (s *Server) exportPerson(_ context.Context, _ listing.Caller, p ctl.Person) (removal.Person, error) {
	return s.cfg.Desk.Export(p.Mail)
}

// erasePerson erases it, and says what it was.
func (s *Server) erasePerson(_ context.Context, _ listing.Caller, p ctl.Person) (removal.Person, error) {
	return s.cfg.Desk.Erase(p.Mail)
}
