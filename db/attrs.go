package db

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"strings"

	"dnsbld/listing"
)

// attrs is what a source says of one subject. Few differ between the entries
// of a feed, so they stand in dictionaries. They are written as
//
//	flags
//	reason · since              unless attrAgain: those of the one before
//	until                       with attrUntil, and not attrAgain
//	public note, note, ticket   with attrTexts
//	public note                 with attrPublic; with attrHead how many octets it
//	                            shares with the head, and the rest
//
// with times in whole seconds: an import takes its entries from files that know
// no finer ones. What comes before is what the same dictionary has before, and the
// head its last public note that stands whole with attrPublic. Before version 5
// there were three flags. Attributes are compared as values to tell what an import
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
	attrPublic
	attrHead
	attrAgain
)

// before is what attributes of a dictionary may refer to. The zero value is that at
// its beginning.
type before struct {
	life
	any  bool // there is one
	head string
}

// life is why and for how long an entry stands.
type life struct {
	reason       listing.Reason
	since, until int64
}

const leastHead = 8 // octets of a text that are worth being left out

// attrs writes attributes behind others of a dictionary.
func (p *before) attrs(b []byte, a *attrs) []byte {
	at := len(b)
	b = append(b, 0)
	flags := byte(0)
	if a.except {
		flags |= attrExcept
	}
	if now := (life{a.reason, a.since, a.until}); p.any && now == p.life {
		flags |= attrAgain
	} else {
		p.life, p.any = now, true
		b = binary.AppendVarint(append(b, byte(a.reason)), a.since)
		if a.until != 0 {
			flags |= attrUntil
			b = binary.AppendVarint(b, a.until)
		}
	}
	switch {
	case a.note != "" || a.ticket != "":
		flags |= attrTexts
		b = appendText(appendText(appendText(b, a.public), a.note), a.ticket)
	case a.public != "":
		flags |= attrPublic
		n := common(p.head, a.public)
		if n >= leastHead && 2*n >= len(a.public) {
			flags |= attrHead
			b = append(b, byte(n))
		} else {
			n, p.head = 0, a.public
		}
		b = appendText(b, a.public[n:])
	}
	b[at] = flags
	return b
}

// common is how many octets two texts begin with alike, 255 at most.
func common(a, b string) (n int) {
	for most := min(len(a), len(b), math.MaxUint8); n < most && a[n] == b[n]; n++ {
	}
	return n
}

// encodeAttrs writes attributes that stand alone.
func encodeAttrs(b []byte, a *attrs) []byte { return new(before).attrs(b, a) }

// attrs reads attributes, and what they refer to from those that were read before.
func (r *reader) attrs() attrs {
	flags := r.lifeAfter()
	a := attrs{except: flags&attrExcept != 0, reason: r.reason, since: r.since, until: r.until}
	switch {
	case flags&attrTexts != 0:
		a.public, a.note, a.ticket = r.text(), r.text(), r.text()
	case flags&attrPublic != 0:
		head, tail := r.publicAfter(flags)
		if head == 0 {
			a.public = r.copied(tail)
			r.head = a.public
			break
		}
		var text strings.Builder // a text is made once, not of two
		text.Grow(head + len(tail))
		text.WriteString(r.head[:head])
		text.Write(tail)
		a.public = text.String()
	}
	return a
}

// lifeAfter reads flags, and what is said of reason and time.
func (r *reader) lifeAfter() (flags byte) {
	flags = r.byte()
	switch {
	case flags&attrAgain == 0:
		r.life, r.any = life{reason: listing.Reason(r.byte()), since: unzigzag(r.uvarint())}, true
		if flags&attrUntil != 0 {
			r.until = unzigzag(r.uvarint())
		}
	case !r.any:
		r.bad = true
	}
	return flags
}

// publicAfter reads how much of the head a public note begins with, and the rest.
func (r *reader) publicAfter(flags byte) (head int, tail []byte) {
	if flags&attrHead != 0 {
		if head = int(r.byte()); head > len(r.head) {
			r.bad, head = true, 0
		}
	}
	return head, r.bytes()
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

// transition writes which sides there are (1 before, 2 after), then the attributes
// of each.
func (p *before) transition(b []byte, t *transition) []byte {
	flags := byte(0)
	if t.hasBefore {
		flags |= 1
	}
	if t.hasAfter {
		flags |= 2
	}
	b = append(b, flags)
	if t.hasBefore {
		b = p.attrs(b, &t.before)
	}
	if t.hasAfter {
		b = p.attrs(b, &t.after)
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

// encode writes all values.
func (d *dict[T]) encode(b []byte, write func(*before, []byte, *T) []byte) []byte {
	var before before
	for n := range d.list {
		b = write(&before, b, &d.list[n])
	}
	return b
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
