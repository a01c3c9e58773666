package report

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"dnsbld/listing"
)

// History is every change at a prefix and at the prefixes around it, oldest
// first.
type History struct {
	Subject listing.Subject `json:"prefix"`
	Events  []Event         `json:"events"`
}

// HistoryOf is the history of a subject in a snapshot.
func HistoryOf(snap listing.Snapshot, reasons *listing.Reasons, s listing.Subject) (History, error) {
	rows, err := RowsOf(snap, reasons)
	if err != nil {
		return History{}, err
	}
	changes, err := changesAround(snap, s)
	return History{Subject: s, Events: rows.Events(changes)}, err
}

// changesAround are the changes at a subject and at every wider one, oldest
// first. A store keeps history by exact subject, so this asks once a length.
func changesAround(snap listing.Snapshot, s listing.Subject) ([]listing.Change, error) {
	var all []listing.Change
	for bits := 0; bits <= s.Bits(); bits++ {
		wider := listing.Subject{Prefix: netip.PrefixFrom(s.Addr(), bits).Masked()}
		for c, err := range snap.History(wider) {
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b listing.Change) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), strings.Compare(endedSource(a), endedSource(b)))
	})
	// The end of a source is in the history of every prefix that it listed.
	return slices.CompactFunc(all, func(a, b listing.Change) bool {
		return a.Revision == b.Revision && endedSource(a) == endedSource(b) && endedSource(a) != none
	}), nil
}

// none stands for no source. It sorts behind the names of sources, which begin with
// a letter or a digit.
const none = "~"

// endedSource is the name of the source that a change ends. An import of a
// source that had lapsed ends it first, in the same revision, so ends come
// first.
func endedSource(c listing.Change) string {
	if c.Kind == listing.SourceChange && c.SourceAfter == nil {
		return c.SourceBefore.Name
	}
	return none
}
