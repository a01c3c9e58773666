package index

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
)

// A transfer shows the list at a revision, whatever the time: an entry counts
// until a change has taken it out. So nothing here asks for the time.

// Inside yields in order the prefixes at which answers may change, p itself and
// those inside p: by address, of one address the wider first. Those of also,
// which are in that order, are among them.
func (s *Set) Inside(p netip.Prefix, also []netip.Prefix) iter.Seq[netip.Prefix] {
	var within []netip.Prefix
	for _, a := range also {
		if a.Bits() >= p.Bits() && p.Contains(a.Addr()) {
			within = append(within, a)
		}
	}
	return merge(slices.Values(within), s.hostsInside(p), s.tree(p.Addr().Is4()).inside(p), keys(s.allows.Subnets(p)), s.never.Subnets(p))
}

func keys[V any](pairs iter.Seq2[netip.Prefix, V]) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		for p := range pairs {
			if !yield(p) {
				return
			}
		}
	}
}

// inside yields the prefixes that lie in one, that one too.
func (t *tree) inside(p netip.Prefix) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		at, is4 := placeOf(p.Addr()), p.Addr().Is4()
		last := at.last(uint8(p.Bits()))
		for s, ok := t.search(at, uint8(p.Bits())); ok; s, ok = t.following(s) {
			b := t.at(s)
			if last.before(b.place(s.entry)) == 1 || !yield(b.place(s.entry).prefix(is4, b.length(s.entry))) {
				return
			}
		}
	}
}

// hostsInside yields the hosts in leaves.
func (s *Set) hostsInside(p netip.Prefix) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		if !p.Addr().Is4() {
			return
		}
		first := v4(p.Addr())
		last := first | uint32(uint64(1)<<(32-p.Bits())-1)
		for net := first >> 16; net <= last>>16; net++ {
			if s.pages[net>>8] == nil {
				net |= 0xff
				continue
			}
			l := s.leafAt(net << 16)
			for i := range l.from(uint16(max(first, net<<16))) {
				low, _, _ := l.at(i)
				if ip := net<<16 | uint32(low); ip > last || !yield(hostPrefix(addr4(ip))) {
					return
				}
			}
		}
	}
}

// merge yields what sorted sequences have, in order and once.
func merge(all ...iter.Seq[netip.Prefix]) iter.Seq[netip.Prefix] {
	type source struct {
		next func() (netip.Prefix, bool)
		head netip.Prefix
	}
	return func(yield func(netip.Prefix) bool) {
		var open []source
		for _, seq := range all {
			next, stop := iter.Pull(seq)
			defer stop()
			if head, ok := next(); ok {
				open = append(open, source{next, head})
			}
		}
		for last := (netip.Prefix{}); len(open) > 0; {
			n := 0
			for i := range open {
				if ComparePrefixes(open[i].head, open[n].head) < 0 {
					n = i
				}
			}
			if p := open[n].head; p != last {
				if last = p; !yield(p) {
					return
				}
			}
			var ok bool
			if open[n].head, ok = open[n].next(); !ok {
				open = slices.Delete(open, n, n+1)
			}
		}
	}
}

// ComparePrefixes is the order of Inside.
func ComparePrefixes(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits())
}

// LookupPrefix is Lookup of the addresses in a prefix that no entry inside it is
// about.
func (s *Set) LookupPrefix(p netip.Prefix, hits []Hit) []Hit {
	if s.never.LookupPrefix(p) {
		return hits
	}
	if _, hidden := s.allows.LookupPrefix(p); hidden {
		return hits
	}
	spot := s.spotOf(p.Addr())
	q := query{set: s, spot: spot, most: uint8(p.Bits()), hits: hits, base: len(hits)}
	if p.IsSingleIP() {
		q.to = spot.to
	}
	q.all(nil)
	if q.again {
		return q.withFeedExceptions()
	}
	return q.hits
}
