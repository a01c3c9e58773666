package index

import (
	"encoding/binary"
	"net/netip"

	"dnsbld/listing"
)

// Hit is one reason under which an address is listed.
type Hit struct {
	Reason listing.Reason
	Prefix netip.Prefix // of the entry that lists it
	Until  uint32       // Unix seconds; the entry's end, its source's if that is earlier
	Text   string       // the entry's own text, else empty
	Source string       // that says so; empty: this list itself
}

// Lookup appends to hits one Hit for each reason under which an address is
// listed, in rising code. Of several entries for one reason the most specific
// stands, then this list's own before a source's, then the one that ends last,
// then the source whose name sorts first.
//
// addr must be as listing.Canonical gives it. An entry is in force while now,
// in Unix seconds, is less than its end. Lookup does not allocate if hits has
// room.
func (s *Set) Lookup(addr netip.Addr, now uint32, hits []Hit) []Hit {
	l, from, to, wide := s.find(addr)
	if !wide && from == to {
		return hits
	}
	q := query{set: s, addr: addr, now: now, hits: hits, base: len(hits)}
	if wide {
		q.all(l, from, to)
	} else {
		q.hosts(l, from, to)
	}
	if len(q.hits) > q.base && s.Allowed(addr, now) {
		return hits
	}
	return q.hits
}

// find is where the entries of a host are in its leaf, and whether the prefix
// table has something for it.
func (s *Set) find(addr netip.Addr) (l *leaf, from, to int, wide bool) {
	if !addr.Is4() {
		return nil, 0, 0, s.wide.Contains(addr)
	}
	ip := v4(addr)
	l = s.leafAt(ip)
	from, to = l.find(uint16(ip))
	return l, from, to, (l.marked(uint16(ip)) || s.counts.short > 0) && s.wide.Contains(addr)
}

// Allowed reports whether an address is never answered as listed: because of
// an allow entry in force, or because it is on the never-list.
func (s *Set) Allowed(addr netip.Addr, now uint32) bool {
	if s.never.Contains(addr) {
		return true
	}
	if !s.allows.Contains(addr) {
		return false
	}
	p, until, ok := s.allows.LookupPrefixLPM(hostPrefix(addr))
	for ok && until <= now && p.Bits() > 0 {
		p, until, ok = s.allows.LookupPrefixLPM(netip.PrefixFrom(addr, p.Bits()-1))
	}
	return ok && now < until
}

func v4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// query walks over the entries that hold an address, the most specific first.
type query struct {
	set  *Set
	addr netip.Addr
	now  uint32
	hits []Hit
	base int

	closed      [4]uint64 // reasons that an exception of this list's own ended
	feedExcepts bool      // an exception of a source was met
}

// all looks at the records of every prefix around the address, and at its
// hosts in the leaf.
func (q *query) all(l *leaf, from, to int) {
	table := q.set.wide
	p, r, ok := table.LookupPrefixLPM(hostPrefix(q.addr))
	if ok && p.IsSingleIP() { // exceptions at the host come before its listings
		q.records(p, &r)
		p, r, ok = table.LookupPrefixLPM(netip.PrefixFrom(q.addr, p.Bits()-1))
	}
	q.hosts(l, from, to)
	for ok {
		q.records(p, &r)
		if p.Bits() == 0 {
			return
		}
		p, r, ok = table.LookupPrefixLPM(netip.PrefixFrom(q.addr, p.Bits()-1))
	}
}

// hosts takes the entries of the address in a leaf.
func (q *query) hosts(l *leaf, from, to int) {
	for i := from; i < to; i++ {
		class, until := l.row(i)
		c := &q.set.classes.rows[class]
		if end := endOf(until, c); q.now < end {
			q.listed(c, Hit{Reason: c.reason, Prefix: hostPrefix(q.addr), Until: end})
		}
	}
}

// records takes the entries at one prefix, this list's own first.
func (q *query) records(p netip.Prefix, r *record) {
	for ; r != nil; r = r.next {
		c := &q.set.classes.rows[r.class]
		end := endOf(r.until, c)
		switch {
		case q.now >= end:
		case !r.except:
			if !q.feedExcepts || c.source == own || !q.excepted(p, r.class) {
				q.listed(c, Hit{Reason: c.reason, Prefix: p, Until: end, Text: r.ownText()})
			}
		case c.source == own:
			q.closed[c.reason>>6] |= 1 << (c.reason & 63)
		default:
			q.feedExcepts = true
		}
	}
}

// endOf is when an entry ends: at its own end or its source's.
func endOf(until uint32, c *class) uint32 {
	if until == 0 {
		return c.end
	}
	return min(until, c.end)
}

// excepted reports whether an exception in force, of the class itself, lies
// between a prefix and the address.
func (q *query) excepted(outer netip.Prefix, class uint16) bool {
	p, first, ok := q.set.wide.LookupPrefixLPM(hostPrefix(q.addr))
	for ok && p.Bits() > outer.Bits() {
		if r := first.find(class); r != nil && r.except && q.now < endOf(r.until, &q.set.classes.rows[class]) {
			return true
		}
		p, first, ok = q.set.wide.LookupPrefixLPM(netip.PrefixFrom(q.addr, p.Bits()-1))
	}
	return false
}

// listed takes in a hit, unless one that counts more is there.
func (q *query) listed(c *class, h Hit) {
	if q.closed[c.reason>>6]&(1<<(c.reason&63)) != 0 {
		return
	}
	h.Source = q.set.classes.sources[c.source].name
	at := len(q.hits)
	for at > q.base && q.hits[at-1].Reason > h.Reason {
		at--
	}
	if at > q.base && q.hits[at-1].Reason == h.Reason {
		if outranks(&h, &q.hits[at-1]) {
			q.hits[at-1] = h
		}
		return
	}
	q.hits = append(q.hits, h)
	copy(q.hits[at+1:], q.hits[at:])
	q.hits[at] = h
}

// outranks reports whether h counts more than another hit of its reason, which
// was met first and so is at least as specific.
func outranks(h, than *Hit) bool {
	switch {
	case h.Prefix.Bits() != than.Prefix.Bits():
		return false
	case (h.Source == "") != (than.Source == ""):
		return h.Source == ""
	case h.Until != than.Until:
		return h.Until > than.Until
	}
	return h.Source < than.Source
}
