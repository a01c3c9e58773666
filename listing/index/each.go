package index

import (
	"iter"
	"net/netip"
	"time"

	"dnsbld/listing"
)

// Each yields all entries of the set, expired ones too: the hosts in leaves in
// rising order, then what is in the trees, in order.
func (s *Set) Each() iter.Seq[listing.Served] {
	return func(yield func(listing.Served) bool) {
		_ = s.eachHost(yield) && s.eachNet(true, yield) && s.eachNet(false, yield)
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
	for i := range l.from(0) {
		low, class, until := l.at(i)
		if !yield(s.served(hostPrefix(addr4(net|uint32(low))), class, until)) {
			return false
		}
	}
	return true
}

func (s *Set) eachNet(is4 bool, yield func(listing.Served) bool) bool {
	return s.tree(is4).each(func(p place, n net) bool {
		e := s.served(p.prefix(is4, n.length), n.class, n.until)
		e.Except = n.except
		if text := s.text(n); !text.IsZero() {
			e.Text = text.Of(e.Subject.Prefix)
		}
		return yield(e)
	})
}

// text is the text that an entry has of its own.
func (s *Set) text(n net) Text {
	return s.classes.sources[s.classes.rows[n.class].source].texts.at(n.text)
}

func (s *Set) served(p netip.Prefix, number uint16, until uint32) listing.Served {
	c := s.classes.rows[number]
	e := listing.Served{Key: listing.Key{Subject: listing.Subject{Prefix: p}, Reason: c.reason, Source: s.classes.sources[c.source].name}}
	if until > 0 {
		e.Until = time.Unix(int64(until), 0).UTC()
	}
	return e
}
