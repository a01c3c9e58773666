package report

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
)

// Shown is all that the list itself knows about a prefix.
type Shown struct {
	Subject  listing.Subject  `json:"prefix"`
	Time     time.Time        `json:"time"`
	Revision listing.Revision `json:"revision"`
	Listed   bool             `json:"listed"`
	Hidden   string           `json:"hidden,omitempty"` // why it is never answered as listed, whatever is stored
	Entries  []Held           `json:"entries"`          // that cover it and are in force, strongest first
	Inside   int              `json:"inside"`           // entries in force inside a prefix, its own not counted
	InsideTo bool             `json:"inside_or_more,omitempty"`
	Allows   []listing.Allow  `json:"allow"`
	Past     []Ended          `json:"past"`
	Answers  []Answer         `json:"dns"`     // of a single address; filled in by those who know DNS
	Changes  []Event          `json:"changes"` // the last ones, newest first
}

// Ended is what is remembered of a listing that ended.
type Ended struct {
	Reason string         `json:"reason"`
	Code   listing.Reason `json:"code"`
	Level  int            `json:"level"`
	Ended  time.Time      `json:"ended"`
}

// Answer is what DNS says about an address in one zone.
type Answer struct {
	Zone string       `json:"zone"`
	A    []netip.Addr `json:"a"` // empty: not listed there
	TXT  []string     `json:"txt,omitempty"`
	TTL  uint32       `json:"ttl,omitempty"` // seconds
}

// Limits of what one screen shows.
const (
	shownChanges = 5
	shownInside  = 10000
)

// Show reads what a snapshot knows about a subject; hits, which may be nil, what was
// counted.
func Show(snap listing.Snapshot, rules listing.Rules, s listing.Subject, now time.Time, hits Hits) (Shown, error) {
	shown := Shown{Subject: s, Time: now, Revision: snap.Revision(), Answers: []Answer{}, Past: []Ended{}, Changes: []Event{}}
	instant, err := listing.InstantOf(snap, rules, now)
	if err != nil {
		return shown, err
	}
	covering, err := snap.Covering(s)
	if err != nil {
		return shown, err
	}
	shown.Hidden = instant.Hides(s).String()
	shown.Allows = append([]listing.Allow{}, listing.AllowsOver(instant.Allows, s, instant.Now)...)
	if shown.Entries, shown.Listed, err = heldRows(snap, instant, s, covering, hits); err != nil {
		return shown, err
	}
	if err := shown.countInside(snap, instant); err != nil {
		return shown, err
	}
	if err := shown.addPast(snap, rules.Reasons); err != nil {
		return shown, err
	}
	changes, err := changesAround(snap, s)
	slices.Reverse(changes)
	rows := Rows{Reasons: rules.Reasons, Sources: instant.Sources}
	shown.Changes = rows.Events(changes[:min(len(changes), shownChanges)])
	return shown, err
}

// heldRows are entries in force at an instant that cover a subject, with what was
// seen where that is still kept, and whether one of them lists it.
func heldRows(snap listing.Snapshot, i listing.Instant, s listing.Subject, covering []listing.Entry, hits Hits) (all []Held, listed bool, err error) {
	all, rows := []Held{}, Rows{Reasons: i.Rules.Reasons, Hits: hits}
	for _, h := range i.Resolve(s, covering) {
		held := Held{Row: rows.Row(h.Entry), Published: h.Info.Published, Lists: h.Lists(), Because: h.WhyNot.String()}
		if h.Evidence != (listing.Digest{}) {
			ev, err := snap.Evidence(h.Evidence)
			if err != nil && !errors.Is(err, listing.ErrNotFound) {
				return nil, false, err
			}
			held.Samples = ev.Samples
		}
		all, listed = append(all, held), listed || held.Lists
	}
	return all, listed, nil
}

// countInside counts what is listed inside a prefix, up to a number beyond
// which it no longer matters.
func (shown *Shown) countInside(snap listing.Snapshot, i listing.Instant) error {
	if shown.Subject.IsHost() {
		return nil
	}
	for e, err := range snap.Each(shown.Subject) {
		switch {
		case err != nil:
			return err
		case e.Subject == shown.Subject || e.Except || !i.Sources.InForce(e, i.Now):
			continue
		case shown.Inside == shownInside:
			shown.InsideTo = true
			return nil
		}
		shown.Inside++
	}
	return nil
}

// addPast reads the memory of ended listings, of every reason there is.
func (shown *Shown) addPast(snap listing.Snapshot, reasons *listing.Reasons) error {
	for _, info := range reasons.All() {
		past, err := snap.Past(listing.Key{Subject: shown.Subject, Reason: info.Code})
		if err != nil {
			return err
		}
		if past.Level > 0 {
			shown.Past = append(shown.Past, Ended{Reason: info.Symbol, Code: info.Code, Level: past.Level, Ended: past.Ended})
		}
	}
	return nil
}
