package index

import "unsafe"

// tree is the prefixes of one family, in order of place, length and class, in
// blocks of at most blockMax entries, the blocks in pages of at most pageMax:
//
//	tree    the first place of each page, and the pages
//	page    the first place of each block, a guide to those, and the blocks
//	block   the entries, packed by column (block.go), and a guide to them
//
// A block also knows which lengths its own entries have, and of which lengths
// there is, in the blocks before it, a prefix that holds the first place of the
// block. All prefixes around an address therefore are found from the one block
// where the address would lie: a prefix in an earlier block that holds the
// address holds the first place of that block too, so its length is noted, and
// it is searched for only then. A list in which nothing is nested costs one
// descent.
//
// A tree never changes: merge makes the next one and shares the blocks and
// pages that stayed as they were. The zero tree is empty.
type tree struct {
	first []place
	hi    []uint64 // the first half of each
	pages []*branch
	size  int // entries
	bytes int64
}

// branch is one page of blocks.
type branch struct {
	first  []place
	guide  guide
	tied   bool // as of a block
	blocks []block
	due    uint32 // first end that an entry has of its own, forever if none has
	size   int    // entries
	bytes  int64
}

const (
	blockMax = 64
	pageMax  = 64
)

// lastUpTo is the last of some sorted places that is not after at, -1 if all
// are.
func lastUpTo(sorted []place, at place) int {
	base, n := 0, len(sorted)
	for n > 0 {
		half := (n + 1) >> 1
		base += half & -(1 - at.before(sorted[base+half-1]))
		n -= half
	}
	return base - 1
}

// spot is where an entry is, or would be.
type spot struct {
	page, block, entry int
}

// find is the block in which an address would lie: the last that does not
// begin after it.
func (t *tree) find(at place) (s spot, ok bool) {
	s.page = lastUpTo(t.first, at)
	if s.page < 0 {
		return s, false
	}
	s.block = lastUpTo(t.pages[s.page].first, at)
	return s, true
}

// at is the block of a spot.
func (t *tree) at(s spot) *block { return &t.pages[s.page].blocks[s.block] }

// next is the first spot of the block after one's own; ok is false at the end.
func (t *tree) next(s spot) (next spot, ok bool) {
	if s.block+1 < len(t.pages[s.page].blocks) {
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
		return spot{s.page - 1, len(t.pages[s.page-1].blocks) - 1, 0}, true
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
		for i := range p.blocks {
			b := &p.blocks[i]
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
		for i := range p.blocks {
			b := &p.blocks[i]
			for n := 0; b.due <= now && n < int(b.n); n++ {
				if e := b.net(n); e.until != 0 && e.until <= now && !yield(b.place(n), e) {
					return false
				}
			}
		}
	}
	return true
}

const (
	blockBytes  = int64(unsafe.Sizeof(block{}) + unsafe.Sizeof(place{}))
	branchBytes = int64(unsafe.Sizeof(branch{}) + unsafe.Sizeof(place{}) + unsafe.Sizeof(uintptr(0)))
)
