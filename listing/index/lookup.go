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
	l, from := &noLeaf, 0
	if addr.Is4() {
		ip := v4(addr)
		l = s.leafAt(ip)
		from = l.search(uint16(ip))
	}
	return s.lookup(addr, l, from, now, hits)
}

// LookupAt is Lookup of an address that Locate has found the spot of.
func (s *Set) LookupAt(spot *Spot, now uint32, hits []Hit) []Hit {
	return s.lookup(spot.addr, spot.leaf, spot.from, now, hits)
}

// lookup looks an address up whose entries in its leaf begin, if it has any,
// at from.
func (s *Set) lookup(addr netip.Addr, l *leaf, from int, now uint32, hits []Hit) []Hit {
	to, wide := from, !addr.Is4()
	if !wide {
		ip := v4(addr)
		to, wide = l.runEnd(from, uint16(ip)), s.needsTree(l, ip)
	}
	if !wide && from == to {
		return hits
	}
	base := len(hits)
	if !wide && to == from+1 { // as most are
		hits = s.appendHost(hits, l, from, addr, now)
	} else {
		hits = s.appendAll(hits, l, from, to, wide, addr, now)
	}
	if len(hits) > base && s.Allowed(addr, now) {
		return hits[:base]
	}
	return hits
}

// appendHost appends what an entry in a leaf says, if it is in force.
func (s *Set) appendHost(hits []Hit, l *leaf, i int, addr netip.Addr, now uint32) []Hit {
	_, class, until := l.at(i)
	c := &s.classes.rows[class]
	end := endOf(until, c)
	if now >= end {
		return hits
	}
	return append(hits, Hit{Reason: c.reason, Prefix: hostPrefix(addr), Until: end, Source: s.classes.sources[c.source].name})
}

// appendAll appends what all entries say together.
func (s *Set) appendAll(hits []Hit, l *leaf, from, to int, wide bool, addr netip.Addr, now uint32) []Hit {
	q := query{set: s, addr: addr, most: 128, now: now, hits: hits, base: len(hits)}
	if wide {
		q.all(l, from, to)
	} else {
		q.hosts(l, from, to)
	}
	return q.hits
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
	most uint8 // length of a prefix that counts
	now  uint32
	hits []Hit
	base int

	closed      [4]uint64 // reasons that an exception of this list's own ended
	feedExcepts bool      // an exception of a source was met
}

// all looks at the entries of every prefix around the address, and at its
// hosts in the leaf, the most specific first. Exceptions at the host come before
// its listings.
func (q *query) all(l *leaf, from, to int) {
	is4, at := q.addr.Is4(), placeOf(q.addr)
	t := q.set.tree(is4)
	where, left := t.holders(at)
	left = left.upTo(q.most)
	for n, ok := left.take(); ok; n, ok = left.take() {
		s, found := t.get(where, at, n)
		if !found {
			continue
		}
		if n < 32 && from < to {
			q.hosts(l, from, to)
			from = to
		}
		q.entries(t, s, n)
	}
	q.hosts(l, from, to)
}

// hosts takes the entries of the address in a leaf.
func (q *query) hosts(l *leaf, from, to int) {
	for i := from; i < to; i++ {
		_, class, until := l.at(i)
		c := &q.set.classes.rows[class]
		if end := endOf(until, c); q.now < end {
			q.listed(c, Hit{Reason: c.reason, Prefix: hostPrefix(q.addr), Until: end})
		}
	}
}

// entries takes the entries of one prefix: exceptions first.
func (q *query) entries(t *tree, first spot, length uint8) {
	at := t.at(first).place(first.entry)
	for s, ok := first, true; ok; s, ok = t.more(s, at, length) {
		if e := t.at(s).net(s.entry); e.except && q.inForce(e) {
			if c := &q.set.classes.rows[e.class]; c.source == own {
				q.closed[c.reason>>6] |= 1 << (c.reason & 63)
			} else {
				q.feedExcepts = true
			}
		}
	}
	for s, ok := first, true; ok; s, ok = t.more(s, at, length) {
		e := t.at(s).net(s.entry)
		if e.except || !q.inForce(e) {
			continue
		}
		c := &q.set.classes.rows[e.class]
		if !q.feedExcepts || c.source == own || !q.excepted(t, length, e.class) {
			q.listed(c, Hit{Reason: c.reason, Prefix: at.prefix(q.addr.Is4(), length), Until: endOf(e.until, c), Text: q.set.text(e)})
		}
	}
}

func (q *query) inForce(e net) bool { return q.now < endOf(e.until, &q.set.classes.rows[e.class]) }

// endOf is when an entry ends: at its own end or its source's.
func endOf(until uint32, c *class) uint32 {
	if until == 0 {
		return c.end
	}
	return min(until, c.end)
}

// excepted reports whether an exception in force, of the class itself, lies
// between a prefix and the address.
func (q *query) excepted(t *tree, outer uint8, class uint16) bool {
	at := placeOf(q.addr)
	where, left := t.holders(at)
	left = left.upTo(q.most)
	for n, ok := left.take(); ok && n > outer; n, ok = left.take() {
		s, found := t.get(where, at, n)
		for p := at.masked(n); found; s, found = t.more(s, p, n) {
			if e := t.at(s).net(s.entry); e.class == class && e.except && q.inForce(e) {
				return true
			}
		}
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
