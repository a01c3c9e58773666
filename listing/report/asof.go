package report

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"dnsbld/listing"
)

// AsOf is the list at an instant of the past, as far as it concerns a prefix.
type AsOf struct {
	Subject  listing.Subject `json:"prefix"`
	At       time.Time       `json:"at"`
	Listed   bool            `json:"listed"`
	Hidden   string          `json:"hidden,omitempty"`
	Entries  []Held          `json:"entries"` // in force then, strongest first
	Allows   []listing.Allow `json:"allow"`   // in force then
	Window   listing.Life    `json:"window"`  // the longest TTL: resolvers may have kept an older answer for as long
	Recent   []Event         `json:"recent"`  // changes within the window before, for which that may have been so
	Since    []Event         `json:"since"`   // what has happened after
	Warnings []string        `json:"warnings,omitempty"`
}

// assumedTTL stands for the longest TTL where no zone is known.
const assumedTTL = listing.Life(5 * time.Minute)

// HistoryAt goes through the history of a subject and says how it stood at an
// instant. The never-list is that of the rules, which keep no history. ttl is
// the longest TTL of an answer; 0: none is known.
func HistoryAt(ctx context.Context, store listing.Store, rules listing.Rules, s listing.Subject, at time.Time, ttl listing.Life) (t AsOf, err error) {
	t = AsOf{Subject: s, At: at, Window: cmp.Or(ttl, assumedTTL)}
	if ttl == 0 {
		t.Warnings = []string{fmt.Sprintf("no zone is answered from here: a longest TTL of %s is assumed", assumedTTL)}
	}
	err = store.View(ctx, func(snap listing.Snapshot) error { return t.reconstruct(snap, rules) })
	return t, err
}

// reconstruct replays the changes at the subject up to the instant. Only the
// never-list and the catalogue are those of today.
func (t *AsOf) reconstruct(snap listing.Snapshot, rules listing.Rules) error {
	sources, err := listing.SourcesOf(snap)
	if err != nil {
		return err
	}
	changes, err := changesAround(snap, t.Subject)
	if err != nil {
		return err
	}
	then := newReplay(t.At)
	then.apply(changes, t.Window.Duration())
	rows := Rows{Reasons: rules.Reasons, Sources: sources}
	t.Recent, t.Since = rows.Events(then.recent), rows.Events(then.since)
	instant := listing.Instant{Rules: rules, Now: t.At, Allows: slices.SortedFunc(maps.Values(then.allows),
		func(a, b listing.Allow) int { return a.Subject.Compare(b.Subject) })}
	t.Hidden, t.Allows = instant.Hides(t.Subject).String(), append([]listing.Allow{}, listing.AllowsOver(instant.Allows, t.Subject, instant.Now)...)
	t.Entries, t.Listed, err = heldRows(snap, instant, t.Subject, then.covering(sources), nil)
	return err
}

// replay is what changes have made of the list at a prefix by an instant.
type replay struct {
	at, last      time.Time // an instant in whole seconds, as logs give it, means the end of that second
	entries       map[listing.Key]listing.Entry
	allows        map[listing.Subject]listing.Allow
	recent, since []listing.Change // that came shortly before the instant, and after it
}

// newReplay begins with an empty list.
func newReplay(at time.Time) *replay {
	r := &replay{at: at, last: at, entries: map[listing.Key]listing.Entry{}, allows: map[listing.Subject]listing.Allow{}}
	if at.Equal(at.Truncate(time.Second)) {
		r.last = at.Add(time.Second - 1)
	}
	return r
}

// apply takes in the changes up to the instant, and sorts out those around it.
func (r *replay) apply(changes []listing.Change, window time.Duration) {
	for _, c := range changes {
		if c.Header.Time.After(r.last) {
			r.since = append(r.since, c)
			continue
		}
		// An answer never outlives its entry, so an expiry leaves no stale one.
		if c.Because != listing.Expired && r.at.Sub(c.Header.Time) < window {
			r.recent = append(r.recent, c)
		}
		switch {
		case c.Kind == listing.EntryChange && c.After == nil:
			delete(r.entries, c.Before.Key)
		case c.Kind == listing.EntryChange:
			r.entries[c.After.Key] = *c.After
		case c.Kind == listing.AllowChange && c.AllowAfter == nil:
			delete(r.allows, c.AllowBefore.Subject)
		case c.Kind == listing.AllowChange:
			r.allows[c.AllowAfter.Subject] = *c.AllowAfter
		case endedSource(c) != none:
			maps.DeleteFunc(r.entries, func(k listing.Key, _ listing.Entry) bool { return k.Source == endedSource(c) })
		}
	}
}

// covering are the entries of the instant, with their true ends. now are the
// sources as they are today.
func (r *replay) covering(now listing.Sources) []listing.Entry {
	all := make([]listing.Entry, 0, len(r.entries))
	for k, e := range r.entries {
		if k.Source != "" {
			then := listing.Sources{k.Source: {Name: k.Source, Until: r.sourceEnd(k, now)}}
			e.Until = then.End(k.Source, e.Until)
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b listing.Entry) int { return a.Key.Compare(b.Key) })
	return all
}

// sourceEnd is when the source of an entry in force at the instant ended, or
// will: the history of an entry has the end of its source. If an import took
// the entry out or altered it first, the source lasted until then at least, and
// the time of that import stands for its end.
func (r *replay) sourceEnd(k listing.Key, now listing.Sources) time.Time {
	for _, c := range r.since {
		switch {
		case c.Kind == listing.EntryChange && c.Before != nil && c.Before.Key == k:
			return c.Header.Time
		case endedSource(c) != k.Source:
			continue
		case c.SourceBefore.Until.Before(c.Header.Time):
			return c.SourceBefore.Until
		}
		return c.Header.Time
	}
	return now[k.Source].Until
}
