package index

import (
	"slices"
)

// An IPv4 query that no leaf answers would have to look into the tree, and wait
// for memory a dozen times to find nothing there. So a page knows where the tree
// has nothing: by /24 for prefixes of length 16 or more, in or around which there
// are any, and by /8 for shorter ones, of which there are few.

// wides is a bit for each /24 of a /16, set where the tree has a prefix of length
// 16 or more in it or around it.
type wides [4]uint64

// noWides are those of a /16 in which the tree has nothing.
var noWides wides

// set sets or clears the bits from first to last, inclusive.
func (w *wides) set(first, last uint32, on bool) {
	for n := first &^ 63; n <= last; n += 64 {
		mask := ^uint64(0) << max(int(first)-int(n), 0)
		if last-n < 63 {
			mask &= 1<<(last-n+1) - 1
		}
		if w[n>>6] &^= mask; on {
			w[n>>6] |= mask
		}
	}
}

// countShort keeps count of the prefixes that are shorter than 16 bits, by the
// /8s that they are in or around.
func (b *builder) countShort(e *entry, by int) {
	first, last := e.hi>>56, e.place.last(e.length).hi>>56
	for n := first; n <= last; n++ {
		b.short[n] += uint32(by)
	}
}

// noteWide brings what pages know of the tree up to date with a prefix of 16 bits
// or more: at once when it has come. Where one has gone that is found out when
// the tree is finished, for others may be there.
func (b *builder) noteWide(e *entry, by int) {
	first, last := uint32(e.hi>>40), uint32(e.place.last(e.length).hi>>40) // /24s
	if by < 0 {
		b.stale = append(b.stale, uint64(first)<<8|uint64(min(e.length, 24)))
		return
	}
	if l := b.leafAt(first << 8); l.wide > 0 { // mostly others are there, and no page need be copied
		known := b.pages[first>>16].wide[l.wide-1]
		if known.set(first&0xff, last&0xff, true); known == b.pages[first>>16].wide[l.wide-1] {
			return
		}
	}
	b.wideOf(first>>8).set(first&0xff, last&0xff, true)
}

// wideOf are the bits of a /16, to be changed.
func (b *builder) wideOf(high uint32) *wides {
	slot, p := b.slot(high)
	if own := &b.ownWide[high>>8]; !*own {
		p.wide, *own = slices.Clone(p.wide), true
	}
	if slot.wide == 0 {
		l := *slot
		n := slices.Index(p.wide, wides{})
		if n < 0 || slices.ContainsFunc(p.leaves[:], func(l leaf) bool { return int(l.wide) == n+1 }) {
			n = len(p.wide)
			p.wide = append(p.wide, wides{})
			b.counts.wides++
		}
		l.wide = uint16(n + 1)
		b.replace(high, p, slot, l)
	}
	return &p.wide[slot.wide-1]
}

// refreshWide finds out where prefixes have gone whether others are there.
func (b *builder) refreshWide() {
	const many = 16 // ranges of one /16 that are looked at together
	slices.Sort(b.stale)
	for stale := slices.Compact(b.stale); len(stale) > 0; {
		high, n := uint32(stale[0]>>16), 1
		for n < len(stale) && uint32(stale[n]>>16) == high {
			n++
		}
		if n > many {
			b.refreshRange(high<<16, 16)
		}
		for _, s := range stale[:n] {
			if n <= many {
				b.refreshRange(uint32(s>>8)<<8, uint8(s))
			}
		}
		b.releaseWide(high)
		stale = stale[n:]
	}
}

// releaseWide takes the bits of a /16 away if none is set.
func (b *builder) releaseWide(high uint32) {
	if slot, p := b.slot(high); slot.wide > 0 && p.wide[slot.wide-1] == (wides{}) {
		l := *slot
		l.wide = 0
		b.replace(high, p, slot, l)
	}
}

// refreshRange sets the bits of a prefix of 16 to 24 bits as the tree has it.
func (b *builder) refreshRange(ip uint32, length uint8) {
	at, t, w := place{hi: uint64(ip) << 32}, b.nets4, b.wideOf(ip>>16)
	end := at.last(length)
	first, last := uint32(at.hi>>40)&0xff, uint32(end.hi>>40)&0xff
	if t.around(at, 16, length-1) {
		w.set(first, last, true)
		return
	}
	w.set(first, last, false)
	for s, ok := t.search(at, 16); ok; {
		found, length := t.at(s).place(s.entry), t.at(s).length(s.entry)
		if end.before(found) == 1 {
			return
		}
		if length < 16 {
			s, ok = t.following(s)
			continue
		}
		from, to := uint32(found.hi>>40)&0xff, uint32(found.last(length).hi>>40)&0xff
		w.set(from, min(to, last), true)
		if to >= last {
			return
		}
		s, ok = t.search(place{hi: uint64(ip&0xffff_0000|(to+1)<<8) << 32}, 16)
	}
}
