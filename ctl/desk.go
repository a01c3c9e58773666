package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"net/netip"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
)

// deskHandlers are the endpoints of the support desk.
func (s *Server) deskHandlers() map[string]handler {
	all := map[string]handler{
		"GET /v1/eligibility":    s.eligibility,
		"POST /v1/triage":        s.triage,
		"GET /v1/letter":         s.letter,
		"GET /v1/reference":      s.reference,
		"POST /v1/request":       s.deskRequest,
		"GET /v1/tickets":        s.tickets,
		"POST /v1/tickets":       s.openTicket,
		"GET /v1/ticket":         s.ticket,
		"POST /v1/ticket":        s.takeTicket,
		"POST /v1/person/export": s.exportPerson,
		"POST /v1/person/erase":  s.erasePerson,
	}
	for pattern, h := range all {
		all[pattern] = func(w http.ResponseWriter, r *http.Request, who Caller) error {
			if s.cfg.Desk == nil {
				return invalid("no-desk", "there is no support desk here", "ask a running dnsbld: leave --offline out")
			}
			return h(w, r, who)
		}
	}
	all["GET /v1/selfcheck"] = s.selfcheck // which says so where there is no desk
	return all
}

// addressOf is the address that a request is about.
func addressOf(text string) (netip.Addr, error) {
	subject, err := listing.ParseSubject(text)
	if err == nil && !subject.IsHost() {
		err = invalid("not-an-address", subject.String()+" is a prefix, and a request is about one address", "for example "+subject.Addr().String())
	}
	return subject.Addr(), err
}

// Eligible is a decision about an address.
type Eligible struct {
	Address netip.Addr `json:"address"`
	delist.Decision
}

func (s *Server) eligibility(w http.ResponseWriter, r *http.Request, _ Caller) error {
	a, err := addressOf(r.URL.Query().Get("address"))
	if err != nil {
		return err
	}
	d, err := s.cfg.Desk.Eligibility(r.Context(), a)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, Eligible{a, d})
}

// atDesk adds to what is shown of an address what the support desk says.
func (s *Server) atDesk(ctx context.Context, shown *Shown) (err error) {
	if s.cfg.Desk == nil || !shown.Subject.IsHost() {
		return nil
	}
	if shown.Tickets, err = s.cfg.Desk.Tickets(ctx, desk.Query{Address: shown.Subject.Addr()}); err != nil || !shown.Listed {
		return err
	}
	about, err := s.cfg.Desk.About(ctx, shown.Subject.Addr())
	d := s.cfg.Desk.Judged(about, s.cfg.Book.Now())
	if err == nil && d.Code != delist.NotListed { // listed in a zone of its own
		shown.Eligibility = &d
	}
	return err
}

// MaxMail is how much of a mail or pasted text is read.
const MaxMail = 1 << 20

func (s *Server) triage(w http.ResponseWriter, r *http.Request, _ Caller) error {
	control := http.NewResponseController(w)
	setDeadline(control, time.Now().Add(patience))
	f, err := delist.Triage(io.LimitReader(r.Body, MaxMail+1))
	setDeadline(control, time.Time{})
	if err != nil {
		return err
	}
	if err := s.record(r.Context(), &f); err != nil {
		return err
	}
	return reply(w, http.StatusOK, f)
}

// record adds to a finding what this list knows itself.
func (s *Server) record(ctx context.Context, f *delist.Finding) error {
	policy := s.cfg.Book.Rules().Policy
	f.Exclude(func(a netip.Addr) bool {
		_, ours := policy.Protects(listing.HostSubject(a))
		return ours
	})
	if f.Address == nil || f.Time == nil || f.Time.After(s.cfg.Book.Now()) {
		return nil
	}
	then, err := s.asOf(ctx, listing.HostSubject(*f.Address), f.Time.UTC())
	if err != nil {
		return err
	}
	f.ListedThen = &then.Listed
	return nil
}

