package index

import (
	"math/bits"
	"unsafe"
)

// tree is the prefixes of one family, in order of place, length and class, in
// blocks of at most blockMax entries, the blocks in pages of at most pageMax:
//
//	tree    the first place of each page, signs to those, and the pages
//	page    the first place of each block, a guide to those, and the blocks in
//	        rows of rowMax
//	block   the entries, packed by column (block.go), and a guide to them
//
// A query waits for memory, and for a line of it at a time. So what it reads lies
// in lines of their own: eight places, a guide, a block.
//
// A block also knows which lengths its own entries have, and of which lengths
// there is, in the blocks before it, a prefix that holds the first place of the
// block. All prefixes around an address therefore are found from the one block
// where the address would lie: a prefix in an earlier block that holds the
// address holds the first place of that block too, so its length is noted, and
// it is searched for only then. A list in which nothing is nested costs one
// descent.
//
// A tree never changes: merge makes the next one and shares the rows and
// pages that stayed as they were. The zero tree is empty.
type tree struct {
	first places
	signs *signs // to first
	pages []*branch
	size  int // entries
	bytes int64
}

// branch is one page of blocks. The allocator puts a word before it, so that hi
// begins with a line.
type branch struct {
	guide guide // to hi
	shift uint8 // of the guide
	n     uint8
	lo    []uint64        // the second halves of the first places; nil if all are 0
	hi    [pageMax]uint64 // the first halves, greatest behind the last
	rows  [pageMax / rowMax]*row
	due   uint32 // first end that an entry has of its own, forever if none has
	size  int    // entries
	bytes int64
}

// row is some blocks of a page: no more than the allocator puts at the beginning of
// a line, for it has pointers.
type row [rowMax]block

const (
	blockMax = 64
	pageMax  = 64
	rowMax   = 8
)

// block is one of the page. To ask the row would fetch its first line too.
func (p *branch) block(i int) *block {
	return (*block)(unsafe.Add(unsafe.Pointer(p.rows[i/rowMax]), i%rowMax*int(unsafe.Sizeof(block{}))))
}

func (p *branch) first() places { return places{p.hi[:p.n], p.lo} }

// places are places in order, by their halves. Where all second halves are 0 there
// are none.
type places struct{ hi, lo []uint64 }

func (p places) at(i int) place {
	if p.lo == nil {
		return place{hi: p.hi[i]}
	}
	return place{p.hi[i], p.lo[i]}
}

func (p *places) add(at place) {
	if at.lo != 0 && p.lo == nil {
		p.lo = make([]uint64, len(p.hi), cap(p.hi))
	}
	if p.hi = append(p.hi, at.hi); p.lo != nil {
		p.lo = append(p.lo, at.lo)
	}
}

// lastUpTo is the last that is not after at, -1 if all are.
func (p places) lastUpTo(at place) int {
	base, n := 0, len(p.hi)
	if p.lo != nil && p.hi[0] == at.hi && p.hi[n-1] == at.hi && p.lo[0] <= at.lo { // those decide alone
		return lastUpTo(p.lo, at.lo)
	}
	for n > 0 {
		half := (n + 1) >> 1
		base += half & -(1 - at.before(p.at(base+half-1)))
		n -= half
	}
	return base - 1
}

// signs lead to the pages by the part of the space between the first and the last of
// them, of which there are up to 256: all are alike wide. For each it has the last
// page that begins in an earlier one, and at the end the last page.
type signs struct {
	shift uint8
	page  [signsMax + 1]uint32
}

const signsMax = 256

func signsTo(hi []uint64) *signs {
	s, last := new(signs), len(hi)-1
	s.shift = uint8(max(bits.Len64(hi[last]-hi[0])-bits.Len(signsMax-1), 0))
	n := 0
	for k := range s.page {
		for n < last && (hi[n+1]-hi[0])>>s.shift < uint64(k) {
			n++
		}
		s.page[k] = uint32(n)
	}
	s.page[signsMax] = uint32(last)
	return s
}

