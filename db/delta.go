package db

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"sort"

	"dnsbld/listing"
)

// Classes of keys in the deltas of a source.
const (
	hostClass = 'h' // IPv4 hosts of a /8
	wideClass = 'w' // other entries
	endClass  = 'e' // the source ended
)

// chunk is a piece of what a revision changed in a source: a packed table of
// the IPv4 hosts of one /8, or a sorted list of other entries:
//
//	number of entries · offset of each, four bytes · entries
//
// in which an entry is its key, with its length, and a transition. Both are
// searched where they lie.
type chunk struct {
	class byte
	part  int // first octet, or number of the piece
	raw   []byte
}

func (c *chunk) key(revision listing.Revision) []byte {
	if c.class == hostClass {
		return hostDeltaKey(byte(c.part), revision)
	}
	return wideDeltaKey(revision, c.part)
}

// hostDeltaKey puts the revisions of a /8 together: the history of an address
// reads one range.
func hostDeltaKey(top byte, revision listing.Revision) []byte {
	return appendRevision([]byte{hostClass, top}, revision)
}

// wideDeltaKey puts the pieces of a revision together, in order of their entries.
func wideDeltaKey(revision listing.Revision, part int) []byte {
	return binary.BigEndian.AppendUint32(appendRevision([]byte{wideClass}, revision), uint32(part))
}

func endKey(revision listing.Revision) []byte { return appendRevision([]byte{endClass}, revision) }

// set is what the record says of the deltas.
func (p *plan) set() *deltaSet {
	set, h := &deltaSet{source: p.name}, sha256.New()
	for n := range p.deltas {
		c := &p.deltas[n]
		h.Write(c.frame())
		h.Write(c.raw)
		if c.class == hostClass {
			set.tops = append(set.tops, byte(c.part))
		} else {
			set.wide++
		}
	}
	set.digest = listing.Digest(h.Sum(nil))
	return set
}

// frame is what the digest has of a chunk before its bytes.
func (c *chunk) frame() []byte {
	b := binary.BigEndian.AppendUint32([]byte{c.class}, uint32(c.part))
	return binary.BigEndian.AppendUint64(b, uint64(len(c.raw)))
}

// chunks lists the chunks of a set, without their bytes, in the order of the
// digest.
func (s *deltaSet) chunks() []chunk {
	all := make([]chunk, 0, len(s.tops)+s.wide)
	for _, top := range s.tops {
		all = append(all, chunk{class: hostClass, part: int(top)})
	}
	for n := range s.wide {
		all = append(all, chunk{class: wideClass, part: n})
	}
	return all
}

// deltaBuilder collects what differs, in order of key.
type deltaBuilder struct {
	chunks []chunk
	top    byte
	hosts  tableBuilder[transition]
	items  []byte // of the piece of other entries
	starts []uint32
	pieces int
}

// widePiece is how many other entries a piece holds.
const widePiece = 4096

// between is the transition from one side to the other; nil is none.
func between(before, after *attrs) (t transition) {
	if before != nil {
		t.before, t.hasBefore = *before, true
	}
	if after != nil {
		t.after, t.hasAfter = *after, true
	}
	return t
}

// host notes what became of an IPv4 host. Hosts come in order, before all other
// entries.
func (b *deltaBuilder) host(v4 uint32, before, after *attrs) {
	if top := byte(v4 >> 24); top != b.top {
		b.endHosts()
		b.top = top
	}
	b.hosts.add(v4&0xffffff, between(before, after))
}

func (b *deltaBuilder) endHosts() {
	if !b.hosts.empty() {
		b.hosts.low = deltaLow
		b.chunks = append(b.chunks, chunk{hostClass, int(b.top), b.hosts.encode(encodeTransition)})
	}
	b.hosts.reset()
}

func (b *deltaBuilder) wide(key []byte, before, after *attrs) {
	if len(b.starts) == 0 {
		b.endHosts()
	}
	b.starts = append(b.starts, uint32(len(b.items)))
	t := between(before, after)
	b.items = encodeTransition(appendText(b.items, key), &t)
	if len(b.starts) == widePiece {
		b.endWide()
	}
}

func (b *deltaBuilder) endWide() {
	if len(b.starts) == 0 {
		return
	}
	raw := binary.BigEndian.AppendUint32(nil, uint32(len(b.starts)))
	for _, at := range b.starts {
		raw = binary.BigEndian.AppendUint32(raw, at)
	}
	b.chunks = append(b.chunks, chunk{wideClass, b.pieces, append(raw, b.items...)})
	b.pieces++
	b.starts, b.items = b.starts[:0], b.items[:0]
}

// finish gives all chunks, in the order of the digest.
func (b *deltaBuilder) finish() []chunk {
	b.endHosts()
	b.endWide()
	return b.chunks
}

// delta is a chunk as it lies in the file.
type delta interface {
	len() int
	item(n int) (listing.Subject, transition, error)
	find(s listing.Subject) (from, to int) // the items of one subject
}

func (c *chunk) open(raw []byte) (delta, error) {
	if c.class == hostClass {
		t, err := openTable(raw, deltaLow)
		return &hostDelta{table: t, top: uint32(c.part) << 24}, err
	}
	return openWide(raw)
}

// hostDelta is a piece of IPv4 hosts.
type hostDelta struct {
	table
	top   uint32
	steps []transition // the dictionary; nil: each value is decoded when it is asked for
}

func (d *hostDelta) item(n int) (s listing.Subject, step transition, err error) {
	low, id := d.at(n)
	switch {
	case d.steps == nil:
		step, err = value(&d.table, id, (*reader).transition)
	case int(id) >= len(d.steps):
		err = corruptf("delta refers to value %d of %d", id, len(d.steps))
	default:
		step = d.steps[id]
	}
	return hostSubject(d.top | low), step, err
}

func (d *hostDelta) find(s listing.Subject) (from, to int) { return d.table.find(s.V4() & (1<<24 - 1)) }

// wideDelta is a piece of other entries.
type wideDelta struct{ offsets, items []byte }

func openWide(raw []byte) (wideDelta, error) {
	r := reader{b: raw}
	n := int(binary.BigEndian.Uint32(r.take(4)))
	if n > len(r.b)/4 {
		return wideDelta{}, corruptf("delta of %d entries in %d bytes", n, len(raw))
	}
	offsets := r.take(4 * n)
	return wideDelta{offsets, r.b}, nil
}

func (d wideDelta) len() int { return len(d.offsets) / 4 }

func (d wideDelta) at(n int) reader {
	r := reader{b: d.items}
	r.take(int(binary.BigEndian.Uint32(d.offsets[4*n:])))
	return r
}

func (d wideDelta) item(n int) (s listing.Subject, step transition, err error) {
	r := d.at(n)
	k, err := parseKey(r.bytes())
	if err != nil {
		return s, step, err
	}
	step = r.transition()
	if r.bad {
		err = corruptf("delta of %s", k.Subject)
	}
	return k.Subject, step, err
}

func (d wideDelta) find(s listing.Subject) (from, to int) {
	subject := subjectKey(s)
	key := func(n int) []byte { r := d.at(n); return r.bytes() }
	from = sort.Search(d.len(), func(n int) bool { return bytes.Compare(key(n), subject) >= 0 })
	for to = from; to < d.len() && bytes.HasPrefix(key(to), subject); to++ {
	}
	return from, to
}