func (s *Server) letter(w http.ResponseWriter, r *http.Request, _ Caller) error {
	a, err := addressOf(r.URL.Query().Get("address"))
	if err != nil {
		return err
	}
	l, err := s.cfg.Desk.Letter(r.Context(), a, r.URL.Query().Get("ticket"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, l)
}

func (s *Server) reference(w http.ResponseWriter, r *http.Request, _ Caller) error {
	ref, err := s.cfg.Desk.Verify(r.URL.Query().Get("reference"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, ref)
}

// DeskRequest asks for an address to be delisted: the address, or a mail or
// pasted text that names it.
type DeskRequest struct {
	Address string `json:"address,omitempty"`
	Text    []byte `json:"text,omitempty"`
	From    string `json:"from,omitempty"` // mail address of who asks
	Ticket  string `json:"ticket,omitempty"`
	Key     string `json:"key,omitempty"` // the same for the same request sent again; empty: by the mail's Message-ID
	Delist  bool   `json:"delist,omitempty"`
	DryRun  bool   `json:"dry_run,omitempty"`
}

// DeskAnswer is what was done about a request. Without an address a person has
// to look at it, and nothing was done.
type DeskAnswer struct {
	desk.Done
	Human     bool            `json:"human"`
	Finding   *delist.Finding `json:"finding,omitempty"`
	To        string          `json:"to,omitempty"`          // who asked
	InReplyTo string          `json:"in_reply_to,omitempty"` // the mail that asked
	Refused   *wireError      `json:"refused,omitempty"`     // why there is no letter
}

// NoLetter is why there is no letter; nil if there is one.
func (a DeskAnswer) NoLetter() error {
	if a.Refused == nil {
		return nil
	}
	return a.Refused.decode(http.StatusForbidden)
}

func (s *Server) deskRequest(w http.ResponseWriter, r *http.Request, who Caller) error {
	const most = 2*MaxMail + maxBody // text is in base64
	var c DeskRequest
	control := http.NewResponseController(w)
	setDeadline(control, time.Now().Add(patience))
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, most)).Decode(&c)
	setDeadline(control, time.Time{})
	if err != nil {
		return invalid("bad-request", "the request cannot be read: "+err.Error(), "it holds at most a mebibyte of text")
	}
	if err := checkKey(c.Key); err != nil {
		return err
	}
	answer, err := s.dealWith(r.Context(), c, who)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, answer)
}

// dealWith hands a request to the desk, unless no program may.
func (s *Server) dealWith(ctx context.Context, c DeskRequest, who Caller) (DeskAnswer, error) {
	ask := desk.Request{Key: c.Key, Actor: who.Name, From: bareAddress(c.From), Ticket: c.Ticket, Delist: c.Delist, DryRun: c.DryRun}
	var answer DeskAnswer
	if len(c.Text) > 0 {
		f, err := s.findIn(ctx, c.Text)
		if err != nil {
			return answer, err
		}
		ask.Finding, answer.Finding, answer.InReplyTo = f, f, f.MessageID
		if ask.From == "" {
			ask.From = bareAddress(f.From)
		}
		if ask.Key == "" && f.MessageID != "" {
			ask.Key = "mail:" + f.MessageID + ":" + ask.From
		}
	}
	answer.To = ask.From
	var err error
	switch f := ask.Finding; {
	case c.Address != "":
		ask.Address, err = addressOf(c.Address)
	case f == nil:
		err = invalid("no-address", "the request names no address and has no text", `for example {"address":"192.0.2.7"}`)
	case f.Automatic != "":
		answer.NoAnswer = f.Automatic
		return answer, nil
	case f.Human:
		answer.Human, answer.NoAnswer = true, people(*f)
		return answer, nil
	default:
		ask.Address = *f.Address
	}
	if err != nil {
		return answer, err
	}
	answer.Done, err = s.cfg.Desk.Request(ctx, ask)
	if answer.Done.NoLetter != nil {
		_, answer.Refused = encodeError(answer.Done.NoLetter)
		answer.Refused.Message = answer.Done.NoLetter.Message
	}
	return answer, err
}

