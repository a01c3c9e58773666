package index

import (
	"net/netip"
	"slices"
)

// Overlaps reports whether any entry, listed or exception, in force or not,
// lies inside p or around it: whether the name of p is a parent of names that
// answer. In doubt it is true.
func (s *Set) Overlaps(p netip.Prefix) bool {
	if !p.IsValid() {
		return false
	}
	p = p.Masked()
	return s.tree(p.Addr().Is4()).overlaps(placeOf(p.Addr()), uint8(p.Bits())) || (p.Addr().Is4() && s.leavesOverlap(v4(p.Addr()), p.Bits()))
}

// leavesOverlap reports whether a host in a leaf lies inside an IPv4 prefix.
func (s *Set) leavesOverlap(first uint32, bits int) bool {
	last := first | uint32(uint64(1)<<(32-bits)-1)
	switch {
	case bits >= 16:
		return s.leafAt(first).overlaps(uint16(first), uint16(last))
	case bits >= 8:
		p := s.pages[first>>24]
		if p == nil {
			return false
		}
		return slices.ContainsFunc(p.leaves[first>>16&0xff:last>>16&0xff+1], func(l leaf) bool { return !l.isZero() })
	}
	for _, p := range s.pages[first>>24 : last>>24+1] {
		if p != nil {
			return true
		}
	}
	return false
}
