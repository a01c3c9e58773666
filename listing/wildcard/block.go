package wildcard

import (
	"net/netip"
	"strconv"
)

// family is that of a prefix.
type family uint8

const (
	v4 family = iota
	v6
	families
)

// Labels of an address by family: how many bits one is, how many there are.
var (
	labelBits = [families]int{8, 4}
	depths    = [families]int{4, 32}
)

// block is a name that can be the end of an address's name, and what it covers:
// a prefix of one family, or one of both where all labels are digits.
type block struct {
	name  string // "2.0.192"; empty: the zone's own
	depth int    // labels
	v4    netip.Prefix
	v6    netip.Prefix
}

func apex() block {
	return block{v4: netip.PrefixFrom(netip.IPv4Unspecified(), 0), v6: netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
}

func (b *block) of(f family) netip.Prefix {
	if f == v4 {
		return b.v4
	}
	return b.v6
}

// whole reports whether the name is that of an address of the family.
func (b *block) whole(f family) bool { return b.of(f).IsValid() && b.depth == depths[f] }

// below reports whether names below can be of addresses of the family.
func (b *block) below(f family) bool { return b.of(f).IsValid() && b.depth < depths[f] }

// child is one of the blocks that a label more makes.
func (b *block) child(f family, i int) netip.Prefix {
	p, bits := b.of(f), labelBits[f]
	at := b.depth * bits
	if f == v4 {
		a := p.Addr().As4()
		a[at/8] = byte(i)
		return netip.PrefixFrom(netip.AddrFrom4(a), at+bits)
	}
	a := p.Addr().As16()
	a[at/8] |= byte(i) << (4 - at%8)
	return netip.PrefixFrom(netip.AddrFrom16(a), at+bits)
}

// index says in which child an address lies.
func (b *block) index(f family, a netip.Addr) int {
	if f == v4 {
		quad := a.As4()
		return int(quad[b.depth])
	}
	nibbles := a.As16()
	return int(nibbles[b.depth/2]>>(4*(1-b.depth%2))) & 15
}

// enter is the block of a label: an octet, or from 256 on the letters of
// nibbles.
func (b *block) enter(label int) block {
	text := strconv.Itoa(label)
	if label >= letters {
		text = strconv.FormatInt(int64(label-letters+10), 16)
	}
	c := block{name: text, depth: b.depth + 1}
	if b.name != "" {
		c.name += "." + b.name
	}
	if b.below(v4) && label < letters {
		c.v4 = b.child(v4, label)
	}
	if n, ok := nibble(label); ok && b.below(v6) {
		c.v6 = b.child(v6, n)
	}
	return c
}

// Labels in the order of a walk: 0 to 255, then a to f.
const (
	letters = 256
	labels  = letters + 6
)

// nibble is the value of a label as a hexadecimal digit, if it is one.
func nibble(label int) (value int, ok bool) {
	if label >= letters {
		return label - letters + 10, true
	}
	return label, label < 10
}

// labelOf is the label of a child of a block.
func labelOf(f family, i int) int {
	if f == v6 && i >= 10 {
		return i - 10 + letters
	}
	return i
}

// path are the blocks from the apex down to that of an aligned prefix.
func path(p netip.Prefix) []block {
	f := familyOf(p)
	all := []block{apex()}
	for n := range p.Bits() / labelBits[f] {
		b := &all[n]
		all = append(all, b.enter(labelOf(f, b.index(f, p.Addr()))))
	}
	return all
}

func familyOf(p netip.Prefix) family {
	if p.Addr().Is4() {
		return v4
	}
	return v6
}

// aligned are the blocks that a prefix consists of.
func aligned(p netip.Prefix) (all []netip.Prefix) {
	size := labelBits[familyOf(p)]
	missing := (size - p.Bits()%size) % size
	wide := netip.PrefixFrom(p.Addr(), p.Bits()/size*size).Masked()
	if missing == 0 {
		return []netip.Prefix{p}
	}
	b := block{depth: wide.Bits() / size, v4: wide, v6: wide}
	first := b.index(familyOf(p), p.Addr())
	for i := range 1 << missing {
		all = append(all, b.child(familyOf(p), first+i))
	}
	return all
}
