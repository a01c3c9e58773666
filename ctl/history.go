package ctl

import (
	"cmp"
	"net/http"
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

func (s *Server) history(w http.ResponseWriter, r *http.Request, _ Caller) error {
	subject, err := subjectOf(r)
	if err != nil {
		return err
	}
	h := History{Subject: subject}
	if err := s.cfg.Book.Store().View(r.Context(), func(snap listing.Snapshot) error {
		rows, err := s.rows(snap)
		if err == nil {
			h.Events, err = eventsAround(snap, rows, subject)
		}
		return err
	}); err != nil {
		return err
	}
	return reply(w, http.StatusOK, h)
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
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), strings.Compare(endOf(a), endOf(b)))
	})
	// The end of a source is in the history of every prefix that it listed.
	return slices.CompactFunc(all, func(a, b listing.Change) bool {
		return a.Revision == b.Revision && endOf(a) == endOf(b) && endOf(a) != notEnd
	}), nil
}

const notEnd = "~" // sorts behind the names of sources

// endOf is the name of the source that a change ends. An import of a source
// that had lapsed ends it first, in the same revision, so ends come first.
func endOf(c listing.Change) string {
	if c.Kind == listing.SourceChange && c.SourceAfter == nil {
		return c.SourceBefore.Name
	}
	return notEnd
}

func eventsAround(snap listing.Snapshot, r rows, s listing.Subject) ([]Event, error) {
	changes, err := changesAround(snap, s)
	events := make([]Event, 0, len(changes))
	for _, c := range changes {
		events = append(events, r.event(c))
	}
	return events, err
}
