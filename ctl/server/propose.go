package server

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// proposing makes a command a proposal; nil: it was not given.
func proposing[C any](s *Server, note string, c *C, of parts[C], do carryOut[C]) func(context.Context, listing.Caller) (ctl.Proposed, error) {
	if c == nil {
		return nil
	}
	return func(ctx context.Context, who listing.Caller) (ctl.Proposed, error) {
		subject, more, o := of(c)
		if err := canonical(subject, more, o); err != nil {
			return ctl.Proposed{}, err
		}
		o.Propose, o.ProposalNote = true, note
		res, err := do(s.cfg.Book, ctx, who, *c)
		return s.proposed(ctx, o.DryRun, res, err)
	}
}

// propose keeps the one command that is given until another person approves it.
func (s *Server) propose(ctx context.Context, who listing.Caller, c ctl.Propose) (ctl.Proposed, error) {
	given := []func(context.Context, listing.Caller) (ctl.Proposed, error){
		proposing(s, c.Note, c.Add, partsOfAdd, (*listing.Book).Add),
		proposing(s, c.Note, c.Delist, partsOfDelist, (*listing.Book).Delist),
		proposing(s, c.Note, c.Expire, partsOfExpire, (*listing.Book).Expire),
		proposing(s, c.Note, c.Permit, partsOfPermit, (*listing.Book).Permit),
	}
	given = slices.DeleteFunc(given, func(f func(context.Context, listing.Caller) (ctl.Proposed, error)) bool { return f == nil })
	if len(given) != 1 {
		return ctl.Proposed{}, invalid("bad-request", "a proposal is of one command", "give one of add, delist, expire and allow")
	}
	return given[0](ctx, who)
}

// approve carries a proposal out.
func (s *Server) approve(ctx context.Context, who listing.Caller, c ctl.Decide) (ctl.Proposed, error) {
	return s.decide(ctx, who, c, s.cfg.Book.Approve)
}

// withdraw ends a proposal without carrying it out.
func (s *Server) withdraw(ctx context.Context, who listing.Caller, c ctl.Decide) (ctl.Proposed, error) {
	return s.decide(ctx, who, c, s.cfg.Book.Withdraw)
}

// decide settles a proposal one way or the other.
func (s *Server) decide(ctx context.Context, who listing.Caller, c ctl.Decide,
	do func(context.Context, listing.Caller, string, listing.Options) (listing.Result, error)) (out ctl.Proposed, err error) {
	if err := checkKey(c.IdempotencyKey); err != nil {
		return out, err
	}
	res, err := do(ctx, who, c.ID, c.Options)
	return s.proposed(ctx, c.DryRun, res, err)
}

// proposed is a proposal. That it was written is no news of the list.
func (s *Server) proposed(ctx context.Context, dry bool, res listing.Result, err error) (p ctl.Proposed, _ error) {
	if err != nil {
		return p, err
	}
	changed := res.Changed()
	res.Changes = slices.DeleteFunc(slices.Clone(res.Changes), func(c listing.Change) bool { return c.Kind == listing.DocumentChange })
	p.Proposal = *res.Proposal
	p.Outcome, err = s.outcome(ctx, res, dry)
	p.Changed = changed
	return p, err
}

// proposals are those that are open, or all, oldest first.
func (s *Server) proposals(ctx context.Context, _ listing.Caller, all bool) ([]listing.Proposal, error) {
	found, err := none(s.cfg.Book.Proposals(ctx, all))
	slices.SortStableFunc(found, func(a, b listing.Proposal) int {
		return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.ID, b.ID))
	})
	return found, err
}
