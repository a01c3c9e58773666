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
	d := due{set: s, now: now, limit: limit, named: make([]bool, len(s.classes.sources))}
	d.sources()
	d.allows()
	d.leaves()
	d.wide()
	return d.edits
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
	for i := range l.length() {
		low, class, until := l.at(i)
		if until != 0 && until <= d.now && !d.addEntry(hostPrefix(addr4(net|uint32(low))), class) {
			return false
		}
	}
	return true
}

// wide goes by the agenda. When that is at its end it looks through the prefix
// table, and notes what comes next.
func (d *due) wide() {
	if d.full() {
		return
	}
	if a := d.set.plan.resolve(); d.now < a.until {
		d.planned(a)
	} else {
		d.lookThrough()
	}
}

// planned takes from the agenda what the table still has. An entry that was
// written again may be there twice.
func (d *due) planned(a *agenda) {
	seen := map[item]bool{}
	for _, items := range a.items {
		for _, i := range items {
			if i.until > d.now || seen[i] || !d.set.holds(i) {
				continue
			}
			if seen[i] = true; !d.addEntry(i.prefix, i.class) {
				return
			}
		}
	}
}

func (d *due) lookThrough() {
	next := newAgenda(d.now)
	for p, head := range d.set.wide.All() {
		for r := &head; r != nil; r = r.next {
			if r.until == 0 {
				continue
			}
			next.add(item{p, r.until, r.class}, d.now)
			if r.until <= d.now && !d.addEntry(p, r.class) {
				return
			}
		}
	}
	if next.sum > mostItems { // all of them due now
		next = &noAgenda
	}
	d.set.plan.settle(next)
}

// holds reports whether the prefix table has an entry with that end.
func (s *Set) holds(i item) bool {
	first, ok := s.wide.Get(i.prefix)
	if !ok {
		return false
	}
	r := first.find(i.class)
	return r != nil && r.until == i.until
}

func addr4(ip uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], ip)
	return netip.AddrFrom4(b)
}
