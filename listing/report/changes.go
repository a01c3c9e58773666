package report

import (
	"context"
	"errors"
	"time"

	"dnsbld/listing"
)

// Filter narrows changes. Its zero value means all that are kept.
type Filter struct {
	Since  time.Time       `query:"since"` // at or after
	Until  time.Time       `query:"until"` // at or before
	Actor  string          `query:"actor"`
	Reason string          `query:"reason"` // symbol or number
	Within listing.Subject `query:"within"` // at this prefix or inside it
	Source string          `query:"source"`
	Ticket string          `query:"ticket"`
}

// Match is the test that a Filter asks of a change.
func (f Filter) Match(reasons *listing.Reasons) (func(listing.Change) bool, error) {
	code := listing.Reason(0)
	if f.Reason != "" {
		info, err := reasons.Find(f.Reason)
		if err != nil {
			return nil, err
		}
		code = info.Code
	}
	rows := Rows{Reasons: reasons}
	return func(c listing.Change) bool {
		at := c.Header.Time
		if at.Before(f.Since) || (!f.Until.IsZero() && at.After(f.Until)) ||
			(f.Actor != "" && c.Header.Actor != f.Actor) || (f.Ticket != "" && c.Header.Ticket != f.Ticket) {
			return false
		}
		if code == 0 && !f.Within.IsValid() && f.Source == "" {
			return true
		}
		e := rows.Event(c)
		return (code == 0 || e.Code == code) && (f.Source == "" || e.Source == f.Source) &&
			(!f.Within.IsValid() || (e.Subject.IsValid() && f.Within.Covers(e.Subject)))
	}, nil
}

// Before is the newest revision before a time, but for what is no longer kept:
// what changed from that time on comes after it. It is found by halving, for
// revisions are as old as their numbers say.
func Before(ctx context.Context, store listing.Store, t time.Time) (listing.Revision, error) {
	status, err := store.Status(ctx)
	if err != nil {
		return 0, err
	}
	from, to := listing.Revision(0), status.Head // what comes after from may be older than t; what comes after to is not
	for from < to {
		middle := from + (to-from)/2
		older, err := olderAfter(ctx, store, middle, t)
		switch {
		case err != nil:
			return 0, err
		case older:
			from = middle + 1
		default:
			to = middle
		}
	}
	return from, nil
}

// olderAfter reports whether what comes after a revision is older than t, or no
// longer kept.
func olderAfter(ctx context.Context, store listing.Store, after listing.Revision, t time.Time) (bool, error) {
	for c, err := range store.OwnChanges(ctx, after) {
		if errors.Is(err, listing.ErrCompacted) {
			return true, nil
		}
		return err == nil && c.Header.Time.Before(t), err
	}
	return false, ctx.Err()
}
