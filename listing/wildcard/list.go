package wildcard

import (
	"iter"
	"net/netip"
	"slices"

	"dnsbld/listing"
)

// Answer is one reason for which an address is listed. Prefix and Text are the
// entry's, which TXT tells.
type Answer struct {
	Reason listing.Reason
	Prefix netip.Prefix
	Text   string
}

// Answers are all reasons of an address, strongest first. With none it is not
// listed.
type Answers []Answer

// List is a list at one moment. Its prefixes are canonical (listing.Canonical).
type List interface {
	// Inside yields the prefixes at which answers may change: p itself and
	// those inside p, by address, of one address the wider first.
	Inside(p netip.Prefix) iter.Seq[netip.Prefix]

	// Says is what the addresses of p answer that are in no prefix inside p.
	Says(p netip.Prefix) Answers
}

// Fixed are names that exist by other records than the list's, each relative to
// the zone and only those whose last label could be of an address. A true one is
// the apex of another zone: nothing is rendered at it or below.
type Fixed map[string]bool

// Names are what a zone has for a list.
type Names struct {
	List  List
	Fixed Fixed
	Exact netip.Prefix // an IPv4 /24 without a wildcard; the zero prefix: none
}

// Owner is a name, relative to the zone, with what it answers: "7.2.0.192", or
// "*.2.0.192". Without answers it owns a marker.
type Owner struct {
	Name string
	Says Answers
}

func same(a, b Answers) bool { return slices.Equal(a, b) }

// cursor goes through the prefixes of one family in order.
type cursor struct {
	list  List
	next  func() (netip.Prefix, bool)
	stop  func()
	ahead netip.Prefix // not yet opened; invalid: none
	open  []region     // each inside the one before
}

type region struct {
	netip.Prefix
	says Answers
}

// newCursor begins at a block; without one it has nothing.
func newCursor(l List, at netip.Prefix) *cursor {
	c := &cursor{list: l, stop: func() {}}
	if at.IsValid() {
		c.open = []region{{at, l.Says(at)}}
	}
	if at.IsValid() && !at.IsSingleIP() { // in which there is nothing but itself
		c.next, c.stop = iter.Pull(l.Inside(at))
		c.advance()
	}
	return c
}

func (c *cursor) advance() { c.ahead, _ = c.next() }

// at moves to a block and gives what it says. Blocks are visited in order, and
// none that has prefixes inside is left out.
func (c *cursor) at(b netip.Prefix) Answers {
	for len(c.open) > 1 && !c.open[len(c.open)-1].Contains(b.Addr()) {
		c.open = c.open[:len(c.open)-1]
	}
	for c.ahead.IsValid() && c.ahead.Bits() <= b.Bits() && c.ahead.Contains(b.Addr()) {
		c.open = append(c.open, region{c.ahead, c.list.Says(c.ahead)})
		c.advance()
	}
	return c.open[len(c.open)-1].says
}

// inside reports whether a prefix inside a block is ahead.
func (c *cursor) inside(b netip.Prefix) bool {
	return c.ahead.IsValid() && b.Contains(c.ahead.Addr())
}

// skip passes over a block.
func (c *cursor) skip(b netip.Prefix) {
	for c.inside(b) {
		c.advance()
	}
}

// from is the first child of a block, counted from i on, that may say something
// other than the block's wildcard; all if there is none. The cursor stays.
func (c *cursor) from(b block, f family, i, all int, inner Answers) int {
	own := b.of(f)
	for ; i < all; i++ {
		child := b.child(f, i)
		around := c.around(child)
		if (c.ahead.IsValid() && c.ahead.Overlaps(child)) || !same(around.says, inner) {
			return i
		}
		if around.Bits() > own.Bits() {
			continue // it ends within the block
		}
		if !c.inside(own) {
			return all
		}
		i = max(i, b.index(f, c.ahead.Addr())-1)
	}
	return all
}

// around is the narrowest open prefix that holds a block.
func (c *cursor) around(b netip.Prefix) region {
	n := len(c.open) - 1
	for n > 0 && !c.open[n].Contains(b.Addr()) {
		n--
	}
	return c.open[n]
}
