package db

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"sort"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// Blocks also hold the prefixes and IPv6 subjects of a source: some hundred entries
// of one family each, in order of key, under the key of the first.
// A block is
//
//	octets of address in an item · a packed table (blocks.go)
//
// of whose items each is the address, without octets that are 0 in all of them, the
// length in bits, and the number of its attributes.

// netsMost is how many entries a block has at the most; one that has fewer than
// netsFew is joined to the next when either is written.
const (
	netsMost = 256
	netsFew  = netsMost / 4
)

// netKey is the key of an entry, with zeros behind that of an IPv4 subject.
type netKey [subjectLen6 + 1]byte

// onDisk is the key as it stands in the file.
func (k *netKey) onDisk() []byte {
	if k[0] == family4 {
		return k[:subjectLen4+1]
	}
	return k[:]
}

func netKeyOf(k listing.Key) (n netKey) {
	copy(n[:], entryKey(k))
	return n
}

// octets4 and octets6 are the octets of whole addresses.
const octets4, octets6 = 4, 16

func addressOctets(family byte) int {
	if family == family4 {
		return octets4
	}
	return octets6
}

// netTable is a packed table of entries of one family that are not IPv4 hosts, as it
// lies in the file.
type netTable struct {
	table
	family byte
	octets int // of address in an item
}

func openNetTable(family byte, raw []byte) (t netTable, err error) {
	if len(raw) == 0 || (family != family4 && family != family6) || int(raw[0]) > addressOctets(family) {
		return t, corruptf("packed entries")
	}
	t.family, t.octets = family, int(raw[0])
	t.table, err = openTable(raw[1:], t.octets+1)
	return t, err
}

// item is an item: its key without the reason, and the number of its value.
func (t *netTable) item(n int) (key netKey, id int) {
	item := t.items[n*t.size : (n+1)*t.size]
	key[0] = t.family
	copy(key[1:], item[:t.octets])
	key[1+addressOctets(t.family)] = item[t.octets]
	return key, int(readID(item[t.octets+1:]))
}

// subject is what an item is about.
func (t *netTable) subject(n int) (listing.Subject, error) {
	item := t.items[n*t.size:]
	var a [octets6]byte
	copy(a[:], item[:t.octets])
	addr, bits := netip.AddrFrom16(a), int(item[t.octets])
	if t.family == family4 {
		addr = netip.AddrFrom4([octets4]byte(a[:octets4]))
	}
	if bits > addr.BitLen() {
		return listing.Subject{}, corruptf("packed entries: %s/%d", addr, bits)
	}
	return listing.Subject{Prefix: netip.PrefixFrom(addr, bits)}, nil
}

// netTableBuilder makes such a table of entries that come in order.
type netTableBuilder[T comparable] struct {
	keys   []netKey
	values dict[T]
	ids    []uint32
	frame  []byte // scratch
}

func (b *netTableBuilder[T]) add(key *netKey, v T) {
	b.keys, b.ids = append(b.keys, *key), append(b.ids, b.values.id(v))
}

func (b *netTableBuilder[T]) reset() {
	b.values.reset()
	b.keys, b.ids = b.keys[:0], b.ids[:0]
}

// encode writes the table of what was added since reset.
func (b *netTableBuilder[T]) encode(out []byte, write func(*before, []byte, *T) []byte) []byte {
	whole, octets := addressOctets(b.keys[0][0]), 0
	for n := range b.keys {
		for octets < whole && !allZero(b.keys[n][1+octets:1+whole]) {
			octets++
		}
	}
	b.frame = b.values.encode(b.frame[:0], write)
	w := width(len(b.values.list))
	out = slices.Grow(out, 16+len(b.frame)+len(b.keys)*(octets+1+w)+sealSize)
	out = appendText(binary.AppendUvarint(append(out, byte(octets)), uint64(len(b.values.list))), b.frame)
	for n := range b.keys {
		k := &b.keys[n]
		out = append(append(out, k[1:1+octets]...), k[1+whole])
		out = appendID(out, b.ids[n], w)
	}
	return out
}

func allZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

// netBlock is a block as it lies in the file.
type netBlock struct {
	netTable
	values []attrs // by number
}

// open takes the block apart.
func (b *netBlock) open(key, sealed []byte) (err error) {
	if err = b.frame(key, sealed); err == nil {
		b.values, err = readDict(&b.table, b.values, (*reader).attrs)
	}
	return err
}

// frame is open without what is said.
func (b *netBlock) frame(key, sealed []byte) error {
	raw, err := unseal(key, sealed)
	if err == nil && len(key) == 0 {
		err = corruptf("block of entries without a key")
	}
	if err == nil {
		b.netTable, err = openNetTable(key[0], raw)
	}
	return err
}

// entry is the key of an entry, and its attributes.
func (b *netBlock) entry(n int) (k netKey, a *attrs, err error) {
	k, id := b.item(n)
	whole := addressOctets(b.family)
	if id >= len(b.values) || int(k[1+whole]) > 8*whole {
		return k, nil, corruptf("an entry in a block")
	}
	k[2+whole] = byte(b.values[id].reason)
	return k, &b.values[id], nil
}

