package web

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/removal"
)

// addressInfo is what is known of an address at an instant.
type addressInfo struct {
	address  netip.Addr
	now      time.Time
	about    desk.About
	decision removal.Decision
}

// look gathers what there is to say about an address. While the list is loaded,
// DNS does not answer from it yet.
func (s *Server) look(v *visit, a netip.Addr, now time.Time) (*addressInfo, error) {
	if s.parts.View.Set() == nil {
		return nil, &listing.Error{Kind: listing.ErrUnavailable, Code: "starting", Message: "the list is being loaded", Hint: "try again in a few seconds"}
	}
	about, err := s.parts.Desk.About(v.Context(), a)
	if err != nil {
		return nil, fmt.Errorf("looking up %s: %w", a, err)
	}
	about.Facts.Language = v.language
	return &addressInfo{address: a, now: now, about: about, decision: s.parts.Desk.Judged(about, now)}, nil
}

// listed reports whether some zone answers the address as listed.
func (l *addressInfo) listed() bool { return len(l.about.Entries) > 0 }

// onWord reports whether all entries rest on the word of a feed or of a person.
func (l *addressInfo) onWord() bool {
	return !slices.ContainsFunc(l.about.Entries, func(e delist.Evident) bool { return !e.Word })
}

// greetings are those seen for an entry, the newest first, each once.
func (l *addressInfo) greetings(e delist.Evident) []string {
	const most = 5
	var all []string
	add := func(helo string) {
		if !slices.Contains(all, helo) && len(all) < most {
			all = append(all, helo)
		}
	}
	for _, s := range e.Samples {
		add(s.HELO)
	}
	for _, h := range l.about.Counted.HELOs {
		if len(e.Samples) == 0 && h.Bogus > 0 && e.Info.Basis == listing.BasisHELO {
			add(h.HELO)
		}
	}
	return all
}
