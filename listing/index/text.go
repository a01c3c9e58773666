package index

import (
	"encoding/binary"
	"math"
	"sync/atomic"
	"unsafe"
)

// texts are the texts that entries of one source have of their own. An entry
// refers to one by number: which chunk in the upper half, where in it in the
// lower. There a text stands behind its length, a varint. Texts never change;
// the zero texts are none, and number 0 is no text.
type texts struct {
	chunks []*textChunk
	used   uint32 // of the last chunk, as far as these texts go
	bytes  int64  // of all texts, whether or not an entry refers to them
	refs   int    // entries that refer to one
	drops  int    // entries that did, since the texts were last moved
}

// textChunk is filled from the front. Whoever raises used owns what lies
// between, so that two that go on from the same texts do not write into each
// other's.
type textChunk struct {
	used atomic.Uint32
	buf  []byte
}

const (
	firstChunk = 1 << 12
	lastChunk  = 1 << 16
	longest    = 1 << 15 // of a text
)

// at is the text with a number.
func (t *texts) at(number uint32) string {
	if number == 0 {
		return ""
	}
	raw := t.chunks[number>>16].buf[number&0xffff:]
	n, size := binary.Uvarint(raw)
	return unsafe.String(&raw[size], n)
}

// add keeps a text and gives its number, or 0 if there are too many of them.
func (t *texts) add(text string) uint32 {
	text = text[:min(len(text), longest)]
	need := uint32(len(text) + binary.MaxVarintLen16)
	if len(t.chunks) == 0 || !t.claim(need) {
		if len(t.chunks) > math.MaxUint16 {
			return 0
		}
		t.grow(need)
	}
	last := len(t.chunks) - 1
	at := t.used - need
	c := t.chunks[last]
	n := binary.PutUvarint(c.buf[at:], uint64(len(text)))
	copy(c.buf[int(at)+n:], text)
	t.bytes += int64(need)
	return uint32(last)<<16 | at
}

// claim takes some octets of the last chunk, if it has them.
func (t *texts) claim(need uint32) bool {
	c := t.chunks[len(t.chunks)-1]
	if int(t.used+need) > len(c.buf) || !c.used.CompareAndSwap(t.used, t.used+need) {
		return false
	}
	t.used += need
	return true
}

// grow begins a chunk, of which some octets are taken. Its first octet stays
// unused: there is no number 0.
func (t *texts) grow(need uint32) {
	size := lastChunk
	if n := len(t.chunks); n < 4 {
		size = firstChunk << n
	}
	c := &textChunk{buf: make([]byte, max(size, int(need)+1))}
	t.chunks = append(t.chunks[:len(t.chunks):len(t.chunks)], c)
	t.used = 1 + need
	c.used.Store(t.used)
}

// refer notes that so many more entries refer to a text.
func (t *texts) refer(by int) {
	t.refs += by
	t.drops -= min(by, 0)
}

// wasteful reports whether the texts are worth being copied to a smaller place:
// perhaps half of them belong to no entry any more.
func (t *texts) wasteful() bool { return t.refs == 0 || (t.bytes > lastChunk && t.drops > t.refs) }

// size is the memory they take.
func (t *texts) size() (n int64) {
	for _, c := range t.chunks {
		n += int64(len(c.buf))
	}
	return n
}