// netBuilder collects entries that come in order, for blocks.
type netBuilder struct {
	entries []netEntry
	table   netTableBuilder[attrs]
}

type netEntry struct {
	key netKey
	attrs
}

// flush gives the blocks of what was collected, about equally full.
func (b *netBuilder) flush(each func(put) error) error {
	for from := 0; from < len(b.entries); {
		to := from
		for to < len(b.entries) && b.entries[to].key[0] == b.entries[from].key[0] {
			to++
		}
		n := to - from
		parts := (n + netsMost - 1) / netsMost
		for i := range parts {
			if err := each(b.block(b.entries[from+n*i/parts : from+n*(i+1)/parts])); err != nil {
				return err
			}
		}
		from = to
	}
	clear(b.entries)
	b.entries = b.entries[:0]
	return nil
}

// block is a block of entries of one family, sealed.
func (b *netBuilder) block(entries []netEntry) put {
	b.table.reset()
	for n := range entries {
		b.table.add(&entries[n].key, entries[n].attrs)
	}
	key := bytes.Clone(entries[0].key.onDisk())
	return put{key, seal(key, b.table.encode(nil, (*before).attrs))}
}

// cursor goes through what there is by the keys of entries. What it returns is good
// until the next call. It ends early where the file is damaged: err says so.
type cursor interface {
	First() (k, v []byte)
	Last() (k, v []byte)
	Next() (k, v []byte)
	Prev() (k, v []byte)
	Seek(key []byte) (k, v []byte)
	err() error
}

// keyCursor is that of a bucket with an entry a key.
type keyCursor struct{ *bolt.Cursor }

func (keyCursor) err() error { return nil }

// noCursor is that of what is not there.
type noCursor struct{}

func (noCursor) err() error                { return nil }
func (noCursor) First() (k, v []byte)      { return nil, nil }
func (noCursor) Last() (k, v []byte)       { return nil, nil }
func (noCursor) Next() (k, v []byte)       { return nil, nil }
func (noCursor) Prev() (k, v []byte)       { return nil, nil }
func (noCursor) Seek([]byte) (k, v []byte) { return nil, nil }

// netCursor is that of a bucket of blocks; values are encoded attributes.
type netCursor struct {
	blocks *bolt.Cursor
	block  netBlock
	n      int
	key    netKey
	value  []byte
	failed error
}

func (c *netCursor) err() error { return c.failed }

// at is the entry where the cursor stands.
func (c *netCursor) at() (k, v []byte) {
	if c.failed != nil {
		return nil, nil
	}
	var a *attrs
	if c.key, a, c.failed = c.block.entry(c.n); c.failed != nil {
		return nil, nil
	}
	c.value = encodeAttrs(c.value[:0], a)
	return c.key.onDisk(), c.value
}

// enter opens a block, to stand at its first entry or its last.
func (c *netCursor) enter(k, v []byte, last bool) ([]byte, []byte) {
	c.block.items, c.n = nil, 0
	if k == nil || c.failed != nil {
		return nil, nil
	}
	if c.failed = c.block.open(k, v); c.failed == nil && c.block.len() == 0 {
		c.failed = corruptf("block of no entries at %x", k)
	}
	if last {
		c.n = c.block.len() - 1
	}
	return c.at()
}

func (c *netCursor) First() (k, v []byte) {
	k, v = c.blocks.First()
	return c.enter(k, v, false)
}

func (c *netCursor) Last() (k, v []byte) {
	k, v = c.blocks.Last()
	return c.enter(k, v, true)
}

func (c *netCursor) Next() (k, v []byte) {
	if c.n++; c.n < c.block.len() {
		return c.at()
	}
	k, v = c.blocks.Next()
	return c.enter(k, v, false)
}

func (c *netCursor) Prev() (k, v []byte) {
	if c.n--; c.n >= 0 {
		return c.at()
	}
	k, v = c.blocks.Prev()
	return c.enter(k, v, true)
}

// Seek goes to the first entry whose key is not before one.
func (c *netCursor) Seek(key []byte) (k, v []byte) {
	k, v = c.blocks.Seek(key)
	if !bytes.Equal(k, key) { // the block before may hold it
		if k == nil {
			k, v = c.blocks.Last()
		} else {
			k, v = c.blocks.Prev()
		}
		if k == nil {
			return c.First()
		}
	}
	if first, _ := c.enter(k, v, false); first == nil {
		return nil, nil
	}
	c.n = sort.Search(c.block.len(), func(n int) bool {
		at, _, err := c.block.entry(n)
		if err != nil {
			c.failed = err
		}
		return bytes.Compare(at.onDisk(), key) >= 0
	})
	if c.n < c.block.len() {
		return c.at()
	}
	k, v = c.blocks.Next()
	return c.enter(k, v, false)
}
