package index

import "math/bits"

// guide is the first half of every eighth of at most 64 sorted places, but for
// the first of them. It leads to eight, so that who searches waits for memory
// twice: for the guide, and for those.
type guide [7]uint64

const stride = 8 // places that a guide leads to

// guideOf makes a guide to n places. It reports whether two of them differ in
// their second half alone.
func guideOf(n int, at func(int) place) (g guide, tied bool) {
	for i := range g {
		if g[i] = ^uint64(0); (i+1)*stride < n {
			g[i] = at((i + 1) * stride).hi
		}
	}
	for i := 1; i < n; i++ {
		tied = tied || (at(i).hi == at(i-1).hi && at(i) != at(i-1))
	}
	return g, tied
}

// window is where the eight of n places begin, of which one is the last that is
// not after a place; n is at least eight, and the first is not after it.
func (g *guide) window(hi uint64, n int) int {
	i := upTo(g[3], hi, 4)
	i += upTo(g[i+1], hi, 2)
	i += upTo(g[i], hi, 1)
	return min(i*stride, n-stride)
}

// upTo is by if x is at most most, else 0. It is computed, not jumped to.
func upTo(x, most uint64, by int) int {
	_, more := bits.Sub64(most, x, 0)
	return by &^ -int(more)
}

// descent is the way of one address down its tree: to the block where it would
// lie, and there to the last entry that does not begin after it.
type descent struct {
	at    place
	page  *branch
	block *block
	where spot
	near  uint64 // a word that is needed next
	turn  int    // in a batch: the number of another spot, see Set.descend
}

// noBranch is the page of what lies before all others. Its block holds nothing.
var noBranch = branch{first: []place{{}}, blocks: []block{{slab: []uint64{0}, n: 1, columns: columns{long: true}}}}

// descend goes down the trees with all addresses that need one, level by level
// as Locate does. LookupAt then finds all it reads in the cache.
func (s *Set) descend(spots []Spot) {
	turns := 0 // the spots that need a tree: turn of the first is the number of the first of them, and so on
	for i := range spots {
		if spots[i].wide {
			spots[turns].down.turn = i
			turns++
		}
	}
	for k := range turns {
		spot := &spots[spots[k].down.turn]
		spot.down.begin(s.tree(spot.addr.Is4()), placeOf(spot.addr))
	}
	for k := range turns {
		d := &spots[spots[k].down.turn].down
		d.near = uint64(len(d.page.first)) + d.page.guide[6]
	}
	for k := range turns {
		spots[spots[k].down.turn].down.guidePage()
	}
	for k := range turns {
		d := &spots[spots[k].down.turn].down
		d.near = d.page.first[d.where.block].hi
	}
	for k := range turns {
		spots[spots[k].down.turn].down.findBlock()
	}
	for k := range turns {
		d := &spots[spots[k].down.turn].down
		d.near = uint64(len(d.block.slab)) + d.block.guide[6] + uint64(d.block.n)
	}
	for k := range turns {
		spots[spots[k].down.turn].down.guideBlock()
	}
	for k := range turns {
		d := &spots[spots[k].down.turn].down
		d.near = d.block.slab[d.block.word(d.where.entry)]
	}
	for k := range turns {
		spots[spots[k].down.turn].down.findEntry()
	}
}

// descend is the way of one address.
func (t *tree) descend(at place) (d descent) {
	d.begin(t, at)
	d.guidePage()
	d.findBlock()
	d.guideBlock()
	d.findEntry()
	return d
}

func (d *descent) begin(t *tree, at place) {
	d.at, d.page, d.where = at, &noBranch, spot{}
	if len(t.first) == 0 || at.before(t.first[0]) == 1 {
		return
	}
	page := 0
	for n, hi := len(t.hi), t.hi; n > 1; {
		half := n >> 1
		page += upTo(hi[page+half], at.hi, half)
		n -= half
	}
	if t.hi[page] == at.hi { // the second half decides
		page = lastUpTo(t.first, at)
	}
	d.page, d.where.page = t.pages[page], page
}

// guidePage finds the window where the block is.
func (d *descent) guidePage() {
	if n := len(d.page.first); n >= stride && !d.page.tied {
		d.where.block = d.page.guide.window(d.at.hi, n)
	}
}

func (d *descent) findBlock() {
	p, at := d.page, d.where.block
	if len(p.first) < stride || p.tied {
		at = lastUpTo(p.first, d.at)
	} else {
		window, hi, i := (*[stride]place)(p.first[at:]), d.at.hi, 0
		i = upTo(window[4].hi, hi, 4)
		i += upTo(window[(i+2)&7].hi, hi, 2)
		i += upTo(window[(i+1)&7].hi, hi, 1)
		if at += i; d.at.before(window[i&7]) == 1 { // they differ in the second half
			at--
		}
	}
	d.where.block, d.block = at, &p.blocks[at]
}

// guideBlock finds the window where the entry is.
func (d *descent) guideBlock() {
	if n := int(d.block.n); n >= stride && !d.block.tied {
		d.where.entry = d.block.guide.window(d.at.hi, n)
	}
}

func (d *descent) findEntry() {
	b, at, hi := d.block, d.where.entry, d.at.hi
	switch {
	case b.n < stride || b.tied:
		at = b.lastUpTo(d.at)
	case b.long:
		window, i := (*[stride]uint64)(b.slab[at:]), 0
		i = upTo(window[4], hi, 4)
		i += upTo(window[(i+2)&7], hi, 2)
		i += upTo(window[(i+1)&7], hi, 1)
		at += i
	default:
		at += upTo(uint64(b.half(0, at+4)), hi>>32, 4)
		at += upTo(uint64(b.half(0, at+2)), hi>>32, 2)
		at += upTo(uint64(b.half(0, at+1)), hi>>32, 1)
	}
	for b.lo && at > 0 && d.at.before(b.place(at)) == 1 {
		at--
	}
	d.where.entry = at
}

// lastUpTo is the last entry that is not after a place; the first is not.
func (b *block) lastUpTo(at place) (i int) {
	for n := int(b.n); n > 1; {
		half := n >> 1
		i += half & -(1 - at.before(b.place(i+half)))
		n -= half
	}
	return i
}

// word is where in the slab the first half of the place of an entry is.
func (b *block) word(entry int) int {
	if b.long {
		return entry
	}
	return entry >> 1
}

// surround notes what is around a block.
func (b *block) surround(around lengths) {
	b.around, b.fresh = around, false
	b.plain = around == lengths{} && b.within.single()
}

// holders are the lengths that prefixes around the address, all entries of the
// tree counted, may have: no other length need be looked for.
func (d *descent) holders() lengths { return d.block.within.union(d.block.around) }

// get is where the entries of the prefix of some length around the address begin.
func (t *tree) get(d *descent, length uint8) (spot, bool) {
	b, p, s := d.block, d.at.masked(length), d.where
	if b.around.has(length) && b.place(0).masked(length) == p {
		s, ok := t.search(p, length)
		return s, ok && t.at(s).is(s.entry, p, length)
	}
	if !b.within.has(length) || b.place(s.entry).before(p) == 1 {
		return s, false
	}
	s.entry = b.search(p, length)
	return s, s.entry < int(b.n) && b.is(s.entry, p, length)
}

// around reports whether the tree has a prefix around a place of a length from
// one to another.
func (t *tree) around(at place, from, to uint8) bool {
	d := t.descend(at)
	left := d.holders().upTo(to)
	for n, ok := left.take(); ok && n >= from; n, ok = left.take() {
		if _, found := t.get(&d, n); found {
			return true
		}
	}
	return false
}
