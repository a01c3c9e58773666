package index

import (
	"iter"
	"slices"
	"unsafe"
)

// leaf is what there is of one /16: its listed hosts, sorted by the low half
// of the address, then by class, in one slab of 16-bit words, so that a
// collector sees one pointer:
//
//	upper   the last guide of each full line of guides, if there are more than
//	        one line
//	guides  the last low half of each block but the last, if there are more
//	        than few blocks
//	blocks  of entries. An entry is the low half; unless all entries have one
//	        class and end with their source, the class too; and unless all
//	        end with their source, the end in Unix seconds, low and high
//	        half, 0 for its source's
//
// Each part is made of whole lines, as the processor's cache is, and a block is
// one line. So a query waits for memory twice, in a crowded /16 three times:
// for the guides that name the block, and for the block, which tells whether
// the address is listed, and why. What is behind the last entry and the last
// guide is vacant.
//
// A crowded leaf of one class is a bit for each address instead (bitmap.go), and a
// query waits for one line.
//
// Entries have numbers that rise with them, from those of search on to below end;
// after each comes next.
//
// The slab never changes. The zero leaf is empty.
type leaf struct {
	slab  []uint16
	wide  uint16 // number of its wides in the page, from 1; 0: the tree has nothing of length 16 or more here
	class uint16 // of all entries, where they have but one
	form  form
}

// form is what is in a slab: the number of entries, whether they have ends of
// their own, and else whether they all have one class, and are a bitmap. It is
// packed so that a leaf is half a cache line.
type form uint32

func newForm(n int, ends, single bool) form {
	f := form(n) << 2
	switch {
	case ends:
		f |= 1
	case single && n >= crowded:
		f |= 3
	case single:
		f |= 2
	}
	return f
}

func (f form) n() int       { return int(f >> 2) }
func (f form) ends() bool   { return f&3 == 1 }
func (f form) single() bool { return f&2 != 0 }
func (f form) bitmap() bool { return f&3 == 3 }

// shift is the binary logarithm of the words in an entry, unless they are bits.
func (f form) shift() uint { return uint(1 + f&1 - f>>1&1) }

const (
	line      = 32 // words
	few       = 4  // blocks that need no guides
	vacant    = 0xffff
	pageBytes = int64(unsafe.Sizeof(page{}))
	wideBytes = int64(unsafe.Sizeof(wides{}))
)

// shape is where the parts of a slab are.
type shape struct {
	blocks  int // all but the last
	guideAt int // where the guides begin
	entryAt int // where the blocks begin
}

// shape follows from the number of entries, of which there are some. A bitmap has
// no parts.
func (f form) shape() shape {
	if f.bitmap() {
		return shape{}
	}
	s := shape{blocks: (f.n() - 1) << f.shift() / line}
	if s.blocks >= few {
		s.guideAt = roundUp(s.blocks / line)
		s.entryAt = s.guideAt + roundUp(s.blocks)
	}
	return s
}

// roundUp is the words in as many lines as some words need.
func roundUp(words int) int { return (words + line - 1) &^ (line - 1) }

func (l *leaf) isZero() bool { return l.form == 0 && l.wide == 0 }

// length is the number of entries.
func (l *leaf) length() int { return l.form.n() }

// end is what the numbers of all entries are less than.
func (l *leaf) end() int {
	if l.form.bitmap() {
		return 1 << 16
	}
	return l.form.n()
}

// next is the number of the entry after one, or the end.
func (l *leaf) next(i int) int {
	if l.form.bitmap() {
		return l.bitFrom(i + 1)
	}
	return i + 1
}

// from yields the numbers of the entries whose low half is at least low.
func (l *leaf) from(low uint16) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := l.search(low); i < l.end() && yield(i); i = l.next(i) {
		}
	}
}

// at is an entry: its low half, its class, and its end, 0 if that is its
// source's.
func (l *leaf) at(i int) (low, class uint16, until uint32) {
	return l.read(l.form.shape().entryAt, i)
}

