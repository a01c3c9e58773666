package index

import (
	"encoding/binary"
	"net/netip"

	"dnsbld/listing"
)

// Due is what a sweep would end: at most limit edits for sources, allow entries
// and entries of this list's own whose time has come. For entries of sources
// that end before them there is one edit a source.
func (s *Set) Due(now uint32, limit int) []listing.Edit {
	edits, _ := s.due(now, limit)
	return edits
}

// due is Due, and by how many of the edits a source ends.
func (s *Set) due(now uint32, limit int) (edits []listing.Edit, sources int) {
	d := due{set: s, now: now, limit: limit, named: make([]bool, len(s.classes.sources))}
	d.sources()
	sources = len(d.edits)
	d.allows()
	d.leaves()
	d.nets()
	return d.edits, sources
}

type due struct {
	set   *Set
	now   uint32
	limit int
	edits []listing.Edit
	named []bool // sources that there is an edit for, by row
}

func (d *due) full() bool { return len(d.edits) >= d.limit }

func (d *due) add(e listing.Edit) bool {
	if d.full() {
		return false
	}
	e.Op = listing.OpSweep
	d.edits = append(d.edits, e)
	return true
}

func (d *due) addEntry(p netip.Prefix, class uint16) bool {
	c := d.set.classes.rows[class]
	if c.source != own {
		return d.addSource(c.source)
	}
	return d.add(listing.Edit{Key: listing.Key{Subject: listing.Subject{Prefix: p}, Reason: c.reason}})
}

func (d *due) addSource(row uint16) bool {
	if d.named[row] {
		return true
	}
	d.named[row] = true
	return d.add(listing.Edit{Source: d.set.classes.sources[row].name})
}

func (d *due) sources() {
	for row, s := range d.set.classes.sources {
		if row != own && s != nil && s.until <= d.now && !d.addSource(uint16(row)) {
			return
		}
	}
}

func (d *due) allows() {
	for p, until := range d.set.allows.All() {
		if until <= d.now && !d.add(listing.Edit{Subject: listing.Subject{Prefix: p}}) {
			return
		}
	}
}

func (d *due) leaves() {
	for first, p := range d.set.pages {
		if p == nil {
			continue
		}
		for second, end := range &p.due {
			if end <= d.now && !d.leaf(uint32(first)<<24|uint32(second)<<16, &p.leaves[second]) {
				return
			}
		}
	}
}

func (d *due) leaf(net uint32, l *leaf) bool {
	for i := range l.from(0) {
		low, class, until := l.at(i)
		if until != 0 && until <= d.now && !d.addEntry(hostPrefix(addr4(net|uint32(low))), class) {
			return false
		}
	}
	return true
}

func (d *due) nets() {
	for _, is4 := range []bool{true, false} {
		d.set.tree(is4).eachDue(d.now, func(p place, e net) bool {
			return d.addEntry(p.prefix(is4, e.length), e.class)
		})
	}
}

func addr4(ip uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], ip)
	return netip.AddrFrom4(b)
}
