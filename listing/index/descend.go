package index

import (
	"math/bits"
	"unsafe"
)

// guide leads to one of at most 64 places, by their first halves alone: it has every
// eighth of them, but for the first, as how far behind the first it is, without the
// bits that 32 have no room for. So a search waits for memory twice: for the guide,
// and for eight places. Of places that are one in a guide it leads to the last, which
// may be after the one that is looked for.
type guide [7]uint32

const stride = 8 // places that a guide leads to

// guideOf makes a guide to n places, and says how many bits it leaves out.
func guideOf(n int, hi func(int) uint64) (g guide, shift uint8) {
	shift = uint8(max(bits.Len64(hi(n-1)-hi(0))-32, 0))
	for i := range g {
		if g[i] = ^uint32(0); (i+1)*stride < n {
			g[i] = uint32((hi((i+1)*stride) - hi(0)) >> shift)
		}
	}
	return g, shift
}

// window is where the eight of n places begin among which one may be that is so far
// behind the first.
func (g *guide) window(behind uint64, n int) int {
	i := upTo(uint64(g[3]), behind, 4)
	i += upTo(uint64(g[i+1]), behind, 2)
	i += upTo(uint64(g[i]), behind, 1)
	return min(i, (n-1)/stride) * stride
}

// within is the last of eight sorted numbers that is not more than another, 0 if all
// are.
func within(window *[stride]uint64, most uint64) int {
	i := upTo(window[4], most, 4)
	i += upTo(window[(i+2)&7], most, 2)
	return i + upTo(window[(i+1)&7], most, 1)
}

// lastUpTo is the last of some sorted numbers that is not more than another, 0 if all
// are.
func lastUpTo(sorted []uint64, most uint64) (i int) {
	for n := len(sorted); n > 1; {
		half := n >> 1
		i += upTo(sorted[i+half], most, half)
		n -= half
	}
	return i
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
	base  uint64 // the first half of where the page begins, then the block
	page  *branch
	block *block
	where spot
	next  unsafe.Pointer // to what is needed next
	near  byte           // of that
}

// noBranch is the page of what lies before all others. Its block holds nothing.
var noBranch = branch{n: 1, rows: [pageMax / rowMax]*row{{{n: 1, slab: []uint64{stride - 1: 0}, more: &more{}, traits: longHi}}}}

// descend goes down the trees with all addresses that need one, level by level
// as Locate does. LookupAt then finds all it reads in the cache.
func (s *Set) descend(spots []*Spot) {
	for _, spot := range spots {
		spot.down.begin(s.tree(spot.addr.Is4()), placeOf(spot.addr))
	}
	fetch(spots)
	for _, spot := range spots {
		spot.down.guidePage()
	}
	fetch(spots)
	for _, spot := range spots {
		spot.down.findBlock()
	}
	fetch(spots)
	for _, spot := range spots {
		spot.down.guideBlock()
	}
	fetch(spots)
	for _, spot := range spots {
		spot.down.findEntry()
	}
}

// fetch has memory begin with what each spot needs next.
func fetch(spots []*Spot) {
	near := byte(0)
	for _, spot := range spots {
		near += *(*byte)(spot.down.next)
	}
	if len(spots) > 0 {
		spots[0].down.near = near // or nothing would be loaded
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
	d.at, d.page, d.base, d.where, d.next = at, &noBranch, 0, spot{}, unsafe.Pointer(&noBranch)
	if len(t.pages) == 0 || at.before(t.first.at(0)) == 1 {
		return
	}
	hi := t.first.hi
	page, last := t.signs.between(at.hi - hi[0])
	page += lastUpTo(hi[page:last+1], at.hi)
	if t.first.lo != nil && hi[page] == at.hi { // the second half decides
		page = t.first.lastUpTo(at)
	}
	d.page, d.base, d.where.page = t.pages[page], hi[page], page
	d.next = unsafe.Pointer(d.page)
}

// guidePage finds the window where the block is.
func (d *descent) guidePage() {
	d.where.block = d.page.guide.window((d.at.hi-d.base)>>d.page.shift, int(d.page.n))
	d.next = unsafe.Pointer(&d.page.hi[d.where.block])
	d.block = d.page.block(d.where.block) // fetches where the row is
}

func (d *descent) findBlock() {
	p, i := d.page, d.where.block
	i = min(i+within((*[stride]uint64)(p.hi[i:]), d.at.hi), int(p.n)-1)
	if hi := p.hi[i]; hi > d.at.hi || (hi == d.at.hi && p.lo != nil) { // as in a block
		i = p.first().lastUpTo(d.at)
	}
	d.where.block, d.block, d.base = i, p.block(i), p.hi[i]
	d.next = unsafe.Pointer(d.block)
}

// guideBlock finds the window where the entry is.
func (d *descent) guideBlock() {
	i := d.block.window(d.at.hi - d.base)
	d.where.entry = i
	if !d.block.has(longHi) {
		i /= 2
	}
	d.next = unsafe.Pointer(&d.block.slab[i])
}

func (d *descent) findEntry() { d.where.entry = d.block.lastIn(d.where.entry, d.at) }

// holders are the lengths that prefixes around the address, all entries of the
// tree counted, may have: no other length need be looked for.
func (d *descent) holders() lengths { return d.block.more.within.union(d.block.more.around) }

// get is where the entries of the prefix of some length around the address begin.
func (t *tree) get(d *descent, length uint8) (spot, bool) {
	b, p, s := d.block, d.at.masked(length), d.where
	if b.more.around.has(length) && b.place(0).masked(length) == p {
		s, ok := t.search(p, length)
		return s, ok && t.at(s).is(s.entry, p, length)
	}
	if !b.more.within.has(length) || b.place(s.entry).before(p) == 1 {
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
