package index

import "net/netip"

// Spot is where a Set has what it knows of one address. It is good for
// LookupAt as long as somebody holds the Set.
type Spot struct {
	addr  netip.Addr
	leaf  *leaf
	next  *uint16 // the word of its slab that is needed next
	wides *uint64 // the word of its wides that tells of the address
	known uint64  // that
	form  form    // of the leaf
	low   uint16
	near  uint16 // what was at next, so that it is loaded
	wide  bool   // the query must look into the tree
	shape shape
	guide int // where the line of guides begins among which the address belongs
	block int // and which block that leads to
	from  int // first entry of the address, if it has any
	to    int // where those end
	down  descent
}

// Addr is the address.
func (s *Spot) Addr() netip.Addr { return s.addr }

// spotOf is the spot of one address.
func (s *Set) spotOf(a netip.Addr) Spot {
	spot := Spot{down: descent{page: &noBranch, block: noBranch.block(0)}}
	spot.begin(s, a)
	spot.openLeaf(s)
	spot.known = *spot.wides
	spot.findGuide()
	spot.findBlock()
	spot.search()
	if spot.wide {
		spot.down = s.tree(a.Is4()).descend(placeOf(a))
	}
	return spot
}

// abreast is how many spots go together. Memory has no room for more requests.
const abreast = 64

// Locate finds the spots of many addresses: what a query waits for is memory,
// and memory answers many requests in the time of one. So each step is done
// for all before the next is for any, and no loop that loads does anything
// else. spots must have room for all addresses.
func (s *Set) Locate(addrs []netip.Addr, spots []Spot) {
	for len(addrs) > 0 {
		n := min(len(addrs), abreast)
		s.locate(addrs[:n], spots[:n])
		addrs, spots = addrs[n:], spots[n:]
	}
}

func (s *Set) locate(addrs []netip.Addr, spots []Spot) {
	leaves := false
	for i, a := range addrs {
		spots[i].begin(s, a)
		leaves = leaves || spots[i].leaf != &noLeaf
	}
	if leaves {
		s.lookInLeaves(spots)
	}
	var room [abreast]*Spot
	wide := room[:0]
	for i := range spots {
		if spots[i].wide {
			wide = append(wide, &spots[i])
		}
	}
	s.descend(wide)
}

// lookInLeaves finds what leaves have of each spot, and which of them need a tree.
func (s *Set) lookInLeaves(spots []Spot) {
	for i := range spots {
		spots[i].form = spots[i].leaf.form // fetches the leaf
	}
	for i := range spots {
		spots[i].openLeaf(s)
	}
	for i := range spots {
		spots[i].near, spots[i].known = *spots[i].next, *spots[i].wides
	}
	for i := range spots {
		spots[i].findGuide()
	}
	for i := range spots {
		spots[i].near = *spots[i].next
	}
	for i := range spots {
		spots[i].findBlock()
	}
	for i := range spots {
		spots[i].near = *spots[i].next
	}
	for i := range spots {
		spots[i].search()
	}
}

// begin finds the leaf.
func (s *Spot) begin(set *Set, a netip.Addr) {
	s.addr, s.leaf, s.form, s.from, s.to, s.wide = a, &noLeaf, 0, 0, 0, true
	if a.Is4() {
		ip := v4(a)
		s.leaf, s.low, s.wide = set.leafAt(ip), uint16(ip), set.short[ip>>24] > 0
	}
}

// openLeaf finds out what the leaf has.
func (s *Spot) openLeaf(set *Set) {
	s.form, s.next, s.wides = s.leaf.form, &noWord, &noWides[0]
	switch {
	case s.form == 0:
	case s.form.bitmap():
		s.next = &s.leaf.slab[s.low/wordBits]
	default:
		s.next = &s.leaf.slab[0]
	}
	if s.leaf.wide > 0 {
		s.wides = &set.pages[v4(s.addr)>>24].wide[s.leaf.wide-1][s.low>>14]
	}
}

// findGuide finds the guides in a crowded leaf; in any other they come first, or
// the blocks do. It also finds out whether the tree has something here.
func (s *Spot) findGuide() {
	s.wide = s.wide || s.known>>(s.low>>8&63)&1 != 0
	if s.form == 0 {
		return
	}
	if s.shape = s.form.shape(); s.shape.blocks >= few {
		s.guide = s.leaf.guides(s.low, s.shape)
		s.next = &s.leaf.slab[s.shape.guideAt+s.guide]
	}
}

func (s *Spot) findBlock() {
	if s.form == 0 || s.form.bitmap() {
		return
	}
	s.block = s.leaf.block(s.guide, s.low, s.shape)
	s.next = &s.leaf.slab[s.shape.entryAt+s.block*line]
}

func (s *Spot) search() {
	if s.form == 0 {
		return
	}
	if s.from = int(s.low); !s.form.bitmap() {
		s.from = s.leaf.within(s.block, s.low, s.shape)
	}
	s.to = s.leaf.runEnd(s.shape.entryAt, s.from, s.low)
}

// noWord is what is needed next where nothing is.
var noWord uint16
