package index

import (
	"iter"
	"net/netip"
	"time"

	"dnsbld/listing"
)

// Each yields all entries of the set, expired ones too: the hosts in leaves in
// rising order, then what is in the prefix table, in no promised order.
func (s *Set) Each() iter.Seq[listing.Served] {
	return func(yield func(listing.Served) bool) {
		_ = s.eachHost(yield) && s.eachWide(yield)
	}
}

func (s *Set) eachHost(yield func(listing.Served) bool) bool {
	for first, p := range s.pages {
		if p == nil {
			continue
		}
		for second := range p.leaves {
			if l := &p.leaves[second]; !s.eachInLeaf(uint32(first)<<24|uint32(second)<<16, l, yield) {
				return false
			}
		}
	}
	return true
}

func (s *Set) eachInLeaf(net uint32, l *leaf, yield func(listing.Served) bool) bool {
	for i := range l.length() {
		low, class, until := l.at(i)
		if !yield(s.served(hostPrefix(addr4(net|uint32(low))), class, until)) {
			return false
		}
	}
	return true
}

func (s *Set) eachWide(yield func(listing.Served) bool) bool {
	for p, head := range s.wide.All() {
		for r := &head; r != nil; r = r.next {
			e := s.served(p, r.class, r.until)
			e.Except, e.Text = r.except, r.text
			if !yield(e) {
				return false
			}
		}
	}
	return true
}

func (s *Set) served(p netip.Prefix, number uint16, until uint32) listing.Served {
	c := s.classes.rows[number]
	e := listing.Served{Key: listing.Key{Subject: listing.Subject{Prefix: p}, Reason: c.reason, Source: s.classes.sources[c.source].name}}
	if until > 0 {
		e.Until = time.Unix(int64(until), 0).UTC()
	}
	return e
}
