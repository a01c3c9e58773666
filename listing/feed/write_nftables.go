package feed

import (
	"net/netip"
)

// nftablesWriter writes commands for nft -f that make the sets listed4 and
// listed6 of table inet dnsbld equal the list, in one transaction. Rules of
// that table that use them are left alone:
//
//	nft add chain inet dnsbld smtp '{ type filter hook input priority 0; }'
//	nft add rule inet dnsbld smtp tcp dport 25 ip saddr @listed4 drop
//
// Sets of intervals hold no overlaps: exceptions are cut out, neighbours are
// joined.
type nftablesWriter struct {
	out    *output
	lo, hi netip.Addr // the range not yet written
	n      int        // elements of the command that is open
	family string     // of its set
}

func newNftablesWriter(o *output) (encoder, error) {
	o.printf("# For nft -f FILE\nadd table inet dnsbld\n")
	for _, set := range []string{"4", "6"} {
		o.printf("add set inet dnsbld listed%s { type ipv%s_addr; flags interval; }\nflush set inet dnsbld listed%s\n", set, set, set)
	}
	w := &nftablesWriter{out: o}
	return newSweep(o, newPieces(w.piece, w.finish)), nil
}

func (w *nftablesWriter) piece(lo, hi netip.Addr, _ *node) error {
	if w.hi.IsValid() && w.hi.Next() == lo {
		w.hi = hi
		return nil
	}
	w.put()
	w.lo, w.hi = lo, hi
	return nil
}

// put writes the range that is complete.
func (w *nftablesWriter) put() {
	if !w.lo.IsValid() {
		return // none yet
	}
	const most = 1000 // elements of one command
	family := "4"
	if w.lo.Is6() {
		family = "6"
	}
	if w.n == most || w.family != family {
		w.end()
		w.family = family
	}
	if w.n++; w.n == 1 {
		w.out.printf("add element inet dnsbld listed%s {\n", family)
	} else {
		w.out.printf(",\n")
	}
	switch bits := prefixBits(w.lo, w.hi); {
	case w.lo == w.hi:
		w.out.printf("\t%s", w.lo)
	case bits >= 0:
		w.out.printf("\t%s/%d", w.lo, bits)
	default:
		w.out.printf("\t%s-%s", w.lo, w.hi)
	}
}

func (w *nftablesWriter) end() {
	if w.n > 0 {
		w.out.printf("\n}\n")
	}
	w.n = 0
}

func (w *nftablesWriter) finish() error {
	w.put()
	w.end()
	return nil
}

// prefixBits is the length of the prefix that a range is, or -1.
func prefixBits(lo, hi netip.Addr) int {
	a, b := lo.AsSlice(), hi.AsSlice()
	bits := 0
	for bits < len(a)*8 && a[bits/8]&(0x80>>(bits%8)) == b[bits/8]&(0x80>>(bits%8)) {
		bits++
	}
	p := netip.PrefixFrom(lo, bits)
	if p.Masked().Addr() != lo || last(subjectOf(p)) != hi {
		return -1
	}
	return bits
}
