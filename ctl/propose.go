package ctl

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dnsbld/listing"
)

// Propose asks for a command to be kept until another person approves it: one
// of Add, Delist, Expire and Permit.
type Propose struct {
	Add    *listing.Add    `json:"add,omitempty"`
	Delist *listing.Delist `json:"delist,omitempty"`
	Expire *listing.Expire `json:"expire,omitempty"`
	Permit *listing.Permit `json:"allow,omitempty"`
	Note   string          `json:"note,omitempty"`
}

// Proposed is a proposal, and what was done about it.
type Proposed struct {
	Proposal listing.Proposal `json:"proposal"`
	Outcome
}

// command is the one that is proposed, with its subject and its options.
func (p *Propose) command() (command any, s *listing.Subject, o *listing.Options, err error) {
	given := 0
	if p.Add != nil {
		given, s, o = given+1, &p.Add.Subject, &p.Add.Options
	}
	if p.Delist != nil {
		given, s, o = given+1, &p.Delist.Subject, &p.Delist.Options
	}
	if p.Expire != nil {
		given, s, o = given+1, &p.Expire.Subject, &p.Expire.Options
	}
	if p.Permit != nil {
		given, s, o = given+1, &p.Permit.Subject, &p.Permit.Options
	}
	if given != 1 {
		return nil, nil, nil, invalid("bad-request", "a proposal is of one command", "give one of add, delist, expire and allow")
	}
	if err = checkKey(o.IdempotencyKey); err == nil && s.IsValid() {
		*s, err = listing.ParseSubject(s.String())
	}
	switch {
	case p.Add != nil:
		command = *p.Add
	case p.Delist != nil:
		command = *p.Delist
	case p.Expire != nil:
		command = *p.Expire
	default:
		command = *p.Permit
	}
	return command, s, o, err
}

func person(who Caller) listing.Person { return listing.Person{Name: who.User, UID: who.UID} }

func (s *Server) propose(w http.ResponseWriter, r *http.Request, who Caller) error {
	var c Propose
	if err := command(w, r, &c); err != nil {
		return err
	}
	proposed, _, o, err := c.command()
	if err != nil {
		return err
	}
	p, res, err := s.cfg.Book.Propose(r.Context(), person(who), proposed, c.Note)
	return s.proposed(w, p, o.DryRun, res, err)
}

func (s *Server) approve(w http.ResponseWriter, r *http.Request, who Caller) error {
	var o listing.Options
	if err := s.read(w, r, &o, nil, &o); err != nil {
		return err
	}
	p, res, err := s.cfg.Book.Approve(r.Context(), person(who), r.PathValue("id"), o)
	return s.proposed(w, p, o.DryRun, res, err)
}

func (s *Server) withdraw(w http.ResponseWriter, r *http.Request, who Caller) error {
	var o listing.Options
	if err := s.read(w, r, &o, nil, &o); err != nil {
		return err
	}
	p, res, err := s.cfg.Book.Withdraw(r.Context(), person(who), r.PathValue("id"), o)
	return s.proposed(w, p, o.DryRun, res, err)
}

// proposed answers with a proposal. That it was written is no news of the list.
func (s *Server) proposed(w http.ResponseWriter, p listing.Proposal, dry bool, res listing.Result, err error) error {
	if err != nil {
		return err
	}
	changed := res.Changed()
	res.Changes = slices.DeleteFunc(slices.Clone(res.Changes), func(c listing.Change) bool { return c.Kind == listing.PaperChange })
	out, err := s.outcome(res, dry)
	if err != nil {
		return err
	}
	out.Changed = changed
	return reply(w, http.StatusOK, Proposed{p, out})
}

func (s *Server) proposals(w http.ResponseWriter, r *http.Request, _ Caller) error {
	all, err := s.cfg.Book.Proposals(r.Context(), r.URL.Query().Get("all") == "true")
	if err != nil {
		return err
	}
	if all == nil {
		all = []listing.Proposal{}
	}
	slices.SortStableFunc(all, func(a, b listing.Proposal) int {
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return reply(w, http.StatusOK, all)
}

// Propose keeps a command until another person approves it.
func (c *Client) Propose(ctx context.Context, cmd Propose) (out Proposed, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/proposals", nil, cmd, &out)
}

// Approve carries out what another person proposed.
func (c *Client) Approve(ctx context.Context, id string, o listing.Options) (out Proposed, err error) {
	return out, c.call(ctx, http.MethodPost, "/v1/proposals/"+url.PathEscape(id)+"/approve", nil, o, &out)
}

// Withdraw ends a proposal without carrying it out.
func (c *Client) Withdraw(ctx context.Context, id string, o listing.Options) (out Proposed, err error) {
	return out, c.call(ctx, http.MethodDelete, "/v1/proposals/"+url.PathEscape(id), nil, o, &out)
}

// Proposals are those that are open, or all, oldest first.
func (c *Client) Proposals(ctx context.Context, all bool) (out []listing.Proposal, err error) {
	var query url.Values
	if all {
		query = url.Values{"all": {"true"}}
	}
	return out, c.call(ctx, http.MethodGet, "/v1/proposals", query, nil, &out)
}
