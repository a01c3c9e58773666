package index

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// place is an address as a number of 128 bits; an IPv4 address stands in the
// first 32 of them. So prefix lengths count from the same end in both families,
// which have trees of their own.
type place struct{ hi, lo uint64 }

func placeOf(a netip.Addr) place {
	if a.Is4() {
		return place{hi: uint64(v4(a)) << 32}
	}
	b, _ := a.AppendBinary(make([]byte, 0, 16)) // As16 writes two halves and reads them as one, which takes long
	return place{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// prefix is the prefix of some length at a place.
func (p place) prefix(is4 bool, length uint8) netip.Prefix {
	if is4 {
		return netip.PrefixFrom(addr4(uint32(p.hi>>32)), int(length))
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], p.hi)
	binary.BigEndian.PutUint64(b[8:], p.lo)
	return netip.PrefixFrom(netip.AddrFrom16(b), int(length))
}

// before is 1 if p comes before q, else 0. It is computed, not jumped to.
func (p place) before(q place) int {
	_, borrow := bits.Sub64(p.lo, q.lo, 0)
	_, borrow = bits.Sub64(p.hi, q.hi, borrow)
	return int(borrow)
}

// masked is the first place of the prefix of a length around p. A shift by 64
// or more gives 0 in Go, so no length needs a case of its own.
func (p place) masked(length uint8) place {
	n := uint(length)
	lo := uint64(0)
	if n > 64 {
		lo = p.lo &^ (^uint64(0) >> (n - 64))
	}
	return place{p.hi &^ (^uint64(0) >> n), lo}
}

// last is the last place of the prefix of a length that begins at p.
func (p place) last(length uint8) place {
	n := uint(length)
	lo := ^uint64(0)
	if n > 64 {
		lo = p.lo | ^uint64(0)>>(n-64)
	}
	return place{p.hi | ^uint64(0)>>n, lo}
}

// common is how many leading bits two places share.
func (p place) common(q place) uint8 {
	if x := p.hi ^ q.hi; x != 0 {
		return uint8(bits.LeadingZeros64(x))
	}
	return uint8(64 + bits.LeadingZeros64(p.lo^q.lo))
}
