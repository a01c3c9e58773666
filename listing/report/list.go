package report

import (
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
	Actor    string          `query:"actor"` // who listed it, or last changed it
	Note     string          `query:"note"`  // a part of the note, in any case
	HELO     string          `query:"helo"`  // a pattern that a greeting kept as evidence matches: *.example
	Sort     string          `query:"sort"`  // ByUntil or BySince; empty: by prefix
	Limit    int             `query:"limit"` // 0: none
}

// Orders of a list.
const (
	ByUntil = "until" // soonest first
	BySince = "since" // newest first
)

// Check finds what cannot be asked for.
func (q Query) Check() error {
	origins := []listing.Origin{listing.ByOperator, listing.ByThreshold, listing.ByImport}
	switch {
	case q.Origin != "" && !slices.Contains(origins, q.Origin):
		return &listing.Error{Kind: listing.ErrInvalid, Code: "unknown-origin", Message: listing.Quote(string(q.Origin)) + " is not an origin",
			Hint: fmt.Sprintf("give one of %v", origins)}
	case q.Sort != "" && q.Sort != ByUntil && q.Sort != BySince:
		return &listing.Error{Kind: listing.ErrInvalid, Code: "unknown-order", Message: "a list is not sorted by " + listing.Quote(q.Sort),
			Hint: "give until (soonest first) or since (newest first)"}
	}
	return nil
}

// List calls f with the entries in force that a query asks for, each with its
// true end and what else it has from its source: in order of key, without
// holding them, or sorted.
func List(snap listing.Snapshot, reasons *listing.Reasons, q Query, now time.Time, f func(listing.Entry) error) error {
	if err := q.Check(); err != nil {
		return err
	}
	l := lister{snap: snap, q: q, now: now}
	if q.Reason != "" {
		info, err := reasons.Find(q.Reason)
		if err != nil {
			return err
		}
		l.code = info.Code
	}
	var err error
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

// lister goes through the entries of a snapshot.
type lister struct {
	snap    listing.Snapshot
	q       Query
	code    listing.Reason // 0: any
	now     time.Time
	sources listing.Sources
}

// each calls f with the entries that are asked for, in order of key.
func (l *lister) each(f func(listing.Entry) error) error {
	for e, err := range l.snap.Each(l.q.Within) {
		wanted := false
		if err == nil && l.near(e) {
			e = l.sources.Complete(e)
			wanted, err = l.wanted(e)
		}
		if err == nil && wanted {
			err = f(e)
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

// near is what can be told of an entry at once.
func (l *lister) near(e listing.Entry) bool {
	return (l.code == 0 || e.Reason == l.code) && (l.q.Source == nil || e.Source == *l.q.Source) && l.sources.InForce(e, l.now)
}

// wanted is what takes the whole of it, and its evidence.
func (l *lister) wanted(e listing.Entry) (bool, error) {
	q := &l.q
	if (q.Origin != "" && e.Origin != q.Origin) || (q.Expiring != 0 && e.Until.After(l.now.Add(q.Expiring.Duration()))) ||
		(q.Ticket != "" && e.Ticket != q.Ticket) || (q.Actor != "" && e.Actor != q.Actor) ||
		!strings.Contains(strings.ToLower(e.Note), strings.ToLower(q.Note)) {
		return false, nil
	}
	if q.HELO == "" {
		return true, nil
	}
	if e.Evidence == (listing.Digest{}) {
		return false, nil
	}
	evidence, err := l.snap.Evidence(e.Evidence)
	if errors.Is(err, listing.ErrNotFound) { // its time is over
		return false, nil
	}
	return slices.ContainsFunc(evidence.Samples, func(s listing.Sample) bool { return glob(q.HELO, s.HELO) }), err
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
	var all []listing.Entry
	if err := l.each(func(e listing.Entry) error { all = append(all, e); return nil }); err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b listing.Entry) int {
		if l.q.Sort == BySince {
			return b.Since.Compare(a.Since)
		}
		return a.Until.Compare(b.Until)
	})
	if l.q.Limit > 0 {
		all = all[:min(len(all), l.q.Limit)]
	}
	for _, e := range all {
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}
