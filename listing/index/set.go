// Package index is the served view of the list: what a query needs, held so
// that looking an address up takes no lock, no allocation and no disk.
//
// A Set is the list at one revision. It never changes: With makes the next one
// and shares with it all that stayed as it was, so whoever holds a Set may go
// on asking it. Live is the pointer to the newest.
//
// IPv4 hosts, the bulk of any list, lie in leaves of one /16 each, without a
// pointer among them: two octets an entry where all are of one class, four where
// they end with their source, else eight (leaf.go), and a bit for each address
// where two octets an entry would take more (bitmap.go). Whatever else there is lies
// in two trees, one a family, of packed blocks, 6 to 14 octets an entry: wider
// prefixes, IPv6, exceptions, and entries with a text of their own (tree.go,
// block.go). Reason, source and the end of the source are rows of one table that
// entries refer to by number (class.go), so that refreshing a source of a million
// entries alters one row. The texts of a source lie together and go with it
// (text.go).
//
// Invariants:
//
//   - An entry is in exactly one place, which follows from what it is: a leaf
//     or a tree (leafy).
//   - No entry is answered from the second of its end on, whether or not the
//     sweep has come by.
//   - A page that holds nothing is nil.
//   - A page knows of every /24 in or around which the tree has something of
//     length 16 or more, and of no other (wide.go).
//   - A block knows of every length of which an earlier block has a prefix that
//     holds its first place, and of no other.
package index

import (
	"net/netip"

	"dnsbld/listing"

	"github.com/gaissmai/bart"
)

// Set is the served view at one revision. It is immutable.
type Set struct {
	revision listing.Revision
	pages    [256]*page // hosts, by first octet
	nets4    *tree      // what is not in a leaf
	nets6    *tree
	allows   *bart.Table[uint32] // prefix to end, forever if it has none
	never    *bart.Lite          // of the configuration
	classes  *classes
	counts   counts
	short    [256]uint32 // entries of IPv4 prefixes of less than 16 bits, by the /8s in or around which they are
}

// page holds the leaves of one /8. The runtime puts a word before what is that
// large and has pointers; behind wide, no leaf therefore is in two cache lines.
type page struct {
	wide   []wides
	leaves [256]leaf
	due    [256]uint32 // first end that an entry of a leaf has of its own, forever if none has
	filled int         // leaves that are not empty, or have wides
}

// counts are kept as entries come and go.
type counts struct {
	hosts, prefixes, exceptions int
	slabs                       int64 // bytes of leaves
	pages                       int
	sources                     int
	wides                       int
	texts                       int64 // bytes of the entries' own texts
}

// NewSet is the empty list, revision 0.
func NewSet() *Set {
	return &Set{nets4: new(tree), nets6: new(tree), allows: new(bart.Table[uint32]), never: new(bart.Lite),
		classes: newClasses()}
}

// Revision is the last revision that is in the set.
func (s *Set) Revision() listing.Revision { return s.revision }

// With is the set after some more changes, in the order in which the store
// yields them. It fails only when there are more than 65,535 pairs of a source
// and a reason.
func (s *Set) With(changes []listing.Change) (*Set, error) {
	b := newBuilder(s)
	for n := range changes {
		b.fold(&changes[n])
	}
	return b.finish()
}

// Stats is how much a set holds.
type Stats struct {
	Hosts      int   // entries that list one address
	Prefixes   int   // entries that list more than one
	Exceptions int   // entries that take out of others
	Allows     int   // allow entries
	Sources    int   // imported feeds
	Bytes      int64 // memory, estimated
}

// bytesPerAllow is roughly what an allow entry costs: its node's share and what is kept for it.
const bytesPerAllow = 112

// Stats counts what the set holds, expired or not.
func (s *Set) Stats() Stats {
	c := s.counts
	return Stats{Hosts: c.hosts, Prefixes: c.prefixes, Exceptions: c.exceptions,
		Allows: s.allows.Size(), Sources: c.sources,
		Bytes: c.slabs + int64(c.pages)*pageBytes + int64(c.wides)*wideBytes + c.texts +
			s.nets4.bytes + s.nets6.bytes + int64(s.allows.Size())*bytesPerAllow}
}

// leafy reports whether an entry lies in a leaf: a listed IPv4 host without a
// text of its own.
func leafy(s listing.Subject, except bool, text string) bool {
	return !except && text == "" && s.Addr().Is4() && s.Bits() == 32
}

// noLeaf is what is where nothing is.
var noLeaf leaf

// leafAt is the leaf that holds an IPv4 address.
func (s *Set) leafAt(ip uint32) *leaf {
	if p := s.pages[ip>>24]; p != nil {
		return &p.leaves[ip>>16&0xff]
	}
	return &noLeaf
}

// hostPrefix is the prefix of one address.
func hostPrefix(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
