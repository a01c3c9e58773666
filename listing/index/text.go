package index

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strings"
	"sync/atomic"
	"unsafe"
)

// Text is a text that an entry has of its own, in the pieces in which it lies in
// memory, so that a lookup need not put them together. The zero Text is none.
type Text struct {
	Head, Tail string
	Template   bool // an octet of 0 stands for the subject of the entry
}

// IsZero reports whether there is no text.
func (t *Text) IsZero() bool { return len(t.Head)+len(t.Tail) == 0 }

// Of is the text as the entry at a prefix has it. It allocates.
func (t *Text) Of(p netip.Prefix) string {
	text := t.Head + t.Tail
	if !t.Template {
		return text
	}
	var room [64]byte
	return strings.ReplaceAll(text, "\x00", string(appendSubject(room[:0], p)))
}

// is reports whether the text has the octets of another.
func (t *Text) is(text string, template bool) bool {
	n := len(t.Head)
	return t.Template == template && len(text) == n+len(t.Tail) && text[:n] == t.Head && text[n:] == t.Tail
}

// appendSubject writes a prefix as listing.Subject.Text does.
func appendSubject(b []byte, p netip.Prefix) []byte {
	if p.IsSingleIP() {
		return p.Addr().AppendTo(b)
	}
	return p.AppendTo(b)
}

// template is a text with an octet of 0 in place of its subject, if it names
// that: so the texts that a feed makes of one template are one text.
func template(text string, subject []byte) (string, bool) {
	words := unsafe.String(&subject[0], len(subject)) // as long as nobody writes there
	if !strings.Contains(text, words) || strings.IndexByte(text, 0) >= 0 {
		return text, false
	}
	return strings.ReplaceAll(text, words, "\x00"), true
}

// texts are the texts that entries of one source have of their own. An entry
// refers to one by number: which chunk in the upper half, where in it in the
// lower. There stands
//
//	4 × length of what follows + 2 if it is a template + 1 if it has a head, a varint
//	number of a text without a head, and how many of its octets are the head:
//	  four octets and one, if it has one
//	the text, or what comes behind its head
//
// Texts never change; the zero texts are none, and number 0 is no text.
type texts struct {
	chunks []*textChunk
	used   uint32    // of the last chunk, as far as these texts go
	bytes  int64     // of all texts, whether or not an entry refers to them
	refs   int       // entries that refer to one
	drops  int       // entries that did, since the texts were last moved
	heads  [4]uint32 // the last texts without a head: others may begin alike
	next   uint8     // of heads that goes when there is another
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
	headSize   = 5       // octets that say where a head is
	leastHead  = 12      // octets that make that worth while

	hasHead    = 1
	isTemplate = 2
)

// at is the text with a number.
func (t *texts) at(number uint32) (text Text) {
	if number == 0 {
		return Text{}
	}
	raw := t.chunks[number>>16].buf[number&0xffff:]
	kind, size := binary.Uvarint(raw)
	raw = raw[size:]
	text.Template = kind&isTemplate != 0
	if kind&hasHead != 0 {
		text.Head = t.at(binary.LittleEndian.Uint32(raw)).Tail[:raw[4]]
		raw = raw[headSize:]
	}
	if n := kind >> 2; n > 0 {
		text.Tail = unsafe.String(&raw[0], n)
	}
	return text
}

// add keeps a text and gives its number, or 0 if there are too many of them.
func (t *texts) add(text string, template bool) uint32 {
	text = text[:min(len(text), longest)]
	head, shared := t.head(text)
	kind := uint64(len(text)-shared) << 2
	if template {
		kind |= isTemplate
	}
	if shared > 0 {
		kind |= hasHead
	}
	var record [binary.MaxVarintLen64 + headSize]byte
	n := binary.PutUvarint(record[:], kind)
	if shared > 0 {
		binary.LittleEndian.PutUint32(record[n:], head)
		record[n+4] = byte(shared)
		n += headSize
	}
	number := t.put(record[:n], text[shared:])
	if shared == 0 && number != 0 {
		t.heads[t.next%uint8(len(t.heads))] = number
		t.next++
	}
	return number
}

// head is a text without a head that a text begins like, and how far: the last one
// that has half of it in common. What has less is to be a head itself.
func (t *texts) head(text string) (head uint32, shared int) {
	for i := range uint8(len(t.heads)) {
		number := t.heads[(t.next-1-i)%uint8(len(t.heads))]
		if number == 0 {
			continue
		}
		other, n := t.at(number).Tail, 0
		for most := min(len(other), len(text), math.MaxUint8); n < most && other[n] == text[n]; n++ {
		}
		if n >= leastHead && 2*n >= len(text) {
			return number, n
		}
	}
	return 0, 0
}

// put writes a text behind what is said of it.
func (t *texts) put(record []byte, text string) uint32 {
	need := uint32(len(record) + len(text))
	if len(t.chunks) == 0 || !t.claim(need) {
		if len(t.chunks) > math.MaxUint16 {
			return 0
		}
		t.grow(need)
	}
	last := len(t.chunks) - 1
	at := t.used - need
	c := t.chunks[last]
	copy(c.buf[at:], record)
	copy(c.buf[int(at)+len(record):], text)
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
