package index

// block is some entries of a tree, by column in one slab of words:
//
//	hi     the first half of the place, a word each; half a word where the rest
//	       of all of them is 0, as of IPv4
//	lo     the second half, if a place has one that is not 0
//	net    class, length and whether it is an exception, half a word each, unless
//	       all entries are alike in these
//	until  the end in Unix seconds, half a word each, if an entry has one of
//	       its own
//	text   where its own text is in the texts of its source, half a word each,
//	       if an entry has one
//
// The slab never changes, and a collector sees one pointer.
type block struct {
	slab  []uint64
	guide guide
	due   uint32 // first end that an entry has of its own, forever if none has
	alike uint32 // the net of all, unless mixed
	n     uint8
	columns
	tied   bool    // places differ in their second half alone, so that a guide does not lead to them
	plain  bool    // all entries are of one length, and no prefix in an earlier block holds the first place
	fresh  bool    // while a tree is being made: around is not known yet
	within lengths // of the entries
	around lengths // of the prefixes in earlier blocks that hold the first place
}

// columns are those that not every block has.
type columns struct{ long, lo, mixed, until, text bool } // long: hi takes words; mixed: there is net

// net is what is said of a prefix by one entry, without the prefix.
type net struct {
	class  uint16
	length uint8
	except bool
	until  uint32 // 0: with its source
	text   uint32 // see texts; 0: none of its own
}

// halves is how many words that many half words need.
func halves(n int) int { return (n + 1) / 2 }

// half is a half word of a column.
func (b *block) half(column, i int) uint32 {
	return uint32(b.slab[column+i/2] >> (i & 1 * 32))
}

func (b *block) setHalf(column, i int, v uint32) {
	b.slab[column+i/2] |= uint64(v) << (i & 1 * 32)
}

func (b *block) place(i int) (p place) {
	if b.long {
		p.hi = b.slab[i]
	} else {
		p.hi = uint64(b.half(0, i)) << 32
	}
	if b.lo {
		p.lo = b.slab[b.los()+i]
	}
	return p
}

// los, nets, untils and texts are where their columns begin, and words is the
// length of the slab.
func (b *block) los() int {
	if b.long {
		return int(b.n)
	}
	return halves(int(b.n))
}

func (b *block) nets() int {
	if b.lo {
		return b.los() + int(b.n)
	}
	return b.los()
}

func (b *block) untils() int {
	if b.mixed {
		return b.nets() + halves(int(b.n))
	}
	return b.nets()
}

func (b *block) texts() int {
	if b.until {
		return b.untils() + halves(int(b.n))
	}
	return b.untils()
}

func (b *block) words() int {
	if b.text {
		return b.texts() + halves(int(b.n))
	}
	return b.texts()
}

// packed is the net column of an entry.
func (b *block) packed(i int) uint32 {
	if b.mixed {
		return b.half(b.nets(), i)
	}
	return b.alike
}

func (b *block) length(i int) uint8 { return uint8(b.packed(i) >> 8) }

func (b *block) net(i int) net {
	packed := b.packed(i)
	e := net{class: uint16(packed >> 16), length: uint8(packed >> 8), except: packed&1 != 0}
	if b.until {
		e.until = b.half(b.untils(), i)
	}
	if b.text {
		e.text = b.half(b.texts(), i)
	}
	return e
}

// is reports whether an entry is of a prefix.
func (b *block) is(i int, at place, length uint8) bool {
	return b.place(i) == at && b.length(i) == length
}

// search is the first entry that is not before a prefix.
func (b *block) search(at place, length uint8) int {
	i := b.lowerBound(at)
	for i < int(b.n) && b.place(i) == at && b.length(i) < length {
		i++
	}
	return i
}

// lowerBound is the first entry whose place is not before at.
func (b *block) lowerBound(at place) int {
	base, n := 0, int(b.n)
	if b.lo {
		for n > 0 {
			half := (n + 1) >> 1
			i := base + half - 1
			base += half & -b.place(i).before(at)
			n -= half
		}
		return base
	}
	if b.long {
		hi := b.slab[:n]
		for n > 0 {
			half := (n + 1) >> 1
			base += half & -place{hi: hi[base+half-1]}.before(at)
			n -= half
		}
		return base
	}
	hi, least := b.slab[:halves(n)], at.hi>>32 // no place is at least at that is less than this
	if at.hi&(1<<32-1)|at.lo != 0 {
		least++
	}
	for n > 0 {
		half := (n + 1) >> 1
		i := base + half - 1
		base += half & -int((hi[i>>1]>>(i&1*32)&(1<<32-1)-least)>>63)
		n -= half
	}
	return base
}

// entry is an entry of a tree in the making.
type entry struct {
	place
	net
}

// compare orders entries as a tree does.
func (e *entry) compare(o *entry) int {
	switch {
	case e.place != o.place:
		return 1 - 2*e.place.before(o.place)
	case e.length != o.length:
		return int(e.length) - int(o.length)
	}
	return int(e.class) - int(o.class)
}

// packBlock makes a block of some entries, in order.
func packBlock(entries []entry) block {
	b := block{n: uint8(len(entries)), due: forever, alike: entries[0].packed(), fresh: true}
	for i := range entries {
		e := &entries[i]
		b.within.add(e.length)
		b.long, b.lo = b.long || uint32(e.hi) != 0, b.lo || e.lo != 0
		b.until, b.text = b.until || e.until != 0, b.text || e.text != 0
		b.mixed = b.mixed || e.packed() != b.alike
		if e.until != 0 {
			b.due = min(b.due, e.until)
		}
	}
	b.slab = make([]uint64, b.words())
	for i := range entries {
		b.pack(i, &entries[i])
	}
	b.guide, b.tied = guideOf(len(entries), b.place)
	return b
}

// packed is the net column of an entry.
func (e *net) packed() uint32 {
	packed := uint32(e.class)<<16 | uint32(e.length)<<8
	if e.except {
		packed |= 1
	}
	return packed
}

// pack writes an entry into a slab that has room for it.
func (b *block) pack(i int, e *entry) {
	if b.long {
		b.slab[i] = e.hi
	} else {
		b.setHalf(0, i, uint32(e.hi>>32))
	}
	if b.lo {
		b.slab[b.los()+i] = e.lo
	}
	if b.mixed {
		b.setHalf(b.nets(), i, e.packed())
	}
	if b.until {
		b.setHalf(b.untils(), i, e.until)
	}
	if b.text {
		b.setHalf(b.texts(), i, e.text)
	}
}
