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

// subject is that of the command, and its options; nil unless there is one
// command.
func (p *Propose) subject() (s *listing.Subject, o *listing.Options) {
	given := 0
	for _, c := range []struct {
		given bool
		at    func() (*listing.Subject, *listing.Options)
	}{
		{p.Add != nil, func() (*listing.Subject, *listing.Options) { return &p.Add.Subject, &p.Add.Options }},
		{p.Delist != nil, func() (*listing.Subject, *listing.Options) { return &p.Delist.Subject, &p.Delist.Options }},
		{p.Expire != nil, func() (*listing.Subject, *listing.Options) { return &p.Expire.Subject, &p.Expire.Options }},
		{p.Permit != nil, func() (*listing.Subject, *listing.Options) { return &p.Permit.Subject, &p.Permit.Options }},
	} {
		if c.given {
			given++
			s, o = c.at()
		}
	}
	if given != 1 {
		return nil, nil
	}
	return s, o
}

func (s *Server) propose(w http.ResponseWriter, r *http.Request, who Caller) error {
	var c Propose
	if err := command(w, r, &c); err != nil {
		return err
	}
	subject, o := c.subject()
	if o == nil {
		return invalid("bad-request", "a proposal is of one command", "give one of add, delist, expire and allow")
	}
	if err := canonical(subject, o); err != nil {
		return err
	}
	o.Propose, o.ProposalNote = true, c.Note
	var res listing.Result
	var err error
	switch book := s.cfg.Book; {
	case c.Add != nil:
		res, err = book.Add(r.Context(), who, *c.Add)
	case c.Delist != nil:
		res, err = book.Delist(r.Context(), who, *c.Delist)
	case c.Expire != nil:
		res, err = book.Expire(r.Context(), who, *c.Expire)
	default:
		res, err = book.Permit(r.Context(), who, *c.Permit)
	}
	return s.proposed(w, o.DryRun, res, err)
}

func (s *Server) approve(w http.ResponseWriter, r *http.Request, who Caller) error {
	var o listing.Options
	if err := s.read(w, r, &o, nil, &o); err != nil {
		return err
	}
	res, err := s.cfg.Book.Approve(r.Context(), who, r.PathValue("id"), o)
	return s.proposed(w, o.DryRun, res, err)
}

func (s *Server) withdraw(w http.ResponseWriter, r *http.Request, who Caller) error {
	var o listing.Options
	if err := s.read(w, r, &o, nil, &o); err != nil {
		return err
	}
	res, err := s.cfg.Book.Withdraw(r.Context(), who, r.PathValue("id"), o)
	return s.proposed(w, o.DryRun, res, err)
}

// proposed answers with a proposal. That it was written is no news of the list.
func (s *Server) proposed(w http.ResponseWriter, dry bool, res listing.Result, err error) error {
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
	return reply(w, http.StatusOK, Proposed{*res.Proposal, out})
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
