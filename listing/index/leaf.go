package index

import (
	"math/bits"
	"unsafe"
)

// leaf is what there is of one /16: its listed hosts, sorted by the low half
// of the address, then by class, in one slab of 16-bit words, so that a
// collector sees one pointer and a query misses the cache once or twice:
//
//	index  where each 1/2^steps of the addresses begins among the entries, and
//	       the end. Only where addresses are not spread evenly, when their
//	       place cannot be computed. More than 65,535 entries take two words
//	       each, low and high half
//	lows   low halves of the addresses
//	rows   class, and unless all end with their source: end in Unix seconds,
//	       low and high half, 0 for its source's
//
// The slab never changes. The zero leaf is empty.
type leaf struct {
	slab  []uint16
	marks uint32 // /21s with something of length 16 or more in or around them in the prefix table
	form  form
}

// form is what is in a slab: the number of entries, whether rows are of three
// words, and the bits of the index, 0 if there is none. It is packed so that a
// leaf is half a cache line.
type form uint32

func newForm(n int, ends bool, steps int) form {
	f := form(n)<<5 | form(steps)
	if ends {
		f |= 1 << 4
	}
	return f
}

func (f form) n() uint32   { return uint32(f >> 5) }
func (f form) ends() bool  { return f&(1<<4) != 0 }
func (f form) steps() uint { return uint(f & 15) }

const (
	mostSteps    = 12
	entriesAStep = 8 // of the index, at least; more where addresses are dense
	// window is how many entries are searched around a computed place. The
	// size is the same for all so that the processor foresees the loop, and
	// begins with the next query while memory answers this one.
	window = 33

	pageBytes = int64(unsafe.Sizeof(page{}))
)

func (l *leaf) isZero() bool { return l.form == 0 && l.marks == 0 }

// length is the number of entries.
func (l *leaf) length() int { return int(l.form.n()) }

// lowsAt is where the low halves begin in the slab.
func (l *leaf) lowsAt() int {
	switch {
	case l.form.steps() == 0:
		return 0
	case l.form.n() >= 1<<16:
		return 2<<l.form.steps() + 2
	}
	return 1<<l.form.steps() + 1
}

// bucket is where the index says that a low half belongs.
func (l *leaf) bucket(low uint16) (from, to int) {
	step := int(low >> (16 - l.form.steps()))
	if l.form.n() >= 1<<16 {
		i := l.slab[2*step : 2*step+4]
		return int(i[0]) | int(i[1])<<16, int(i[2]) | int(i[3])<<16
	}
	i := l.slab[step : step+2]
	return int(i[0]), int(i[1])
}

func (l *leaf) lows() []uint16 { return l.slab[l.lowsAt():][:l.form.n()] }
func (l *leaf) rows() []uint16 { return l.slab[l.lowsAt()+l.length():] }

// row is the class of an entry, and its end, 0 if that is its source's.
func (l *leaf) row(i int) (class uint16, until uint32) {
	rows := l.rows()
	if !l.form.ends() {
		return rows[i], 0
	}
	r := rows[3*i : 3*i+3]
	return r[0], uint32(r[1]) | uint32(r[2])<<16
}

// marked reports whether a query for an address must look into the prefix
// table.
func (l *leaf) marked(low uint16) bool { return l.marks>>(low>>11)&1 != 0 }

// size is the memory of the slab.
func (l *leaf) size() int64 { return 2 * int64(cap(l.slab)) }

// place is where an address would be among n if they were spread evenly.
func place(low uint16, n uint32) int { return int(uint32(uint64(low) * uint64(n) >> 16)) }

// search is the first entry whose low half is at least low.
func (l *leaf) search(low uint16) int {
	lows := l.lows()
	from, to := 0, len(lows)
	if l.form.steps() == 0 {
		from = place(low, l.form.n()) - window/2
	} else {
		from, to = l.bucket(low)
		if to-from >= window {
			return from + lowerBound(lows[from:to], low)
		}
	}
	if from = max(0, min(from, len(lows)-window)); len(lows) > window {
		to = from + window
	}
	return from + lowerBound(lows[from:to], low)
}

