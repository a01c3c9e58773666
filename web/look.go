package web

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/index"
)

// sight is what is known of an address at an instant.
type sight struct {
	address  netip.Addr
	now      time.Time
	hits     []index.Hit // that some zone answers, strongest first
	about    desk.About
	decision delist.Decision
}

// look gathers what there is to say about an address. Whether it is listed is
// for the served view to say.
func (s *Server) look(ctx context.Context, site *site, a netip.Addr, now time.Time) (*sight, error) {
	hits, err := s.served(site, a, now)
	if err != nil {
		return nil, err
	}
	l := &sight{address: a, now: now, hits: hits}
	if l.about, err = s.parts.Desk.About(ctx, a); err != nil {
		return nil, fmt.Errorf("looking up %s: %w", a, err)
	}
	if len(hits) == 0 {
		l.decision = delist.Judge(delist.Facts{Address: a}, now)
		return l, nil
	}
	l.decision = s.parts.Desk.Judged(l.about, now)
	return l, nil
}

// served is under what an address is answered as listed now.
func (s *Server) served(site *site, a netip.Addr, now time.Time) ([]index.Hit, error) {
	set := s.parts.View.Set()
	if set == nil {
		return nil, &listing.Error{Kind: listing.ErrUnavailable, Code: "starting", Message: "the list is being loaded", Hint: "try again in a few seconds"}
	}
	hits := set.Lookup(a, uint32(now.Unix()), nil)
	hits = slices.DeleteFunc(hits, func(h index.Hit) bool { return !site.answers(h.Reason) })
	slices.SortStableFunc(hits, func(x, y index.Hit) int {
		return site.Reasons.Compare(x.Reason, y.Reason)
	})
	return hits, nil
}

func entryOf(h index.Hit) listing.Entry {
	return listing.Entry{Key: listing.Key{Subject: listing.Subject{Prefix: h.Prefix}, Reason: h.Reason, Source: h.Source},
		Until: time.Unix(int64(h.Until), 0).UTC(), PublicNote: h.Text}
}

// evident is a hit with what was seen, if the desk knows it.
func (l *sight) evident(site *site, h index.Hit) delist.Evident {
	n := slices.IndexFunc(l.about.Entries, func(e delist.Evident) bool {
		return e.Reason == h.Reason && e.Source == h.Source && e.Subject.Prefix == h.Prefix
	})
	e := delist.Evident{Listing: delist.Listing{Entry: entryOf(h)}}
	if n >= 0 {
		e = l.about.Entries[n]
		e.Until = time.Unix(int64(h.Until), 0).UTC()
	}
	e.Info = site.Reasons.Describe(h.Reason)
	return e
}

// greetings are those seen for an entry, the newest first, each once.
func (l *sight) greetings(e delist.Evident) []string {
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
