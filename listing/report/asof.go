package ctl

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"dnsbld/listing"
)

// Then is the list at an instant of the past, as far as it concerns a prefix.
type Then struct {
	Subject  listing.Subject `json:"prefix"`
	At       time.Time       `json:"at"`
	Listed   bool            `json:"listed"`
	Hidden   string          `json:"hidden,omitempty"`
	Entries  []Standing      `json:"entries"` // in force then, strongest first
	Allows   []listing.Allow `json:"allow"`   // in force then
	Window   listing.Life    `json:"window"`  // the longest TTL: resolvers may have kept an older answer for as long
	Recent   []Event         `json:"recent"`  // changes within the window before, for which that may have been so
	Since    []Event         `json:"since"`   // what has happened after
	Warnings []string        `json:"warnings,omitempty"`
}

// assumedTTL stands for the longest TTL where no zone is known.
const assumedTTL = listing.Life(5 * time.Minute)

func (s *Server) then(w http.ResponseWriter, r *http.Request, _ Caller) error {
	subject, err := subjectOf(r)
	if err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("at"))
	switch {
	case err != nil:
		return invalid("bad-time", "the instant is not in RFC 3339", "for example 2026-11-23T12:00:00Z")
	case at.After(s.cfg.Book.Now()):
		return invalid("future", at.UTC().Format(time.RFC3339)+" is yet to come", "`blctl show` says how things stand now")
	}
	past, err := s.reconstruct(r.Context(), subject, at.UTC())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, past)
}

// moment is what changes have made of the list at a prefix by an instant. An
// instant in whole seconds, as logs give it, means the end of that second.
type moment struct {
	at, last time.Time
	entries  map[listing.Key]listing.Entry
	allows   map[listing.Subject]listing.Allow
	rows     rows
	since    []listing.Change
	recent   []listing.Change
}

func (s *Server) reconstruct(ctx context.Context, subject listing.Subject, at time.Time) (*Then, error) {
	m := &moment{at: at, last: at, entries: map[listing.Key]listing.Entry{}, allows: map[listing.Subject]listing.Allow{}}
	if at.Equal(at.Truncate(time.Second)) {
		m.last = at.Add(time.Second - 1)
	}
	t := &Then{Subject: subject, At: at, Window: s.longestTTL(), Allows: []listing.Allow{}, Recent: []Event{}, Since: []Event{}}
	if t.Window == 0 {
		t.Window = assumedTTL
		t.Warnings = append(t.Warnings, fmt.Sprintf("no zone is answered from here: a longest TTL of %s is assumed", assumedTTL))
	}
	if err := s.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) (err error) {
		if m.rows, err = s.rows(snap); err != nil {
			return err
		}
		changes, err := changesAround(snap, subject)
		m.apply(changes, t.Window.Duration())
		return err
	}); err != nil {
		return nil, err
	}
	for _, c := range m.recent {
		t.Recent = append(t.Recent, m.rows.event(c))
	}
	for _, c := range m.since {
		t.Since = append(t.Since, m.rows.event(c))
	}
	return t, s.settle(ctx, m, t)
}

// apply goes through the changes up to the instant, and sorts out those that
// came shortly before and after it.
func (m *moment) apply(changes []listing.Change, window time.Duration) {
	for _, c := range changes {
		if c.Header.Time.After(m.last) {
			m.since = append(m.since, c)
			continue
		}
		// An answer never outlives its entry, so an expiry leaves no stale one.
		if c.Because != listing.Expired && m.at.Sub(c.Header.Time) < window {
			m.recent = append(m.recent, c)
		}
		switch {
		case c.Kind == listing.EntryChange && c.After == nil:
			delete(m.entries, c.Before.Key)
		case c.Kind == listing.EntryChange:
			m.entries[c.After.Key] = *c.After
		case c.Kind == listing.AllowChange && c.AllowAfter == nil:
			delete(m.allows, c.AllowBefore.Subject)
		case c.Kind == listing.AllowChange:
			m.allows[c.AllowAfter.Subject] = *c.AllowAfter
		case c.Kind == listing.SourceChange && c.SourceAfter == nil:
			maps.DeleteFunc(m.entries, func(k listing.Key, _ listing.Entry) bool { return k.Source == nameOf(c) })
		}
	}
}

// settle decides which of the entries were in force, and says what they did.
func (s *Server) settle(ctx context.Context, m *moment, t *Then) error {
	for _, a := range m.allows {
		if a.Active(m.at) {
			t.Allows = append(t.Allows, a)
		}
	}
	slices.SortFunc(t.Allows, func(a, b listing.Allow) int { return a.Subject.Compare(b.Subject) })
	var in []listing.Entry
	for _, e := range m.entries {
		if e.Source != "" {
			if end := m.sourceEnd(e.Key); e.Until.IsZero() || end.Before(e.Until) {
				e.Until = end
			}
		}
		if e.Active(m.at) {
			in = append(in, e)
		}
	}
	slices.SortFunc(in, func(a, b listing.Entry) int { // as a snapshot has them
		return cmp.Or(a.Subject.Compare(b.Subject), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Source, b.Source))
	})
	t.Hidden = protection(t.Subject, s.cfg.Book.Rules().Policy, t.Allows, m.at)
	t.Entries = judge(in, t.Hidden, rows{reasons: m.rows.reasons})
	t.Listed = anyLists(t.Entries)
	return s.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error { return addSamples(snap, t.Entries) })
}

// sourceEnd is when the source of an entry in force at the instant ended, or
// will: the history of an entry has the end of its source. If an import took
// the entry out or altered it first, the source lasted until then at least, and
// the time of that import stands for its end.
func (m *moment) sourceEnd(k listing.Key) time.Time {
	for _, c := range m.since {
		switch {
		case c.Kind == listing.EntryChange && c.Before != nil && c.Before.Key == k:
			return c.Header.Time
		case c.Kind != listing.SourceChange || c.SourceAfter != nil || nameOf(c) != k.Source:
			continue
		case c.SourceBefore.Until.Before(c.Header.Time):
			return c.SourceBefore.Until
		}
		return c.Header.Time
	}
	return m.rows.sources[k.Source].Until
}
