package report

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
)

// Query narrows a list of entries. Its zero value means all that are in force.
type Query struct {
	Reason   string          `query:"reason"`
	Within   listing.Subject `query:"within"`
	Expiring listing.Life    `query:"expiring"` // that end within this time
	Origin   listing.Origin  `query:"origin"`
	Source   *string         `query:"source"` // nil: of any; empty: this list's own
	Ticket   string          `query:"ticket"`
	Actor    string          `query:"actor"`   // who listed it, or last changed it
	Note     string          `query:"note"`    // a part of the note, in any case
	HELO     string          `query:"helo"`    // a pattern that a greeting kept as evidence matches: *.example
	Unasked  listing.Life    `query:"unasked"` // for which no question has come for this time
	Sort     string          `query:"sort"`    // ByUntil, BySince or ByHits; empty: by prefix
	Limit    int             `query:"limit"`   // 0: none
}

// Orders of a list.
const (
	ByUntil = "until" // soonest first
	BySince = "since" // newest first
	ByHits  = "hits"  // asked for most first
)

// Orders are all of them.
func Orders() []string { return []string{ByUntil, BySince, ByHits} }

// Check finds what cannot be asked for.
func (q Query) Check() error {
	origins := []listing.Origin{listing.ByOperator, listing.ByThreshold, listing.ByImport}
	switch {
	case q.Origin != "" && !slices.Contains(origins, q.Origin):
		return &listing.Error{Kind: listing.ErrInvalid, Code: "unknown-origin", Message: listing.Quote(string(q.Origin)) + " is not an origin",
			Hint: fmt.Sprintf("give one of %v", origins)}
	case q.Sort != "" && !slices.Contains(Orders(), q.Sort):
		return &listing.Error{Kind: listing.ErrInvalid, Code: "unknown-order", Message: "a list is not sorted by " + listing.Quote(q.Sort),
			Hint: "give until (soonest first), since (newest first) or hits (asked for most first)"}
	}
	return nil
}

// countable refuses what only counts of queries can answer where there are none.
func (q Query) countable(hits Hits) error {
	if hits != nil || (q.Sort != ByHits && q.Unasked == 0) {
		return nil
	}
	return &listing.Error{Kind: listing.ErrInvalid, Code: "no-hits", Message: "queries are not counted here",
		Hint: "ask a running dnsbld: leave --offline out"}
}

// List calls f with the entries in force that a query asks for, each with its
// true end and what else it has from its source: in order of key, without
// holding them, or sorted.
func List(snap listing.Snapshot, rows Rows, q Query, now time.Time, f func(listing.Entry) error) error {
	if err := cmp.Or(q.Check(), q.countable(rows.Hits)); err != nil {
		return err
	}
	l := lister{snap: snap, q: q, now: now, hits: rows.Hits}
	var err error
	if l.code, err = codeOf(rows.Reasons, q.Reason); err != nil {
		return err
	}
	if l.sources, err = listing.SourcesOf(snap); err != nil {
		return err
	}
	if q.Sort != "" {
		return l.sorted(f)
	}
	count := 0
	return l.each(func(e listing.Entry) error {
		if err := f(e); err != nil {
			return err
		}
		if count++; count == q.Limit {
			return errEnough
		}
		return nil
	})
}

// errEnough ends a walk early.
var errEnough = errors.New("that is enough")

// lister goes through the entries of a snapshot. It holds none of them, so that a
// million are listed in the memory of one, unless they are to be sorted.
type lister struct {
	snap    listing.Snapshot
	q       Query
	code    listing.Reason // 0: any
	now     time.Time
	sources listing.Sources
	hits    Hits
}

// each calls f with the entries that are asked for, in order of key.
func (l *lister) each(f func(listing.Entry) error) error {
	for e, err := range l.snap.Each(l.q.Within) {
		if err == nil {
			err = l.visit(e, f)
		}
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// visit calls f with an entry if it is asked for. The tests that cost least come
// first.
func (l *lister) visit(e listing.Entry, f func(listing.Entry) error) error {
	if !l.matchKey(e) {
		return nil
	}
	if e = l.sources.Complete(e); !l.matchEntry(e) {
		return nil
	}
	matches, err := l.matchHELO(e)
	if err != nil || !matches {
		return err
	}
	return f(e)
}

// matchKey looks at what an entry has before its source completes it, which most
// of a million entries do not get past.
func (l *lister) matchKey(e listing.Entry) bool {
	return is(l.code, e.Reason) && (l.q.Source == nil || e.Source == *l.q.Source) && l.sources.InForce(e, l.now)
}

// matchEntry looks at the whole of an entry.
func (l *lister) matchEntry(e listing.Entry) bool {
	q := &l.q
	return is(q.Origin, e.Origin) && is(q.Ticket, e.Ticket) && is(q.Actor, e.Actor) &&
		(q.Expiring == 0 || !e.Until.After(l.now.Add(q.Expiring.Duration()))) &&
		(q.Unasked == 0 || !e.Except && l.lastHit(e).Before(l.now.Add(-q.Unasked.Duration()))) &&
		strings.Contains(strings.ToLower(e.Note), strings.ToLower(q.Note))
}

// lastHit is when an entry was asked for last.
func (l *lister) lastHit(e listing.Entry) time.Time {
	_, last := l.hits(e)
	return last
}

// matchHELO looks at the greetings that are kept for an entry. Evidence is erased
// in time: then there are none.
func (l *lister) matchHELO(e listing.Entry) (bool, error) {
	if l.q.HELO == "" {
		return true, nil
	}
	if e.Evidence == (listing.Digest{}) {
		return false, nil
	}
	evidence, err := l.snap.Evidence(e.Evidence)
	if errors.Is(err, listing.ErrNotFound) {
		return false, nil
	}
	return slices.ContainsFunc(evidence.Samples, func(s listing.Sample) bool { return glob(l.q.HELO, s.HELO) }), err
}

// glob reports whether a pattern matches a text, in any case. Only * and ? stand
// for something else: an address literal begins with a bracket.
func glob(pattern, text string) bool {
	plain := strings.NewReplacer(`\`, `\\`, `[`, `\[`).Replace(strings.ToLower(pattern))
	ok, err := path.Match(plain, strings.ToLower(text))
	return ok && err == nil
}

// sorted holds the entries that are asked for, and calls f with them in order.
func (l *lister) sorted(f func(listing.Entry) error) error {
	type counted struct {
		listing.Entry
		hits uint64
	}
	var all []counted
	if err := l.each(func(e listing.Entry) error {
		c := counted{Entry: e}
		if l.q.Sort == ByHits {
			c.hits, _ = l.hits(e)
		}
		all = append(all, c)
		return nil
	}); err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b counted) int {
		switch l.q.Sort {
		case BySince:
			return b.Since.Compare(a.Since)
		case ByHits:
			return cmp.Compare(b.hits, a.hits)
		}
		return a.Until.Compare(b.Until)
	})
	if l.q.Limit > 0 {
		all = all[:min(len(all), l.q.Limit)]
	}
	for _, e := range all {
		if err := f(e.Entry); err != nil {
			return err
		}
	}
	return nil
}
