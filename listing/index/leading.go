package index

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"dnsbld/listing"
)

// leading is a text that others of a block begin like. They come into the texts of
// their source as they lie in the store, without being compared with others.
type leading struct {
	text   string
	number uint32 // 0: there is none
	head   uint32 // what it begins like itself, else its own number
	shared int    // … and how far
	needle string // what all subjects of the block have in them; empty: not known
	named  bool   // the text has that in it
}

// needle is how the addresses of the hosts of a block begin. Behind it come two more
// numbers and one more dot.
func needle(block *listing.Block) string {
	if len(block.Hosts) == 0 {
		return ""
	}
	b := append(strconv.AppendUint(make([]byte, 0, len("255.255.")), uint64(block.Net>>24), 10), '.')
	return string(append(strconv.AppendUint(b, uint64(block.Net>>16&0xff), 10), '.'))
}

// lead gives the number of a text of a block, unless it may name its subject. The
// rest of one that begins like another has a dot then, or the other the needle: an
// address that begins in one and ends in the other has its dots somewhere.
func (b *builder) lead(row uint16, l *leading, s *listing.Said) (number uint32, named bool) {
	begins := s.Head == "" || !strings.HasPrefix(l.text, s.Head) // the block may lack what Head was taken from
	if begins {
		text := s.Head + s.Text
		named = l.needle == "" || strings.Contains(text, l.needle)
		*l = leading{text: text, needle: l.needle, named: named}
	} else {
		named = l.named || strings.IndexByte(s.Text, '.') >= 0
	}
	if named {
		return 0, true
	}
	have := b.latelyOf(row)
	switch {
	case begins:
		number = have.number(l.text, false)
		l.number = number
		l.head, l.shared = have.texts.headOf(number)
	case l.number == 0:
		number = have.number(s.Head+s.Text, false)
	case len(s.Head) <= l.shared:
		number = have.behind(l.head, len(s.Head), "", s.Text)
	default:
		number = have.behind(l.head, l.shared, l.text[l.shared:len(s.Head)], s.Text)
	}
	return number, false
}

// headOf is what a text begins like, and how far: itself, if no other.
func (t *texts) headOf(number uint32) (head uint32, shared int) {
	if number == 0 {
		return 0, 0
	}
	raw := t.chunks[number>>16].buf[number&0xffff:]
	kind, size := binary.Uvarint(raw)
	if kind&hasHead != 0 {
		return binary.LittleEndian.Uint32(raw[size:]), int(raw[size+4])
	}
	return number, min(int(kind>>2), math.MaxUint8)
}

// behind is the number of a text that begins like another and goes on with two
// pieces.
func (l *lately) behind(head uint32, shared int, more, rest string) uint32 {
	if len(more)+len(rest) > longest {
		rest = rest[:longest-len(more)]
	}
	record := binary.AppendUvarint(l.record[:0], uint64(len(more)+len(rest))<<2|hasHead)
	record = append(binary.LittleEndian.AppendUint32(record, head), byte(shared))
	record = append(append(record, more...), rest...)
	l.record = record
	number := l.slot(record)
	if *number == 0 || !l.texts.isRecord(*number, record) {
		*number = l.texts.put(record, "")
	}
	return *number
}

// isRecord reports whether the texts have a record at a number.
func (t *texts) isRecord(number uint32, record []byte) bool {
	raw := t.chunks[number>>16].buf[number&0xffff:]
	return len(raw) >= len(record) && string(raw[:len(record)]) == string(record)
}
