package index

import "net/netip"

// Spot is where a Set has what it knows of one address. It is good for
// LookupAt as long as somebody holds the Set.
type Spot struct {
	addr  netip.Addr
	leaf  *leaf
	form  form // of the leaf
	low   uint16
	near  uint16 // the word of the slab that is needed next
	next  int    // and where it is
	shape shape
	block int
	from  int    // first entry of the address, if it has any
	wides *wides // of the leaf, if it has some and they are asked
	wide  bool   // the query must look into the tree
	down  descent
}

// Addr is the address.
func (s *Spot) Addr() netip.Addr { return s.addr }

// spotOf is the spot of one address.
func (s *Set) spotOf(a netip.Addr) Spot {
	spot := Spot{down: descent{page: &noBranch, block: noBranch.block(0)}}
	spot.begin(s, a)
	spot.openLeaf(s)
	spot.lookWide()
	spot.guide()
	spot.chooseBlock()
	spot.search()
	if spot.wide {
		spot.down = s.tree(a.Is4()).descend(placeOf(a))
	}
	return spot
}

// runEnd is where the entries of the address end in its leaf.
func (s *Spot) runEnd() int {
	if s.form == 0 {
		return s.from
	}
	return s.leaf.runEnd(s.shape.entryAt, s.from, s.low)
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
	load(spots)
	for i := range spots {
		spots[i].lookWide()
	}
	for i := range spots {
		spots[i].guide()
	}
	load(spots)
	for i := range spots {
		spots[i].chooseBlock()
	}
	load(spots)
	for i := range spots {
		spots[i].search()
	}
}

// begin finds the leaf.
func (s *Spot) begin(set *Set, a netip.Addr) {
	s.addr, s.leaf, s.form, s.from, s.next, s.wide, s.wides = a, &noLeaf, 0, 0, 0, true, nil
	if a.Is4() {
		ip := v4(a)
		s.leaf, s.low, s.wide = set.leafAt(ip), uint16(ip), set.short[ip>>24] > 0
	}
}

// openLeaf finds out what the leaf has.
func (s *Spot) openLeaf(set *Set) {
	if s.form = s.leaf.form; s.form.bitmap() {
		s.next = int(s.low / wordBits)
	}
	if s.leaf.wide > 0 && !s.wide {
		s.wides = &set.pages[v4(s.addr)>>24].wide[s.leaf.wide-1]
	}
}

// lookWide finds out whether the tree has something here.
func (s *Spot) lookWide() {
	if s.wides != nil {
		s.wide = s.wides.has(v4(s.addr) >> 8 & 0xff)
	}
}

// load fetches what each spot needs next.
func load(spots []Spot) {
	for i := range spots {
		if s := &spots[i]; s.next < len(s.leaf.slab) {
			s.near = s.leaf.slab[s.next]
		}
	}
}

// guide finds the guides in a crowded leaf; in any other they come first, or
// the blocks do.
func (s *Spot) guide() {
	if s.form == 0 {
		return
	}
	if s.shape = s.form.shape(); s.shape.guideAt > 0 {
		s.next = s.shape.guideAt + s.leaf.guides(s.low, s.shape)
	}
}

func (s *Spot) chooseBlock() {
	if s.form == 0 || s.form.bitmap() {
		return
	}
	s.block = s.leaf.block(s.low, s.shape)
	s.next = s.shape.entryAt + s.block*line
}

func (s *Spot) search() {
	switch {
	case s.form == 0:
	case s.form.bitmap():
		s.from = int(s.low)
	default:
		s.from = s.leaf.within(s.block, s.low, s.shape)
	}
}
