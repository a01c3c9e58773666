package index

import (
	"math/bits"
	"slices"
)

// A leaf is crowded when its entries are of one class, end with their source, and
// are so many that two octets each, and their guides, take more than a bit for each
// address of the /16 does. Its slab is those bits then, the lowest of a word first.
// The number of an entry is its low half, so whether an address is listed is known
// from one word, and nothing has to be counted.

const (
	crowded     = 3937 // entries from which on bits are less
	bitmapWords = 1 << 16 / wordBits
	wordBits    = 16
)

// bit is 1 if an address is listed in a bitmap, else 0.
func (l *leaf) bit(low uint16) int {
	return int(l.slab[low/wordBits] >> (low % wordBits) & 1)
}

// bitFrom is the first number of a bitmap's entries that is at least from, the
// leaf's end if there is none.
func (l *leaf) bitFrom(from int) int {
	const octet = 4 * wordBits
	words := l.slab[:bitmapWords]
	for ; from < 1<<16; from = (from | (octet - 1)) + 1 {
		four := words[from/octet*4:][:4]
		if left := (uint64(four[0]) | uint64(four[1])<<16 | uint64(four[2])<<32 | uint64(four[3])<<48) >> (from % octet); left != 0 {
			return from + bits.TrailingZeros64(left)
		}
	}
	return from
}

// setBit lists an address in the bitmap of a new leaf, or takes it out.
func (l *leaf) setBit(low uint16, on bool) {
	if mask := uint16(1) << (low % wordBits); on {
		l.slab[low/wordBits] |= mask
	} else {
		l.slab[low/wordBits] &^= mask
	}
}

// newBitmap is a crowded leaf that nothing is in yet.
func newBitmap(f form, class uint16) leaf {
	return leaf{form: f, class: class, slab: make([]uint16, bitmapWords)}
}

// edited is what ops make of a bitmap; ok is false if that is no bitmap.
func (l *leaf) edited(ops []op) (next leaf, ok bool) {
	if !l.form.bitmap() || slices.ContainsFunc(ops, func(o op) bool { return !o.remove && (o.class != l.class || o.until != 0) }) {
		return next, false
	}
	next = *l
	next.slab = slices.Clone(l.slab)
	n := l.length()
	for _, o := range ops { // of two for one entry the later one holds
		low := uint16(o.addr)
		if was := next.bit(low); o.class == l.class && (was == 1) == o.remove {
			next.setBit(low, !o.remove)
			n += 1 - 2*was
		}
	}
	next.form = newForm(n, false, true)
	return next, next.form.bitmap()
}