// read is at where the blocks begin at a word.
func (l *leaf) read(entryAt, i int) (low, class uint16, until uint32) {
	words := l.slab[entryAt:]
	switch {
	case l.form.ends():
		words = words[4*i : 4*i+4]
		return words[0], words[1], uint32(words[2]) | uint32(words[3])<<16
	case l.form.bitmap():
		return uint16(i), l.class, 0
	case l.form.single():
		return words[i], l.class, 0
	}
	return words[2*i], words[2*i+1], 0
}

// size is the memory of the slab.
func (l *leaf) size() int64 { return 2 * int64(cap(l.slab)) }

// search is the first entry whose low half is at least low.
func (l *leaf) search(low uint16) int {
	switch {
	case l.form == 0:
		return 0
	case l.form.bitmap():
		return l.bitFrom(int(low))
	}
	s := l.form.shape()
	return l.within(l.block(l.guides(low, s), low, s), low, s)
}

// block is the number of the block in which a low half belongs: the first that
// does not end before it. The line of guides begins at from.
func (l *leaf) block(from int, low uint16, s shape) (block int) {
	if s.blocks >= few {
		return from + lineBound((*[line]uint16)(l.slab[s.guideAt+from:]), low)
	}
	last := line - 1<<l.form.shift()
	for n := range s.blocks {
		block += step(l.slab[n*line+last], low, 1)
	}
	return block
}

// guides is where the line of guides begins among which a low half belongs, if
// there are guides.
func (l *leaf) guides(low uint16, s shape) int {
	if s.blocks < few {
		return 0
	}
	return min(lowerBound(l.slab[:s.blocks/line], low)*line, roundUp(s.blocks)-line)
}

// within is the first entry of a block whose low half is at least low.
func (l *leaf) within(block int, low uint16, s shape) (i int) {
	words := (*[line]uint16)(l.slab[s.entryAt+block*line:])
	switch {
	case l.form.single():
		return block*line + lineBound(words, low)
	case l.form.ends():
		i = step(words[3*4], low, 4)
		i += step(words[(i+1)&7*4], low, 2)
		i += step(words[i&7*4], low, 1)
		i += step(words[i&7*4], low, 1)
		return block*(line/4) + i
	}
	i = step(words[7*2], low, 8)
	i += step(words[(i+3)&15*2], low, 4)
	i += step(words[(i+1)&15*2], low, 2)
	i += step(words[i&15*2], low, 1)
	i += step(words[i&15*2], low, 1)
	return block*(line/2) + i
}

// lineBound is the first of a line of sorted numbers that is at least low.
func lineBound(words *[line]uint16, low uint16) (i int) {
	i = step(words[15], low, 16)
	i += step(words[(i+7)&31], low, 8)
	i += step(words[(i+3)&31], low, 4)
	i += step(words[(i+1)&31], low, 2)
	i += step(words[i&31], low, 1)
	i += step(words[i&31], low, 1)
	return i
}

// step is by if x is less than low, else 0. It is computed, not jumped to:
// what a processor cannot foresee it had better not guess.
func step(x, low uint16, by int) int { return by & -int((uint32(x)-uint32(low))>>31) }

// lowerBound is the first of some sorted numbers that is at least low.
func lowerBound(sorted []uint16, low uint16) int {
	base, n := 0, len(sorted)
	for n > 0 {
		half := (n + 1) >> 1
		base += step(sorted[base+half-1], low, half)
		n -= half
	}
	return base
}

// runEnd is where the run of entries for one address ends that begins, if
// there is any, at from. The blocks begin at a word.
func (l *leaf) runEnd(entryAt, from int, low uint16) (to int) {
	if l.form.bitmap() {
		return from + l.bit(low)
	}
	n, shift, words := l.form.n(), l.form.shift(), l.slab[entryAt:]
	for to = from; to < n && words[to<<shift] == low; to++ {
	}
	return to
}

