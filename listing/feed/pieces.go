package feed

import (
	"iter"
	"net/netip"

	"dnsbld/listing"
)

// pieces turns a sweep into what is left of each listed prefix when those
// inside it are cut out: ranges that do not overlap, in order.
type pieces struct {
	at    netip.Addr // the first address that is not yet in a piece
	piece func(lo, hi netip.Addr, n *node) error
}

// newPieces makes a visitor that gives each piece with the node that lists it.
func newPieces(piece func(lo, hi netip.Addr, n *node) error, finish func() error) visitor {
	p := &pieces{piece: piece}
	return visitor{p.enter, p.leave, finish}
}

func (p *pieces) enter(n, parent *node) error {
	lo := n.subject.Addr()
	var err error
	if parent != nil && p.at.Compare(lo) < 0 {
		err = p.put(p.at, lo.Prev(), parent)
	}
	p.at = lo
	return err
}

func (p *pieces) leave(n, _ *node) error {
	hi := last(n.subject)
	var err error
	if p.at.IsValid() && p.at.Compare(hi) <= 0 {
		err = p.put(p.at, hi, n)
	}
	p.at = hi.Next() // none after the last address there is
	return err
}

// put gives a piece, unless it is a hole that an exception has cut.
func (p *pieces) put(lo, hi netip.Addr, n *node) error {
	if !n.isListed() {
		return nil
	}
	return p.piece(lo, hi, n)
}

// last is the last address of a subject.
func last(s listing.Subject) netip.Addr {
	b := s.Addr().AsSlice()
	for n := s.Bits(); n < len(b)*8; n++ {
		b[n/8] |= 0x80 >> (n % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// blocks cuts a range into prefixes, the widest that fit.
func blocks(lo, hi netip.Addr) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		for lo := lo; lo.IsValid() && lo.Compare(hi) <= 0; {
			width := 0
			for ; width < lo.BitLen(); width++ {
				p := netip.PrefixFrom(lo, width)
				if p.Masked() == p && last(subjectOf(p)).Compare(hi) <= 0 {
					break
				}
			}
			p := netip.PrefixFrom(lo, width)
			if !yield(p) {
				return
			}
			lo = last(subjectOf(p)).Next()
		}
	}
}

// addr4 is an IPv4 address that was packed into a number.
func addr4(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

func subjectOf(p netip.Prefix) listing.Subject { return listing.Subject{Prefix: p} }
