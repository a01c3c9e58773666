package db

import (
	"encoding/binary"
	"hash/maphash"

	"dnsbld/listing"
)

// attrs is what a source says of one subject. Few differ between the entries
// of a feed, so they stand in dictionaries. They are written as
//
//	flags · reason · since
//	until                       with attrUntil
//	public note, note, ticket   with attrTexts
//
// with times in whole seconds: an import takes its entries from files that know
// no finer ones. Attributes are compared as values to tell what an import
// changed, so what is left out and what is zero must be the same.
type attrs struct {
	since, until         int64 // Unix seconds; until 0: ends with its source
	reason               listing.Reason
	except               bool
	public, note, ticket string
}

// Flags of attributes.
const (
	attrExcept = 1 << iota
	attrUntil
	attrTexts
)

func encodeAttrs(b []byte, a *attrs) []byte {
	flags := byte(0)
	if a.except {
		flags |= attrExcept
	}
	if a.until != 0 {
		flags |= attrUntil
	}
	texts := a.public != "" || a.note != "" || a.ticket != ""
	if texts {
		flags |= attrTexts
	}
	b = binary.AppendVarint(append(b, flags, byte(a.reason)), a.since)
	if a.until != 0 {
		b = binary.AppendVarint(b, a.until)
	}
	if texts {
		b = appendText(appendText(appendText(b, a.public), a.note), a.ticket)
	}
	return b
}

func (r *reader) attrs() attrs {
	flags := r.byte()
	a := attrs{except: flags&attrExcept != 0, reason: listing.Reason(r.byte()), since: unzigzag(r.uvarint())}
	if flags&attrUntil != 0 {
		a.until = unzigzag(r.uvarint())
	}
	if flags&attrTexts != 0 {
		a.public, a.note, a.ticket = r.text(), r.text(), r.text()
	}
	return a
}

// decodeAttrs reads what encodeAttrs wrote.
func decodeAttrs(raw []byte) (attrs, error) {
	r := reader{b: raw}
	a := r.attrs()
	return a, r.err("entry of a source")
}

// entry is the entry of a source that the attributes describe. Its author and
// revision are the source's.
func (a *attrs) entry(s listing.Subject, from *listing.Source) listing.Entry {
	return listing.Entry{
		Key:    listing.Key{Subject: s, Reason: a.reason, Source: from.Name},
		Except: a.except, Since: instant(a.since), Until: instant(a.until), Origin: listing.ByImport,
		PublicNote: a.public, Note: a.note, Ticket: a.ticket, Actor: from.Actor, Revision: from.Revision,
	}
}

// better reports whether a stands where a feed says both a and b of one key,
// whatever their order: an exception before a listing, then what ends later,
// then what began earlier, then the greater text.
func (a *attrs) better(b *attrs) bool {
	switch {
	case a.except != b.except:
		return a.except
	case a.until != b.until:
		return a.until == 0 || (b.until != 0 && a.until > b.until)
	case a.since != b.since:
		return b.since == 0 || (a.since != 0 && a.since < b.since)
	case a.public != b.public:
		return a.public > b.public
	case a.note != b.note:
		return a.note > b.note
	}
	return a.ticket > b.ticket
}

// transition is what became different of one key.
type transition struct {
	before, after       attrs
	hasBefore, hasAfter bool
}

// encodeTransition writes which sides there are (1 before, 2 after), then the
// attributes of each.
func encodeTransition(b []byte, t *transition) []byte {
	flags := byte(0)
	if t.hasBefore {
		flags |= 1
	}
	if t.hasAfter {
		flags |= 2
	}
	b = append(b, flags)
	if t.hasBefore {
		b = encodeAttrs(b, &t.before)
	}
	if t.hasAfter {
		b = encodeAttrs(b, &t.after)
	}
	return b
}

func (r *reader) transition() transition {
	flags := r.byte()
	t := transition{hasBefore: flags&1 != 0, hasAfter: flags&2 != 0}
	if t.hasBefore {
		t.before = r.attrs()
	}
	if t.hasAfter {
		t.after = r.attrs()
	}
	return t
}

// dict numbers different values as they come. The index is by hash, so that it
// is small and holds no pointers: a feed in which every line has a text of its
// own has a million values.
type dict[T comparable] struct {
	list  []T
	index map[uint64]uint32
	seed  maphash.Seed
	last  uint32 // the number given last: runs of one value are the rule
}

func (d *dict[T]) id(v T) uint32 {
	if int(d.last) < len(d.list) && d.list[d.last] == v {
		return d.last
	}
	if d.index == nil {
		d.index, d.seed = map[uint64]uint32{}, maphash.MakeSeed()
	}
	for h := maphash.Comparable(d.seed, v); ; h++ { // the next of another value with this hash
		id, known := d.index[h]
		switch {
		case !known:
			id = uint32(len(d.list))
			d.list = append(d.list, v)
			d.index[h] = id
		case d.list[id] != v:
			continue
		}
		d.last = id
		return id
	}
}

func (d *dict[T]) reset() {
	d.list = d.list[:0]
	clear(d.index)
	d.last = 0
}

// width is how many bytes a number of a dictionary takes.
func width(size int) int {
	switch {
	case size <= 1:
		return 0
	case size <= 1<<8:
		return 1
	case size <= 1<<16:
		return 2
	case size <= 1<<24:
		return 3
	}
	return 4
}

// appendID writes the last octets of a number, the first of them first, so that
// items sort as their numbers do.
func appendID(b []byte, id uint32, width int) []byte {
	for n := width - 1; n >= 0; n-- {
		b = append(b, byte(id>>(8*n)))
	}
	return b
}

func readID(b []byte) uint32 {
	id := uint32(0)
	for _, c := range b {
		id = id<<8 | uint32(c)
	}
	return id
}