// overlaps reports whether a host lies from first to last, inclusive.
func (l *leaf) overlaps(first, last uint16) bool {
	i := l.search(first)
	if i >= l.end() {
		return false
	}
	low, _, _ := l.at(i)
	return low <= last
}

// seek is the place of an entry at or after from, and whether it is there.
// Mostly it is near.
func (l *leaf) seek(from int, low, class uint16) (int, bool) {
	const near = 8
	i, end := from, l.end()
	for tries := 1; i < end; tries++ {
		at, c, _ := l.at(i)
		if at > low || (at == low && c >= class) {
			return i, at == low && c == class
		}
		if i = l.next(i); tries == near {
			i = max(i, l.search(low))
		}
	}
	return end, false
}

// firstEnd is the first end that an entry in the leaf has of its own.
func (l *leaf) firstEnd() uint32 {
	first := uint32(forever)
	if !l.form.ends() {
		return first
	}
	for i := range l.length() {
		if _, _, until := l.at(i); until != 0 {
			first = min(first, until)
		}
	}
	return first
}

// leafBuilder is a leaf in the making: four words an entry. Its memory is used again
// for the next.
type leafBuilder []uint16

func (d *leafBuilder) reset() { *d = (*d)[:0] }

func (d *leafBuilder) add(low, class uint16, until uint32) {
	*d = append(*d, low, class, uint16(until), uint16(until>>16))
}

// run copies entries of a leaf.
func (d *leafBuilder) run(l *leaf, from, to int) {
	if from == to {
		return
	}
	*d = slices.Grow(*d, 4*min(to-from, l.length()))
	words := l.slab[l.form.shape().entryAt:]
	switch {
	case l.form.bitmap():
		for i := from; i < to; i = l.bitFrom(i + 1) {
			d.add(uint16(i), l.class, 0)
		}
	case l.form.single():
		for _, low := range words[from:to] {
			d.add(low, l.class, 0)
		}
	case l.form.ends():
		*d = append(*d, words[4*from:4*to]...)
	default:
		for i := 2 * from; i < 2*to; i += 2 {
			d.add(words[i], words[i+1], 0)
		}
	}
}

// form is the smallest that has room for all entries.
func (d leafBuilder) form() form {
	ends, single := false, true
	for i := 0; i < len(d); i += 4 {
		ends = ends || d[i+2]|d[i+3] != 0
		single = single && d[i+1] == d[1]
	}
	return newForm(len(d)/4, ends, single)
}

// leaf packs the entries. What it knows of the tree is left to the caller.
func (d leafBuilder) leaf() leaf {
	n := len(d) / 4
	if n == 0 {
		return leaf{}
	}
	l := leaf{form: d.form(), class: d[1]}
	if l.form.bitmap() {
		l = newBitmap(l.form, l.class)
		for i := 0; i < len(d); i += 4 {
			l.setBit(d[i], true)
		}
		return l
	}
	s := l.form.shape()
	l.slab = make([]uint16, s.entryAt+roundUp(n<<l.form.shift()))
	words := l.slab[s.entryAt:]
	for i := d.pack(words, l.form); i < len(words); i++ {
		words[i] = vacant
	}
	l.guide(s)
	return l
}

// pack writes the entries as a leaf has them, and says how many words they
// took.
func (d leafBuilder) pack(words []uint16, f form) int {
	switch {
	case f.single():
		for i := range f.n() {
			words[i] = d[4*i]
		}
	case f.ends():
		copy(words, d)
	default:
		for i := range f.n() {
			words[2*i], words[2*i+1] = d[4*i], d[4*i+1]
		}
	}
	return f.n() << f.shift()
}

// guide writes what leads to the entries.
func (l *leaf) guide(s shape) {
	if s.blocks < few {
		return
	}
	guides := l.slab[s.guideAt:s.entryAt]
	for i := range guides {
		guides[i] = vacant
		if i < s.blocks {
			guides[i] = l.slab[s.entryAt+(i+1)*line-1<<l.form.shift()]
		}
	}
	for i := range s.blocks / line {
		l.slab[i] = guides[(i+1)*line-1]
	}
}
