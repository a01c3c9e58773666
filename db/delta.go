package db

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sort"

	"dnsbld/listing"
)

// Classes of keys in the deltas of a source.
const (
	hostClass = 'h' // IPv4 hosts of a /8
	wideClass = 'w' // other entries
	endClass  = 'e' // the source ended
)

// chunk is a piece of what a revision changed in a source: of the IPv4 hosts of one
// /8, see gaps.go (before version 6 a packed table), or of other entries of one family:
//
//	family · octets of address in an item · a packed table, as in nets.go
//
// of which the values are transitions. Before version 5 a piece of other entries was
// a sorted list:
//
//	number of entries, four bytes · offset of each, four bytes · entries
//
// in which an entry is its key, with its length, and a transition. So it began with
// an octet of 0. All are searched where they lie.
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
	nets   netTableBuilder[transition]
	pieces int
	keep   func([]byte) ([]byte, error) // where chunks lie; nil: where they were made
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
func (b *deltaBuilder) host(v4 uint32, before, after *attrs) (err error) {
	if top := byte(v4 >> 24); top != b.top {
		err = b.endHosts()
		b.top = top
	}
	b.hosts.add(v4&0xffffff, between(before, after))
	return err
}

func (b *deltaBuilder) endHosts() (err error) {
	if !b.hosts.empty() {
		err = b.end(hostClass, int(b.top), b.hosts.encodeGaps((*before).transition))
	}
	b.hosts.reset()
	return err
}

func (b *deltaBuilder) end(class byte, part int, raw []byte) (err error) {
	if b.keep != nil {
		raw, err = b.keep(raw)
	}
	b.chunks = append(b.chunks, chunk{class, part, raw})
	return err
}

// wide notes what became of another entry. They come in order.
func (b *deltaBuilder) wide(key *netKey, before, after *attrs) (err error) {
	if len(b.nets.keys) == 0 {
		err = b.endHosts()
	} else if len(b.nets.keys) == widePiece || b.nets.keys[0][0] != key[0] {
		err = b.endWide()
	}
	b.nets.add(key, between(before, after))
	return err
}

func (b *deltaBuilder) endWide() (err error) {
	if len(b.nets.keys) > 0 {
		err = b.end(wideClass, b.pieces, b.nets.encode([]byte{b.nets.keys[0][0]}, (*before).transition))
		b.pieces++
	}
	b.nets.reset()
	return err
}

// finish gives all chunks, in the order of the digest.
func (b *deltaBuilder) finish() ([]chunk, error) {
	err := errors.Join(b.endHosts(), b.endWide())
	return b.chunks, err
}

// delta is a chunk as it lies in the file.
type delta interface {
	len() int
	item(n int) (listing.Subject, transition, error)
	find(s listing.Subject) (from, to int) // the items of one subject

	packed() *steps // what the items say; nil: each says it
}

func (c *chunk) open(raw []byte) (delta, error) {
	top := uint32(c.part) << 24
	switch {
	case c.class == hostClass && len(raw) > 0 && raw[0] == 0:
		t, err := openGaps(raw)
		if err != nil {
			return nil, err
		}
		return &hostDelta{steps: steps{dict: &t.table}, hosts: t, top: top}, nil
	case c.class == hostClass:
		t, err := openTable(raw, deltaLow)
		return &hostDelta{steps: steps{dict: &t}, hosts: &t, top: top}, err
	case len(raw) > 0 && raw[0] != 0:
		t, err := openNetTable(raw[0], raw[1:])
		return &netDelta{steps: steps{dict: &t.table}, netTable: t}, err
	}
	return openWide(raw)
}

// steps are the transitions of a packed chunk.
type steps struct {
	dict *table
	all  []transition // nil: each is read when it is asked for
}

func (s *steps) packed() *steps { return s }

// decode reads all of them into space that is used again, which is worth it where
// all items are asked for.
func (s *steps) decode(into []transition) (_ []transition, err error) {
	if s != nil {
		s.all, err = readDict(s.dict, into, (*reader).transition)
		into = s.all
	}
	return into, err
}

func (s *steps) at(id int) (transition, error) {
	if s.all == nil {
		return value(s.dict, uint32(id), (*reader).transition)
	}
	if id >= len(s.all) {
		return transition{}, corruptf("delta refers to value %d of %d", id, len(s.all))
	}
	return s.all[id], nil
}

// hostDelta is a piece of IPv4 hosts.
type hostDelta struct {
	steps
	hosts interface {
		len() int
		at(n int) (low, id uint32)
		find(low uint32) (from, to int)
	}
	top uint32
}

func (d *hostDelta) len() int { return d.hosts.len() }

func (d *hostDelta) host(n int) (uint32, transition, error) {
	low, id := d.hosts.at(n)
	step, err := d.steps.at(int(id))
	return d.top | low, step, err
}

func (d *hostDelta) item(n int) (listing.Subject, transition, error) {
	v4, step, err := d.host(n)
	return hostSubject(v4), step, err
}

func (d *hostDelta) find(s listing.Subject) (from, to int) { return d.hosts.find(s.V4() & (1<<24 - 1)) }

// netDelta is a piece of other entries.
type netDelta struct {
	steps
	netTable
}

func (d *netDelta) item(n int) (s listing.Subject, step transition, err error) {
	_, id := d.netTable.item(n)
	if s, err = d.subject(n); err == nil {
		step, err = d.steps.at(id)
	}
	return s, step, err
}

func (d *netDelta) find(s listing.Subject) (from, to int) {
	return findKey(d.len(), s, func(n int) []byte { k, _ := d.netTable.item(n); return k.onDisk() })
}

// findKey gives the items of one subject by their keys, which are in order.
func findKey(all int, s listing.Subject, key func(n int) []byte) (from, to int) {
	subject := subjectKey(s)
	from = sort.Search(all, func(n int) bool { return bytes.Compare(key(n), subject) >= 0 })
	for to = from; to < all && bytes.HasPrefix(key(to), subject); to++ {
	}
	return from, to
}

// wideDelta is a piece of other entries as it was before version 5.
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
	return findKey(d.len(), s, func(n int) []byte { r := d.at(n); return r.bytes() })
}

func (wideDelta) packed() *steps { return nil }
