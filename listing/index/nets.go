package index

import (
	"hash/maphash"
	"net/netip"
	"unsafe"

	"dnsbld/listing"
)

// nets is what lies in a tree, and what waits to be merged into it.
type nets struct {
	ops      []netOp
	unsorted bool
}

// netChunk is how many ops wait before they are merged into their tree.
const netChunk = 1 << 17

// tree is where the prefixes of a family are.
func (s *Set) tree(is4 bool) *tree {
	if is4 {
		return s.nets4
	}
	return s.nets6
}

// queueNet keeps an op for the next flush.
func (b *builder) queueNet(s listing.Subject, e net, remove bool) {
	e.length = uint8(s.Bits())
	b.queueEntry(s.Addr().Is4(), entry{placeOf(s.Addr()), e}, remove)
}

func (b *builder) queueEntry(is4 bool, e entry, remove bool) {
	waiting := &b.waiting6
	if is4 {
		waiting = &b.waiting4
	}
	o := netOp{entry: e, seq: uint32(len(waiting.ops)), remove: remove}
	if n := len(waiting.ops); n > 0 && !waiting.unsorted {
		waiting.unsorted = waiting.ops[n-1].compare(&o.entry) >= 0
	}
	if waiting.ops = append(waiting.ops, o); len(waiting.ops) == netChunk {
		b.flushNets(is4, nil)
	}
}

// flushNets merges what waits for a tree into it, and takes out the classes
// that are gone.
func (b *builder) flushNets(is4 bool, gone []bool) {
	waiting, t := &b.waiting6, &b.nets6
	if is4 {
		waiting, t = &b.waiting4, &b.nets4
	}
	if len(waiting.ops) == 0 && gone == nil {
		return
	}
	if waiting.unsorted {
		sortNetOps(waiting.ops)
	}
	m := merger{gone: gone, count: func(e entry, by int) { b.countNet(is4, &e, by) }}
	*t = m.merge(*t, waiting.ops)
	waiting.ops, waiting.unsorted = waiting.ops[:0], false
}

// countNet keeps the counts, the leaves and the texts when an entry comes into a
// tree or goes.
func (b *builder) countNet(is4 bool, e *entry, by int) {
	switch {
	case e.except:
		b.counts.exceptions += by
	case e.length == 128 || (is4 && e.length == 32):
		b.counts.hosts += by
	default:
		b.counts.prefixes += by
	}
	if e.text != 0 {
		row := b.classes.rows[e.class].source
		if l := b.lately; l != nil && l.row == row {
			l.texts.refer(by)
		} else {
			b.textsOf(row).refer(by)
		}
	}
	switch {
	case !is4:
	case e.length < 16:
		b.countShort(e, by)
	default:
		b.noteWide(e, by)
	}
}

// textsOf are the texts of a source, to be changed.
func (b *builder) textsOf(row uint16) *texts {
	if t, found := b.texts[row]; found {
		return t
	}
	if b.texts == nil {
		b.texts = make(map[uint16]*texts)
	}
	t := b.classes.sources[row].texts
	b.texts[row] = &t
	return &t
}

// lately are numbers of texts of one source, by their hash, as far as others have
// not taken their places.
type lately struct {
	row    uint16
	texts  *texts // of the source, to be changed
	seed   maphash.Seed
	known  [1 << 12]uint32
	room   [64]byte // for a subject in words
	record []byte   // scratch
}

func (b *builder) latelyOf(row uint16) *lately {
	if b.lately == nil || b.lately.row != row {
		b.lately = &lately{row: row, texts: b.textsOf(row), seed: maphash.MakeSeed()}
	}
	return b.lately
}

// keep gives the number of a text of a source: the same one for entries that
// have the same, but for their subject, as far as that is easily found.
func (b *builder) keep(row uint16, p netip.Prefix, text string) uint32 {
	if text == "" {
		return 0
	}
	l := b.latelyOf(row)
	return l.number(template(text, appendSubject(l.room[:0], p)))
}

// number is that of a text, which is kept if it is not found.
func (l *lately) number(text string, template bool) uint32 {
	number := l.slot(unsafe.Slice(unsafe.StringData(text), len(text)))
	if known := l.texts.at(*number); *number == 0 || !known.is(text, template) {
		*number = l.texts.add(text, template)
	}
	return *number
}

// slot is where the number of some octets may stand.
func (l *lately) slot(of []byte) *uint32 {
	return &l.known[maphash.Bytes(l.seed, of)%uint64(len(l.known))]
}

// keepTexts makes the changed texts those of their sources, in less room where
// most of it is unused.
func (b *builder) keepTexts() {
	for row, t := range b.texts {
		if b.classes.sources[row] == nil {
			continue
		}
		b.copyClasses()
		if t.wasteful() {
			t = b.moveTexts(row, t)
		}
		next := *b.classes.sources[row]
		b.counts.texts += t.size() - next.texts.size()
		next.texts = *t
		b.classes.sources[row] = &next
	}
}

// moveTexts copies the texts of a source that entries refer to.
func (b *builder) moveTexts(row uint16, old *texts) *texts {
	moved := make(map[uint32]uint32)
	next := &texts{refs: old.refs}
	for _, t := range []**tree{&b.nets4, &b.nets6} {
		if old.refs == 0 {
			break
		}
		var ops []netOp
		(*t).each(func(p place, e net) bool {
			if e.text != 0 && b.classes.rows[e.class].source == row {
				number, found := moved[e.text]
				if !found {
					was := old.at(e.text)
					number = next.add(was.Head+was.Tail, was.Template)
					moved[e.text] = number
				}
				e.text = number
				ops = append(ops, netOp{entry: entry{p, e}})
			}
			return true
		})
		m := merger{count: func(entry, int) {}}
		*t = m.merge(*t, ops)
	}
	return next
}
