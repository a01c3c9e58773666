package db

import (
	"encoding/binary"
	"sort"
)

// Since version 6 what a revision changed in the IPv4 hosts of a /8 is told by the
// distances between them, so that a host of a long list costs one octet, and no more
// than three where there are few:
//
//	0 · number of values · the dictionary, with its length · number of items · guides · items
//
// An item is the distance to the address of the item before, a varint, and the number
// of its value, as in blocks.go. Of each gapsEvery items a guide has the three octets
// from which its first counts on, which are 0 in the first guide, and four that say
// where that item lies. A packed table, which stood here before, never begins with 0.
type gapTable struct {
	table
	guides []byte
	count  int

	next int    // the item that comes next
	rest []byte // from it on
	low  uint32 // of the item before it
	id   uint32 // … if that was read, else noValue
}

const (
	gapsEvery = 256
	guideSize = deltaLow + 4
	noValue   = 1<<32 - 1 // no dictionary has it
)

// openGaps reads the frame; the items stay where they are.
func openGaps(raw []byte) (*gapTable, error) {
	r := reader{b: raw[1:]}
	t := &gapTable{table: table{values: int(r.uvarint() & 0xffffffff), dict: r.bytes()}, count: r.count()}
	t.guides = r.take((t.count + gapsEvery - 1) / gapsEvery * guideSize)
	t.items, t.size = r.b, width(t.values)
	if r.bad || t.values > len(t.dict) || t.count > len(t.items) {
		return nil, corruptf("packed hosts")
	}
	t.rest, t.id = t.items, noValue
	return t, nil
}

func (t *gapTable) len() int { return t.count }

// guide is from which address a group of items counts on, and where it lies.
func (t *gapTable) guide(group int) (low, at uint32) {
	g := t.guides[group*guideSize:]
	return readID(g[:deltaLow]), readID(g[deltaLow:guideSize])
}

// enter goes to the beginning of a group.
func (t *gapTable) enter(group int) {
	low, at := t.guide(group)
	t.next, t.low, t.id, t.rest = group*gapsEvery, low, noValue, t.items[min(int(at), len(t.items)):]
}

// at is an item; one after the other costs least. Of one that is damaged the value is
// none that there is.
func (t *gapTable) at(n int) (low, id uint32) {
	if n == t.next-1 && t.id != noValue {
		return t.low, t.id
	}
	if n < t.next || n >= t.next+gapsEvery {
		t.enter(n / gapsEvery)
	}
	for t.next <= n {
		gap, size := binary.Uvarint(t.rest)
		if size <= 0 || len(t.rest) < size+t.size || gap > 1<<(8*deltaLow)-1-uint64(t.low) {
			t.enter(n / gapsEvery)
			return t.low, noValue
		}
		t.low += uint32(gap)
		t.id = readID(t.rest[size : size+t.size])
		t.rest = t.rest[size+t.size:]
		t.next++
	}
	return t.low, t.id
}

// find gives the items of one address.
func (t *gapTable) find(low uint32) (from, to int) {
	groups := len(t.guides) / guideSize
	group := sort.Search(groups, func(n int) bool { from, _ := t.guide(n); return from >= low })
	is := func(n int) uint32 { low, _ := t.at(n); return low }
	for from = max(group-1, 0) * gapsEvery; from < min(t.count, group*gapsEvery) && is(from) < low; from++ {
	}
	for to = from; to < t.count && is(to) == low; to++ {
	}
	return from, to
}

// encodeGaps is the delta of what was added since reset.
func (b *tableBuilder[T]) encodeGaps(write func(*before, []byte, *T) []byte) []byte {
	b.frame = b.values.encode(b.frame[:0], write)
	w, low := width(len(b.values.list)), uint32(0)
	var guides, items []byte
	for n, next := range b.lows {
		if n%gapsEvery == 0 {
			guides = appendID(appendID(guides, low, deltaLow), uint32(len(items)), guideSize-deltaLow)
		}
		items = appendID(binary.AppendUvarint(items, uint64(next-low)), b.ids[n], w)
		low = next
	}
	out := make([]byte, 0, 32+len(b.frame)+len(guides)+len(items))
	out = appendText(binary.AppendUvarint(append(out, 0), uint64(len(b.values.list))), b.frame)
	out = append(binary.AppendUvarint(out, uint64(len(b.lows))), guides...)
	return append(out, items...)
}
