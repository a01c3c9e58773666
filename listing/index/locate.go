package index

import "net/netip"

// Spot is where a Set has what it knows of one address. It is good for
// LookupAt as long as somebody holds the Set.
type Spot struct {
	addr  netip.Addr
	leaf  *leaf
	shape shape
	block int
	from  int    // first entry of the address, if it has any
	next  int    // word of the slab that is needed next
	near  uint16 // that word
	wide  bool   // the tree may know of the address
	down  descent
}

// Addr is the address.
func (s *Spot) Addr() netip.Addr { return s.addr }

// spotOf is the spot of one address.
func (s *Set) spotOf(a netip.Addr) Spot {
	spot := Spot{addr: a, leaf: &noLeaf, wide: true, down: descent{page: &noBranch, block: &noBranch.blocks[0]}}
	if a.Is4() {
		ip := v4(a)
		spot.leaf = s.leafAt(ip)
		if spot.wide = s.needsTree(spot.leaf, ip); spot.leaf.form != 0 {
			spot.shape = spot.leaf.form.shape()
			spot.block = spot.leaf.block(spot.low(), spot.shape)
			spot.search()
		}
	}
	if spot.wide {
		spot.down = s.tree(a.Is4()).descend(placeOf(a))
	}
	return spot
}

// runEnd is where the entries of the address end in its leaf.
func (s *Spot) runEnd() int {
	if s.leaf.form == 0 {
		return s.from
	}
	return s.leaf.runEnd(s.shape.entryAt, s.from, s.low())
}

// Locate finds the spots of many addresses: what a query waits for is memory,
// and memory answers many requests in the time of one. So each step is done
// for all before the next is for any, and no loop that loads does anything
// else. spots must have room for all addresses.
func (s *Set) Locate(addrs []netip.Addr, spots []Spot) {
	spots = spots[:len(addrs)]
	for i, a := range addrs {
		spot := &spots[i]
		spot.addr, spot.leaf, spot.next, spot.wide = a, &noLeaf, 0, true
		if a.Is4() {
			spot.leaf = s.leafAt(v4(a))
		}
	}
	load(spots)
	for i := range spots {
		if spot := &spots[i]; spot.addr.Is4() {
			spot.wide = s.needsTree(spot.leaf, v4(spot.addr))
		}
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
	s.descend(spots)
}

// load fetches what each spot needs next.
func load(spots []Spot) {
	for i := range spots {
		if s := &spots[i]; s.next < len(s.leaf.slab) {
			s.near = s.leaf.slab[s.next]
		}
	}
}

// low is the low half of the address.
func (s *Spot) low() uint16 { return uint16(v4(s.addr)) }

// guide finds the guides in a crowded leaf; in any other they come first, or
// the blocks do.
func (s *Spot) guide() {
	if s.leaf.form == 0 {
		return
	}
	if s.shape = s.leaf.form.shape(); s.shape.guideAt > 0 {
		s.next = s.shape.guideAt + s.leaf.guides(s.low(), s.shape)
	}
}

func (s *Spot) chooseBlock() {
	if s.leaf.form == 0 {
		return
	}
	s.block = s.leaf.block(s.low(), s.shape)
	s.next = s.shape.entryAt + s.block*line
}

func (s *Spot) search() {
	if s.from = 0; s.leaf.form != 0 {
		s.from = s.leaf.within(s.block, s.low(), s.shape)
	}
}