// index finds out where the pages begin: mostly where those of the tree before do.
func (t *tree) index(before *tree) {
	same := len(t.pages) == len(before.pages)
	for n := 0; same && n < len(t.pages); n++ {
		same = t.pages[n] == before.pages[n] || t.pages[n].first().at(0) == before.first.at(n)
	}
	if t.first, t.signs = before.first, before.signs; same {
		return
	}
	t.first = places{}
	for _, p := range t.pages {
		t.first.add(p.first().at(0))
	}
	if len(t.pages) > 0 {
		t.signs = signsTo(t.first.hi)
	}
}

// between are the first and the last page that may hold a place that is so far
// behind the first.
func (s *signs) between(behind uint64) (from, to int) {
	part := min(behind>>s.shift, signsMax-1)
	return int(s.page[part]), int(s.page[part+1])
}

// spot is where an entry is, or would be.
type spot struct {
	page, block, entry int
}

// find is the block in which an address would lie: the last that does not
// begin after it.
func (t *tree) find(at place) (s spot, ok bool) {
	s.page = t.first.lastUpTo(at)
	if s.page < 0 {
		return s, false
	}
	s.block = t.pages[s.page].first().lastUpTo(at)
	return s, true
}

// at is the block of a spot.
func (t *tree) at(s spot) *block { return t.pages[s.page].block(s.block) }

// next is the first spot of the block after one's own; ok is false at the end.
func (t *tree) next(s spot) (next spot, ok bool) {
	if s.block+1 < int(t.pages[s.page].n) {
		return spot{s.page, s.block + 1, 0}, true
	}
	return spot{s.page + 1, 0, 0}, s.page+1 < len(t.pages)
}

// following is the spot of the entry after one.
func (t *tree) following(s spot) (spot, bool) {
	if s.entry+1 < int(t.at(s).n) {
		s.entry++
		return s, true
	}
	return t.next(s)
}

// more is the next entry of the same prefix.
func (t *tree) more(s spot, at place, length uint8) (spot, bool) {
	s, ok := t.following(s)
	return s, ok && t.at(s).is(s.entry, at, length)
}

// previous is the block before a spot's.
func (t *tree) previous(s spot) (spot, bool) {
	switch {
	case s.block > 0:
		return spot{s.page, s.block - 1, 0}, true
	case s.page > 0:
		return spot{s.page - 1, int(t.pages[s.page-1].n) - 1, 0}, true
	}
	return s, false
}

// search is the spot of the first entry that is not before a prefix. ok is
// false if there is none.
func (t *tree) search(at place, length uint8) (s spot, ok bool) {
	s, ok = t.find(at)
	if !ok {
		return spot{}, len(t.pages) > 0
	}
	// The entries of one prefix may fill several blocks.
	for t.at(s).place(0) == at && t.at(s).length(0) >= length {
		before, more := t.previous(s)
		if !more {
			break
		}
		s = before
	}
	if s.entry = t.at(s).search(at, length); s.entry < int(t.at(s).n) {
		return s, true
	}
	return t.next(s)
}

// overlaps reports whether an entry lies inside or around a prefix.
func (t *tree) overlaps(at place, length uint8) bool {
	if s, ok := t.search(at, 0); ok && at.last(length).before(t.at(s).place(s.entry)) == 0 {
		return true
	}
	return t.around(at, 0, length)
}

// each yields all entries in order.
func (t *tree) each(yield func(place, net) bool) bool {
	for _, p := range t.pages {
		for i := range int(p.n) {
			b := p.block(i)
			for n := range int(b.n) {
				if !yield(b.place(n), b.net(n)) {
					return false
				}
			}
		}
	}
	return true
}

// eachDue yields the entries that have an end of their own at or before now.
func (t *tree) eachDue(now uint32, yield func(place, net) bool) bool {
	for _, p := range t.pages {
		if p.due > now {
			continue
		}
		for i := range int(p.n) {
			b := p.block(i)
			for n := 0; b.more.due <= now && n < int(b.n); n++ {
				if e := b.net(n); e.until != 0 && e.until <= now && !yield(b.place(n), e) {
					return false
				}
			}
		}
	}
	return true
}

const (
	rowBytes    = int64(unsafe.Sizeof(row{}))
	moreBytes   = int64(unsafe.Sizeof(more{}))
	branchBytes = int64(unsafe.Sizeof(branch{}) + unsafe.Sizeof(place{}) + unsafe.Sizeof(uintptr(0)))
)
