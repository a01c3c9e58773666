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
	Text   Text         // the entry's own, if it has one
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
	spot := s.spotOf(addr)
	return s.LookupAt(&spot, now, hits)
}

// LookupAt is Lookup of an address that Locate has found the spot of.
func (s *Set) LookupAt(spot *Spot, now uint32, hits []Hit) []Hit {
	base := len(hits)
	switch hosts := spot.to - spot.from; {
	case hosts == 0 && (!spot.wide || spot.down.misses()):
		return hits
	case hosts == 0 && spot.down.alone():
		hits = s.appendNet(hits, spot, now)
	case hosts == 1 && !spot.wide:
		hits = s.appendHost(hits, spot, now)
	default:
		hits = s.appendAll(hits, spot, now)
	}
	if len(hits) > base && s.Allowed(spot.addr, now) {
		return hits[:base]
	}
	return hits
}

// appendHost appends what an entry in a leaf says, if it is in force.
func (s *Set) appendHost(hits []Hit, spot *Spot, now uint32) []Hit {
	_, class, until := spot.leaf.read(spot.shape.entryAt, spot.from)
	c := &s.classes.rows[class]
	end := endOf(until, c)
	if now >= end {
		return hits
	}
	hits = extend(hits)
	h := &hits[len(hits)-1]
	h.Reason, h.Until, h.Source = c.reason, end, s.classes.sources[c.source].name
	h.Prefix = hostPrefix(spot.addr)
	h.Text = Text{}
	return hits
}

// misses reports whether it is plain that nothing holds the address: what was
// found is alone in its place to do so, and does not.
func (d *descent) misses() bool {
	b, i := d.block, d.where.entry
	return b.has(isPlain) && b.place(i) != d.at.masked(b.length(i))
}

// alone reports whether it is plain that only what was found holds the address.
func (d *descent) alone() bool {
	b, i := d.block, d.where.entry
	return b.has(isPlain) && (!b.has(hasTwins) || i == 0 || b.place(i-1) != b.place(i))
}

// appendNet appends what an entry of a tree says, if it is in force.
func (s *Set) appendNet(hits []Hit, spot *Spot, now uint32) []Hit {
	b, i := spot.down.block, spot.down.where.entry
	packed := b.packed(i) // a net would be written in pieces, and waited for
	c := &s.classes.rows[packed>>16]
	end := endOf(b.until(i), c)
	if packed&exceptBit != 0 || now >= end {
		return hits
	}
	hits = extend(hits)
	h := &hits[len(hits)-1]
	h.Reason, h.Until, h.Source, h.Text = c.reason, end, s.classes.sources[c.source].name, Text{}
	h.Prefix, _ = spot.addr.Prefix(int(uint8(packed >> 8)))
	if b.has(hasText) {
		h.Text = s.text(b.net(i))
	}
	return hits
}

// extend makes room for one more hit, to be written in its place: to make it
// elsewhere and copy it costs as much as to find it.
func extend(hits []Hit) []Hit {
	if len(hits) < cap(hits) {
		return hits[:len(hits)+1]
	}
	return append(hits, Hit{})
}

// appendAll appends what all entries say together.
func (s *Set) appendAll(hits []Hit, spot *Spot, now uint32) []Hit {
	q := query{set: s, spot: *spot, to: spot.to, most: 128, now: now, hits: hits, base: len(hits)}
	if spot.wide {
		q.all(nil)
	} else {
		q.hosts()
	}
	if q.again {
		return q.withFeedExceptions()
	}
	return q.hits
}

// feedExceptions are a bit for each class, set where an exception of a source was
// met.
type feedExceptions [1 << 16 / 64]uint64

func (f *feedExceptions) has(class uint16) bool { return f[class>>6]>>(class&63)&1 != 0 }

// withFeedExceptions starts a query again that met an exception of a source, which
// few do: a note of them all is large for a stack, but each entry is looked at once
// then, however deep they are nested and whatever classes there are.
func (q *query) withFeedExceptions() []Hit {
	var met feedExceptions
	again := query{set: q.set, spot: q.spot, to: q.to, most: q.most, now: q.now, hits: q.hits[:q.base], base: q.base}
	again.all(&met)
	return again.hits
}

// Allowed reports whether an address is never answered as listed: because of
// an allow entry in force, or because it is on the never-list.
func (s *Set) Allowed(addr netip.Addr, now uint32) bool {
	if s.never.Size() > 0 && s.never.Contains(addr) {
		return true
	}
	if s.allows.Size() == 0 || !s.allows.Contains(addr) {
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
	spot Spot
	to   int   // where the entries of the address end in its leaf
	done bool  // they were taken
	most uint8 // length of a prefix that counts
	now  uint32
	hits []Hit
	base int

	closed [4]uint64 // reasons that an exception of this list's own ended
	again  bool      // an exception of a source was met, and not noted: nothing that was found stands
}

// all looks at the entries of every prefix around the address, and at its
// hosts in the leaf, the most specific first. Exceptions at the host come before
// its listings.
func (q *query) all(feeds *feedExceptions) {
	d, t := &q.spot.down, q.set.tree(q.spot.addr.Is4())
	left := d.holders().upTo(q.most)
	for n, ok := left.take(); ok && !q.again; n, ok = left.take() {
		s, found := t.get(d, n)
		if !found {
			continue
		}
		if n < 32 {
			q.hosts()
		}
		q.entries(t, s, n, feeds)
	}
	q.hosts()
}

// hosts takes the entries of the address in its leaf, once.
func (q *query) hosts() {
	for i := q.spot.from; i < q.to && !q.done; i++ {
		_, class, until := q.spot.leaf.at(i)
		c := &q.set.classes.rows[class]
		if end := endOf(until, c); q.now < end {
			q.listed(c, Hit{Reason: c.reason, Prefix: hostPrefix(q.spot.addr), Until: end})
		}
	}
	q.done = true
}

// entries takes the entries of one prefix: exceptions first. Those of sources are
// noted in feeds; where there is no room for that, the query is to begin again.
func (q *query) entries(t *tree, first spot, length uint8, feeds *feedExceptions) {
	at := t.at(first).place(first.entry)
	for s, ok := first, true; ok; s, ok = t.more(s, at, length) {
		if e := t.at(s).net(s.entry); e.except && q.inForce(e) {
			c := &q.set.classes.rows[e.class]
			switch {
			case c.source == own:
				q.closed[c.reason>>6] |= 1 << (c.reason & 63)
			case feeds == nil:
				q.again = true
				return
			default:
				feeds[e.class>>6] |= 1 << (e.class & 63)
			}
		}
	}
	for s, ok := first, true; ok; s, ok = t.more(s, at, length) {
		e := t.at(s).net(s.entry)
		if e.except || !q.inForce(e) {
			continue
		}
		if c := &q.set.classes.rows[e.class]; feeds == nil || !feeds.has(e.class) {
			q.listed(c, Hit{Reason: c.reason, Prefix: at.prefix(q.spot.addr.Is4(), length), Until: endOf(e.until, c), Text: q.set.text(e)})
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