// lowerBound is the first of some sorted numbers that is at least low. The
// step is computed, not jumped to, so that nothing in the loop is guessed.
func lowerBound(lows []uint16, low uint16) int {
	base, n := 0, len(lows)
	for n > 0 {
		half := (n + 1) >> 1
		step := 0
		if lows[base+half-1] < low {
			step = half
		}
		base += step
		n -= half
	}
	return base
}

// find is the run of entries for one address; empty if it has none.
func (l *leaf) find(low uint16) (from, to int) {
	if l.form.n() == 0 {
		return 0, 0
	}
	lows := l.lows()
	from = l.search(low)
	for to = from; to < len(lows) && lows[to] == low; to++ {
	}
	return from, to
}

// overlaps reports whether a host lies from first to last, inclusive.
func (l *leaf) overlaps(first, last uint16) bool {
	at := l.search(first)
	return at < l.length() && l.lows()[at] <= last
}

// seek is the place of an entry at or after from, and whether it is there.
// Mostly it is near.
func (l *leaf) seek(from int, low, class uint16) (int, bool) {
	lows, step := l.lows(), 1
	for from+step < len(lows) && lows[from+step] < low {
		step *= 2
	}
	i := from + step/2
	i += lowerBound(lows[i:max(i, min(from+step+1, len(lows)))], low)
	for ; i < len(lows) && lows[i] == low; i++ {
		if c, _ := l.row(i); c >= class {
			return i, c == class
		}
	}
	return i, false
}

// firstEnd is the first end that an entry in the leaf has of its own.
func (l *leaf) firstEnd() uint32 {
	first := uint32(forever)
	if !l.form.ends() {
		return first
	}
	for i := range l.length() {
		if _, until := l.row(i); until != 0 {
			first = min(first, until)
		}
	}
	return first
}

// columns is a leaf in the making; its memory is used again for the next.
type columns struct {
	lows []uint16
	rows []uint16 // three words each
}

func (c *columns) reset() { c.lows, c.rows = c.lows[:0], c.rows[:0] }

func (c *columns) add(low, class uint16, until uint32) {
	c.lows = append(c.lows, low)
	c.rows = append(c.rows, class, uint16(until), uint16(until>>16))
}

// run copies entries of a leaf.
func (c *columns) run(l *leaf, from, to int) {
	if from == to {
		return
	}
	c.lows = append(c.lows, l.lows()[from:to]...)
	if l.form.ends() {
		c.rows = append(c.rows, l.rows()[3*from:3*to]...)
		return
	}
	for _, class := range l.rows()[from:to] {
		c.rows = append(c.rows, class, 0, 0)
	}
}

// ends reports whether an entry has an end of its own.
func (c *columns) ends() bool {
	for i := 0; i < len(c.rows); i += 3 {
		if c.rows[i+1]|c.rows[i+2] != 0 {
			return true
		}
	}
	return false
}

// even reports whether every address is so near its computed place that one
// window finds it, and those that are not there.
func (c *columns) even() bool {
	for i, low := range c.lows {
		if off := i - place(low, uint32(len(c.lows))); off < 1-window/2 || off > window/2-1 {
			return len(c.lows) <= window
		}
	}
	return true
}

// leaf packs the columns. Marks are left to the caller.
func (c *columns) leaf() leaf {
	n, steps := len(c.lows), 0
	if n == 0 {
		return leaf{}
	}
	if !c.even() {
		steps = min(bits.Len(uint(n/entriesAStep)), mostSteps)
	}
	l := leaf{form: newForm(n, c.ends(), steps)}
	size := l.lowsAt() + 2*n
	if l.form.ends() {
		size += 2 * n
	}
	l.slab = make([]uint16, size)
	copy(l.lows(), c.lows)
	rows := l.rows()
	if l.form.ends() {
		copy(rows, c.rows)
	} else {
		for i := range rows {
			rows[i] = c.rows[3*i]
		}
	}
	if l.form.steps() > 0 {
		l.fillIndex()
	}
	return l
}

func (l *leaf) fillIndex() {
	i, at, lows := 0, 0, l.lows()
	for step := range 1<<l.form.steps() + 1 {
		for i < len(lows) && int(lows[i])>>(16-l.form.steps()) < step {
			i++
		}
		l.slab[at] = uint16(i)
		if at++; l.form.n() >= 1<<16 {
			l.slab[at] = uint16(i >> 16)
			at++
		}
	}
}
