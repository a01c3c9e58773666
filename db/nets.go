package db

import (
	"bytes"
	"encoding/binary"
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

// netBlock is a block as it lies in the file.
type netBlock struct {
	table
	family byte
	octets int      // of address in an item
	values [][]byte // encoded attributes, by number
}

func (b *netBlock) open(key, sealed []byte) error {
	raw, err := unseal(key, sealed)
	if err != nil {
		return err
	}
	if len(key) == 0 || len(raw) == 0 || (key[0] != family4 && key[0] != family6) || int(raw[0]) > addressOctets(key[0]) {
		return corruptf("block of entries at %x", key)
	}
	b.family, b.octets = key[0], int(raw[0])
	if b.table, err = openTable(raw[1:], b.octets+1); err != nil {
		return err
	}
	r := reader{b: b.dict}
	b.values = b.values[:0]
	for range b.table.values {
		b.values = append(b.values, r.skipAttrs())
	}
	return r.err("dictionary of a block")
}

// item is the address and length of an entry as they stand, and its attributes,
// encoded.
func (b *netBlock) item(n int) (subject, attrs []byte, err error) {
	item := b.items[n*b.size : (n+1)*b.size]
	id := int(readID(item[b.octets+1:]))
	if id >= len(b.values) || int(item[b.octets]) > 8*addressOctets(b.family) {
		return nil, nil, corruptf("an entry in a block")
	}
	return item[:b.octets+1], b.values[id], nil
}

// entry is the key of an entry, and its attributes.
func (b *netBlock) entry(n int) (k netKey, attrs []byte, err error) {
	subject, attrs, err := b.item(n)
	if err != nil {
		return k, nil, err
	}
	whole := addressOctets(b.family)
	k[0] = b.family
	copy(k[1:], subject[:b.octets])
	k[1+whole], k[2+whole] = subject[b.octets], attrs[1]
	return k, attrs, nil
}

// skipAttrs is one entry's attributes as they are encoded: the second octet is the
// reason.
func (r *reader) skipAttrs() []byte {
	start := r.b
	flags := r.take(2)[0]
	r.uvarint()
	if flags&attrUntil != 0 {
		r.uvarint()
	}
	if flags&attrTexts != 0 {
		r.bytes()
		r.bytes()
		r.bytes()
	}
	if r.bad {
		return nil
	}
	return start[:len(start)-len(r.b)]
}

// netBuilder collects entries that come in order, for blocks.
type netBuilder struct {
	entries []netEntry
	values  dict[attrs]
	frame   []byte // scratch
}

type netEntry struct {
	key netKey
	attrs
}

// flush adds the blocks of what was collected, about equally full.
func (b *netBuilder) flush(puts *[]put) {
	for from := 0; from < len(b.entries); {
		to := from
		for to < len(b.entries) && b.entries[to].key[0] == b.entries[from].key[0] {
			to++
		}
		n := to - from
		parts := (n + netsMost - 1) / netsMost
		for i := range parts {
			*puts = append(*puts, b.block(b.entries[from+n*i/parts:from+n*(i+1)/parts]))
		}
		from = to
	}
	clear(b.entries)
	b.entries = b.entries[:0]
}

// block is a block of entries of one family, sealed.
func (b *netBuilder) block(entries []netEntry) put {
	key := bytes.Clone(entries[0].key.onDisk())
	whole, octets := addressOctets(key[0]), 0
	b.values.reset()
	b.frame = b.frame[:0]
	for n := range entries {
		e := &entries[n]
		for octets < whole && !allZero(e.key[1+octets:1+whole]) {
			octets++
		}
		if known := len(b.values.list); int(b.values.id(e.attrs)) == known {
			b.frame = encodeAttrs(b.frame, &e.attrs)
		}
	}
	w := width(len(b.values.list))
	out := make([]byte, 0, 16+len(b.frame)+len(entries)*(octets+1+w)+sealSize)
	out = appendText(binary.AppendUvarint(append(out, byte(octets)), uint64(len(b.values.list))), b.frame)
	for n := range entries {
		e := &entries[n]
		out = append(append(out, e.key[1:1+octets]...), e.key[1+whole])
		out = appendID(out, b.values.id(e.attrs), w)
	}
	return put{key, seal(key, out)}
}

func allZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

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
	failed error
}

func (c *netCursor) err() error { return c.failed }

// at is the entry where the cursor stands.
func (c *netCursor) at() (k, v []byte) {
	if c.failed != nil {
		return nil, nil
	}
	c.key, v, c.failed = c.block.entry(c.n)
	if c.failed != nil {
		return nil, nil
	}
	return c.key.onDisk(), v
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