func (s *Server) findIn(ctx context.Context, text []byte) (*delist.Finding, error) {
	f, err := delist.Triage(bytes.NewReader(text))
	if err == nil {
		err = s.record(ctx, &f)
	}
	return &f, err
}

// people says why a person has to look at a mail.
func people(f delist.Finding) string {
	switch {
	case f.Cut:
		return "it is longer than is read"
	case len(f.Candidates) == 0:
		return "it names no address that it can be about"
	}
	return fmt.Sprintf("it names %d addresses that it can be about", len(f.Candidates))
}

// bareAddress is one mail address without a name; empty if it is none, for
// nothing else may be put into a mail of ours.
func bareAddress(text string) string {
	a, err := mail.ParseAddress(text)
	if err != nil || listing.Printable(a.Address) != a.Address {
		return ""
	}
	return a.Address
}

// TicketCommand opens a ticket, or adds to the open one of the address.
type TicketCommand struct {
	Address   string `json:"address"`
	Reference string `json:"reference,omitempty"`
	Note      string `json:"note,omitempty"`
}

// TicketDone is a ticket after something was done to it.
type TicketDone struct {
	Ticket   delist.Ticket    `json:"ticket"`
	Opened   bool             `json:"opened,omitempty"`
	Revision listing.Revision `json:"revision,omitempty"` // that ended the listing
	Proof    *desk.Ways       `json:"proof,omitempty"`    // how the sender can show that the address is his; nil: it is not listed
}

// done is a ticket with what its sender can do.
func (s *Server) done(ctx context.Context, d TicketDone) (TicketDone, error) {
	var err error
	d.Proof, err = s.cfg.Desk.Ways(ctx, d.Ticket.Address)
	return d, err
}

func (s *Server) openTicket(w http.ResponseWriter, r *http.Request, who Caller) error {
	var c TicketCommand
	if err := command(w, r, &c); err != nil {
		return err
	}
	a, err := addressOf(c.Address)
	if err != nil {
		return err
	}
	t, opened, err := s.cfg.Desk.Open(r.Context(), who.Name, a, c.Reference, c.Note)
	if err != nil {
		return err
	}
	done, err := s.done(r.Context(), TicketDone{Ticket: t, Opened: opened})
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, done)
}

func (s *Server) ticket(w http.ResponseWriter, r *http.Request, _ Caller) error {
	t, err := s.cfg.Desk.Ticket(r.Context(), r.URL.Query().Get("name"))
	if err != nil {
		return err
	}
	done, err := s.done(r.Context(), TicketDone{Ticket: t})
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, done)
}

func (s *Server) tickets(w http.ResponseWriter, r *http.Request, _ Caller) error {
	v := r.URL.Query()
	q := desk.Query{State: delist.State(v.Get("state")), All: v.Get("all") == "true"}
	if text := v.Get("address"); text != "" {
		var err error
		if q.Address, err = addressOf(text); err != nil {
			return err
		}
	}
	all, err := s.cfg.Desk.Tickets(r.Context(), q)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, all)
}

func (s *Server) takeTicket(w http.ResponseWriter, r *http.Request, who Caller) error {
	var step desk.Step
	if err := command(w, r, &step); err != nil {
		return err
	}
	step.By = who
	t, revision, err := s.cfg.Desk.Take(r.Context(), r.URL.Query().Get("name"), step)
	if err != nil {
		return err
	}
	done, err := s.done(r.Context(), TicketDone{Ticket: t, Revision: revision})
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, done)
}

type personCommand struct {
	Mail string `json:"mail"`
}

func (s *Server) exportPerson(w http.ResponseWriter, r *http.Request, _ Caller) error {
	return s.person(w, r, s.cfg.Desk.Export)
}

func (s *Server) erasePerson(w http.ResponseWriter, r *http.Request, _ Caller) error {
	return s.person(w, r, s.cfg.Desk.Erase)
}

func (s *Server) person(w http.ResponseWriter, r *http.Request, do func(string) (desk.Person, error)) error {
	var c personCommand
	if err := command(w, r, &c); err != nil {
		return err
	}
	p, err := do(c.Mail)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, p)
}
