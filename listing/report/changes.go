package report

import (
	"cmp"
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

// Match is the test that a Filter asks of a change. It makes no event of it: of each
// of a million changes that would cost more than reading them.
func (f Filter) Match(reasons *listing.Reasons) (func(listing.Change) bool, error) {
	code, err := codeOf(reasons, f.Reason)
	narrow := code != 0 || f.Within.IsValid() || f.Source != ""
	return func(c listing.Change) bool {
		return f.matchHeader(c.Header) && (!narrow || f.matchKey(keyOf(c), code))
	}, err
}

// matchHeader looks at who made a change, when and what for.
func (f Filter) matchHeader(h *listing.Header) bool {
	return !h.Time.Before(f.Since) && (f.Until.IsZero() || !h.Time.After(f.Until)) &&
		is(f.Actor, h.Actor) && is(f.Ticket, h.Ticket)
}

// matchKey looks at what changed. Subject.Covers takes no change that is about
// no prefix, such as that of a source.
func (f Filter) matchKey(k listing.Key, code listing.Reason) bool {
	return is(code, k.Reason) && is(f.Source, k.Source) && (!f.Within.IsValid() || f.Within.Covers(k.Subject))
}

// keyOf is the key of the entry that changed; of an allow entry its subject, and of a
// source its name.
func keyOf(c listing.Change) (k listing.Key) {
	switch c.Kind {
	case listing.EntryChange:
		k = cmp.Or(c.After, c.Before).Key
	case listing.AllowChange:
		k.Subject = cmp.Or(c.AllowAfter, c.AllowBefore).Subject
	case listing.SourceChange:
		k.Source = cmp.Or(c.SourceAfter, c.SourceBefore).Name
	}
	return k
}

// is reports whether something is what is asked for; the zero value asks for
// anything.
func is[T comparable](asked, is T) bool {
	var any T
	return asked == any || asked == is
}

// codeOf finds the reason that is asked for by symbol or number; empty: 0, which
// asks for any.
func codeOf(reasons *listing.Reasons, reason string) (listing.Reason, error) {
	if reason == "" {
		return 0, nil
	}
	info, err := reasons.Find(reason)
	return info.Code, err
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
