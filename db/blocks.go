package db

import (
	"encoding/binary"
	"sort"
)

// A packed table holds what is known of many IPv4 hosts that share the first
// octets of their address, in order of address, then reason:
//
//	number of values · length of the dictionary · the dictionary · items
//
// An item is the rest of the address and the number of its value, which takes
// 0 to 4 bytes as the dictionary needs. Blocks of a source share two octets
// and have attributes as values: a feed's host costs two or three bytes.
// Deltas share one octet and have transitions as values.
type table struct {
	values int    // in the dictionary
	dict   []byte // encoded
	items  []byte
	low    int // bytes of address in an item
	size   int // bytes of an item
}

const (
	blockLow = 2 // low octets in an item of a block
	deltaLow = 3 // … of a delta
)

// openTable reads the frame of a table; the items stay where they are.
func openTable(raw []byte, low int) (table, error) {
	r := reader{b: raw}
	t := table{values: int(r.uvarint() & 0xffffffff), dict: r.bytes(), low: low}
	t.items, t.size = r.b, low+width(t.values)
	if r.bad || t.values > len(t.dict) || len(t.items)%t.size != 0 {
		return table{}, corruptf("packed hosts")
	}
	return t, nil
}

// len is how many items there are, none in the zero table.
func (t *table) len() int {
	if t.size == 0 {
		return 0
	}
	return len(t.items) / t.size
}

// at is an item: the low octets of its address and the number of its value.
func (t *table) at(n int) (low, id uint32) {
	item := t.items[n*t.size : (n+1)*t.size]
	return readID(item[:t.low]), readID(item[t.low:])
}

// find gives the items of one address.
func (t *table) find(low uint32) (from, to int) {
	from = sort.Search(t.len(), func(n int) bool {
		return readID(t.items[n*t.size:n*t.size+t.low]) >= low
	})
	for to = from; to < t.len(); to++ {
		if at, _ := t.at(to); at != low {
			break
		}
	}
	return from, to
}

// readDict decodes the dictionary of a table, into space that is used again.
func readDict[T any](t *table, into []T, read func(*reader) T) ([]T, error) {
	into = into[:0]
	r := reader{b: t.dict}
	for range t.values {
		into = append(into, read(&r))
	}
	return into, r.err("dictionary of packed hosts")
}

// value decodes one value of the dictionary.
func value[T any](t *table, id uint32, read func(*reader) T) (v T, err error) {
	r := reader{b: t.dict}
	if int(id) >= t.values {
		return v, corruptf("packed hosts refer to value %d of %d", id, t.values)
	}
	for range id + 1 {
		v = read(&r)
	}
	if r.bad {
		return v, corruptf("dictionary of packed hosts")
	}
	return v, nil
}

// tableBuilder makes a table of items that come in order.
type tableBuilder[T comparable] struct {
	low    int
	values dict[T]
	lows   []uint32
	ids    []uint32
	frame  []byte // scratch
}

func (b *tableBuilder[T]) add(low uint32, v T) {
	b.lows, b.ids = append(b.lows, low), append(b.ids, b.values.id(v))
}

func (b *tableBuilder[T]) empty() bool { return len(b.lows) == 0 }

func (b *tableBuilder[T]) reset() {
	b.values.reset()
	b.lows, b.ids = b.lows[:0], b.ids[:0]
}

// encode is the table of what was added since reset.
func (b *tableBuilder[T]) encode(write func(*before, []byte, *T) []byte) []byte {
	b.frame = b.values.encode(b.frame[:0], write)
	w := width(len(b.values.list))
	out := make([]byte, 0, 12+len(b.frame)+len(b.lows)*(b.low+w))
	out = binary.AppendUvarint(out, uint64(len(b.values.list)))
	out = appendText(out, b.frame)
	for n, low := range b.lows {
		out = appendID(appendID(out, low, b.low), b.ids[n], w)
	}
	return out
}

// hostKey is the key of the block that holds a host.
func hostKey(v4 uint32) []byte { return []byte{byte(v4 >> 24), byte(v4 >> 16)} }

// blockBase is the first address of the block with a key.
func blockBase(key []byte) (uint32, error) {
	if len(key) != 2 {
		return 0, corruptf("block key %x", key)
	}
	return uint32(key[0])<<24 | uint32(key[1])<<16, nil
}

// findHost looks up one host in the block that would hold it.
func findHost(block []byte, v4 uint32, each func(*attrs)) error {
	if block == nil {
		return nil
	}
	block, err := unseal(hostKey(v4), block)
	if err != nil {
		return err
	}
	t, err := openTable(block, blockLow)
	if err != nil {
		return err
	}
	from, to := t.find(v4 & 0xffff)
	for n := from; n < to; n++ {
		_, id := t.at(n)
		a, err := value(&t, id, (*reader).attrs)
		if err != nil {
			return err
		}
		each(&a)
	}
	return nil
}

// blockReader decodes one block after the other.
type blockReader struct {
	table
	base  uint32
	attrs []attrs
}

func (r *blockReader) open(key, raw []byte) (err error) {
	if r.base, err = blockBase(key); err != nil {
		return err
	}
	if raw, err = unseal(key, raw); err != nil {
		return err
	}
	if r.table, err = openTable(raw, blockLow); err != nil {
		return err
	}
	r.attrs, err = readDict(&r.table, r.attrs, (*reader).attrs)
	return err
}

// host is an item: its address and what is said of it.
func (r *blockReader) host(n int) (uint32, *attrs, error) {
	low, id := r.at(n)
	if int(id) >= len(r.attrs) {
		return 0, nil, corruptf("block %v refers to value %d of %d", hostSubject(r.base), id, len(r.attrs))
	}
	return r.base | low, &r.attrs[id], nil
}
