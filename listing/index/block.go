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
// A column has room for a multiple of eight entries, and the slab is whole lines of
// the processor's cache, so that eight of a column lie in one. Behind the last entry
// hi is the greatest number.
//
// A block is a line, too. Neither slab nor more ever change.
type block struct {
	slab  []uint64
	more  *more
	guide guide // to hi
	shift uint8 // of the guide
	n     uint8
	traits
}

// more is what of a block is seldom asked for. Blocks that are alike in it share it.
type more struct {
	within lengths // of the entries
	around lengths // of the prefixes in earlier blocks that hold the first place
	due    uint32  // first end that an entry has of its own, forever if none has
	alike  uint32  // the net of all, unless mixed
}

// traits are the columns that not every block has, and what spares a query a look.
type traits uint8

const (
	longHi   traits = 1 << iota // hi takes words
	hasLo                       // there is lo
	hasNet                      // there is net
	hasUntil                    // there is until
	hasText                     // there is text
	hasTwins                    // some entries are of one place
	isPlain                     // all entries are of one length, and no prefix in an earlier block holds the first place
	isFresh                     // while a tree is being made: around is not known yet
)

func (t traits) has(one traits) bool { return t&one != 0 }

// when adds one if there is cause.
func (t *traits) when(cause bool, one traits) {
	if cause {
		*t |= one
	}
}

// net is what is said of a prefix by one entry, without the prefix.
type net struct {
	class  uint16
	length uint8
	except bool
	until  uint32 // 0: with its source
	text   uint32 // see texts; 0: none of its own
}

// half is a half word of a column.
func (b *block) half(column, i int) uint32 {
	return uint32(b.slab[column+i/2] >> (i & 1 * 32))
}

func (b *block) setHalf(column, i int, v uint32) {
	b.slab[column+i/2] |= uint64(v) << (i & 1 * 32)
}

// first is the first half of a place.
func (b *block) first(i int) uint64 {
	if b.has(longHi) {
		return b.slab[i]
	}
	return uint64(b.half(0, i)) << 32
}

func (b *block) place(i int) place {
	p := place{hi: b.first(i)}
	if b.has(hasLo) {
		p.lo = b.slab[b.los()+i]
	}
	return p
}

// room is how many entries a column has room for.
func (b *block) room() int { return (int(b.n) + stride - 1) &^ (stride - 1) }

// los, nets, untils and texts are where their columns begin, and words is the
// length of the slab.
func (b *block) los() int {
	if b.has(longHi) {
		return b.room()
	}
	return b.room() / 2
}

func (b *block) nets() int {
	if b.has(hasLo) {
		return b.los() + b.room()
	}
	return b.los()
}

func (b *block) untils() int {
	if b.has(hasNet) {
		return b.nets() + b.room()/2
	}
	return b.nets()
}

func (b *block) texts() int {
	if b.has(hasUntil) {
		return b.untils() + b.room()/2
	}
	return b.untils()
}

func (b *block) words() int {
	const perLine = 8
	n := b.texts()
	if b.has(hasText) {
		n += b.room() / 2
	}
	return (n + perLine - 1) &^ (perLine - 1)
}

// packed is the net column of an entry.
func (b *block) packed(i int) uint32 {
	if b.has(hasNet) {
		return b.half(b.nets(), i)
	}
	return b.more.alike
}

func (b *block) length(i int) uint8 { return uint8(b.packed(i) >> 8) }

func (b *block) until(i int) uint32 {
	if b.has(hasUntil) {
		return b.half(b.untils(), i)
	}
	return 0
}

func (b *block) net(i int) net {
	packed := b.packed(i)
	e := net{class: uint16(packed >> 16), length: uint8(packed >> 8), except: packed&exceptBit != 0, until: b.until(i)}
	if b.has(hasText) {
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
	if at.before(b.place(0)) == 1 {
		return 0
	}
	i := b.lastIn(b.window(at.hi-b.first(0)), at)
	if b.place(i) != at {
		return i + 1
	}
	for i > 0 && b.place(i-1) == at {
		i--
	}
	return i
}

// window is where the eight entries begin among which one may be that is so far
// behind the first, by the first half: see guide.
func (b *block) window(behind uint64) int { return b.guide.window(behind>>b.shift, int(b.n)) }

// lastIn is the last entry that is not after a place, which a window was found for.
// The first is not after it.
func (b *block) lastIn(window int, at place) int {
	i, hi := window, at.hi
	if b.has(longHi) {
		i += within((*[stride]uint64)(b.slab[window:]), hi)
	} else {
		i += upTo(uint64(b.half(0, i+4)), hi>>32, 4)
		i += upTo(uint64(b.half(0, i+2)), hi>>32, 2)
		i += upTo(uint64(b.half(0, i+1)), hi>>32, 1)
	}
	i = min(i, int(b.n)-1)
	if first := b.first(i); first < hi || (first == hi && !b.has(hasLo)) {
		return i
	}
	if b.first(0) == hi && b.first(int(b.n)-1) == hi { // the second half alone decides
		return lastUpTo(b.slab[b.los():][:b.n], at.lo)
	}
	i = 0 // the window was the one after, or both halves decide
	for n := int(b.n); n > 1; {
		half := n >> 1
		i += half & -(1 - at.before(b.place(i+half)))
		n -= half
	}
	return i
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
func packBlock(entries []entry) (b block, m more) {
	m = more{due: forever, alike: entries[0].packed()}
	b = block{n: uint8(len(entries)), traits: isFresh}
	for i := range entries {
		e := &entries[i]
		m.within.add(e.length)
		b.when(uint32(e.hi) != 0, longHi)
		b.when(e.lo != 0, hasLo)
		b.when(e.packed() != m.alike, hasNet)
		b.when(e.text != 0, hasText)
		b.when(i > 0 && e.place == entries[i-1].place, hasTwins)
		if e.until != 0 {
			b.traits |= hasUntil
			m.due = min(m.due, e.until)
		}
	}
	b.slab = make([]uint64, b.words())
	for i := range b.room() {
		if i < len(entries) {
			b.pack(i, &entries[i])
		} else if b.has(longHi) {
			b.slab[i] = ^uint64(0)
		} else {
			b.setHalf(0, i, ^uint32(0))
		}
	}
	b.guide, b.shift = guideOf(len(entries), b.first)
	return b, m
}

// exceptBit of a packed net is set for an exception.
const exceptBit = 1

// packed is the net column of an entry.
func (e *net) packed() uint32 {
	packed := uint32(e.class)<<16 | uint32(e.length)<<8
	if e.except {
		packed |= exceptBit
	}
	return packed
}

// pack writes an entry into a slab that has room for it.
func (b *block) pack(i int, e *entry) {
	if b.has(longHi) {
		b.slab[i] = e.hi
	} else {
		b.setHalf(0, i, uint32(e.hi>>32))
	}
	if b.has(hasLo) {
		b.slab[b.los()+i] = e.lo
	}
	if b.has(hasNet) {
		b.setHalf(b.nets(), i, e.packed())
	}
	if b.has(hasUntil) {
		b.setHalf(b.untils(), i, e.until)
	}
	if b.has(hasText) {
		b.setHalf(b.texts(), i, e.text)
	}
}
