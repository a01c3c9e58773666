package index

import (
	"net/netip"
	"slices"
)

// uncount takes the record of a class out of those at a prefix and out of the
// counts.
func (b *builder) uncount(p netip.Prefix, list *record, class uint16) *record {
	if r := list.find(class); r != nil {
		b.count(p, r.except, -1)
	}
	return list.without(class)
}

// count keeps the counts of entries that are not in leaves.
func (b *builder) count(p netip.Prefix, except bool, by int) {
	switch {
	case except:
		b.counts.exceptions += by
	case p.IsSingleIP():
		b.counts.hosts += by
	default:
		b.counts.prefixes += by
	}
}

// modifyWide changes the records at a prefix. A few changes copy their paths;
// many copy the table, then go on in place.
func (b *builder) modifyWide(p netip.Prefix, change func(*record) *record) {
	const few = 64
	b.wideOps++
	if !b.ownWide && b.wideOps > max(few, b.wide.Size()/16) {
		b.wide, b.ownWide = b.wide.Clone(), true
	}
	modify := func(old record, found bool) (record, bool) {
		var list *record
		if found {
			list = &old
		}
		next := change(list)
		if found != (next != nil) {
			b.coming(p, next != nil)
		}
		if next == nil {
			return record{}, true
		}
		return *next, false
	}
	if b.ownWide {
		b.wide.Modify(p, modify)
	} else {
		b.wide = b.wide.ModifyPersist(p, modify)
	}
}

// coming notes that a prefix comes into the table, or goes.
func (b *builder) coming(p netip.Prefix, comes bool) {
	switch {
	case !p.Addr().Is4():
	case p.Bits() >= 16:
		ip := v4(p.Addr())
		last := ip | uint32(uint64(1)<<(32-p.Bits())-1)
		b.dirty = append(b.dirty, ip&0xffff_0000|ip>>11&0x1f<<8|last>>11&0x1f)
	case comes:
		b.counts.short++
	default:
		b.counts.short--
	}
}

// mark brings the marks of leaves up to date with the prefix table.
func (b *builder) mark() {
	slices.Sort(b.dirty)
	for dirty := slices.Compact(b.dirty); len(dirty) > 0; {
		high, n := dirty[0]>>16, 1
		for n < len(dirty) && dirty[n]>>16 == high {
			n++
		}
		b.markLeaf(high, dirty[:n])
		dirty = dirty[n:]
	}
}

func (b *builder) markLeaf(high uint32, dirty []uint32) {
	was := b.leafAt(high << 16).marks
	marks := was
	for _, d := range dirty {
		for part := d >> 8 & 0xff; part <= d&0xff; part++ {
			marks &^= 1 << part
			if b.around(high<<16 | part<<11) {
				marks |= 1 << part
			}
		}
	}
	if marks != was {
		b.setMarks(high, marks)
	}
}

// around reports whether the prefix table has something of length 16 or more
// in or around a /21.
func (b *builder) around(ip uint32) bool {
	p := netip.PrefixFrom(addr4(ip), 21)
	if outer, _, ok := b.wide.LookupPrefixLPM(p); ok && outer.Bits() >= 16 {
		return true
	}
	for range b.wide.Subnets(p) {
		return true
	}
	return false
}
