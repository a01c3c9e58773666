package db

import (
	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// served gives what the query path needs of all entries, one by one.
func (s *state) served(yield func(listing.Served) bool) error {
	return s.blocks(func(b *listing.Block) bool {
		for n := range b.Len() {
			if !yield(b.Served(n)) {
				return false
			}
		}
		return true
	})
}

// blocks gives what the query path needs of all entries, nearly as it lies in the
// file: this list's own one by one, then source by source. All of it is checked by
// its sums, and that nothing is missing by the numbers of entries.
func (s *state) blocks(yield func(*listing.Block) bool) error {
	n := 0
	count := func(b *listing.Block) bool { n += b.Len(); return yield(b) }
	more, err := ownBlocks(s.tx.Bucket(servedBucket).Cursor(), count)
	if err != nil || !more {
		return err
	}
	if n != s.head.entries {
		return corruptf("%d entries of this list's own are served, and %d are counted", n, s.head.entries)
	}
	sources, err := s.sources()
	if err != nil {
		return err
	}
	for i := range sources {
		n = 0
		if more, err = s.sourceBlocks(sources[i].Name, count); err != nil || !more {
			return err
		}
		if n != sources[i].Entries {
			return corruptf("%d entries of source %s are served, and %d are counted", n, sources[i].Name, sources[i].Entries)
		}
	}
	return nil
}

// ownBlocks gives this list's own entries, a block each.
func ownBlocks(c *bolt.Cursor, yield func(*listing.Block) bool) (more bool, err error) {
	b := &listing.Block{Said: make([]listing.Said, 1), Subjects: make([]listing.Subject, 1)}
	for k, v := c.First(); k != nil; k, v = c.Next() {
		e, err := decodeServed(k, v)
		if err != nil {
			return false, err
		}
		b.Said[0] = listing.Said{Reason: e.Reason, Except: e.Except, Until: e.Until, Text: e.Text}
		b.Subjects[0] = e.Subject
		if !yield(b) {
			return false, nil
		}
	}
	return true, nil
}

// sourceBlocks gives the entries of one source: the hosts, then the others.
func (s *state) sourceBlocks(name string, yield func(*listing.Block) bool) (more bool, err error) {
	hosts, nets, err := s.contents(name)
	if err != nil {
		return false, err
	}
	out := served{Block: listing.Block{Source: name}}
	for _, part := range []struct {
		c    *bolt.Cursor
		open func(k, v []byte) error
	}{{hosts.Cursor(), out.openHosts}, {nets.Cursor(), out.openNets}} {
		for k, v := part.c.First(); k != nil; k, v = part.c.Next() {
			if err := part.open(k, v); err != nil {
				return false, err
			}
			if !yield(&out.Block) {
				return false, nil
			}
		}
	}
	return true, nil
}

// served is one block after the other as it goes out. Its memory is used again.
type served struct {
	listing.Block
	nets     netBlock
	lows     []uint16
	which    []uint32
	subjects []listing.Subject
}

// openHosts decodes a block of IPv4 hosts.
func (s *served) openHosts(k, sealed []byte) (err error) {
	if s.Net, err = blockBase(k); err != nil {
		return err
	}
	raw, err := unseal(k, sealed)
	if err != nil {
		return err
	}
	t, err := openTable(raw, blockLow)
	if err == nil {
		err = s.open(&t)
	}
	if err != nil {
		return err
	}
	s.lows = s.lows[:0]
	for at := 0; at < len(t.items); at += t.size {
		s.lows = append(s.lows, uint16(t.items[at])<<8|uint16(t.items[at+1]))
	}
	s.Hosts, s.Subjects = s.lows, nil
	return nil
}

// openNets decodes a block of other entries.
func (s *served) openNets(k, sealed []byte) error {
	b := &s.nets
	if err := b.frame(k, sealed); err != nil {
		return err
	}
	if err := s.open(&b.table); err != nil {
		return err
	}
	s.subjects = s.subjects[:0]
	for n := range b.len() {
		subject, err := b.subject(n)
		if err != nil {
			return err
		}
		s.subjects = append(s.subjects, subject)
	}
	s.Hosts, s.Subjects = nil, s.subjects
	return nil
}

// open takes over what the entries of a table say, and which says what.
func (s *served) open(t *table) error {
	if _, err := s.openDict(t, false); err != nil {
		return err
	}
	s.which, s.Which = s.which[:0], nil
	if t.size == t.low {
		if len(t.items) > 0 && len(s.Said) == 0 {
			return corruptf("packed entries that say nothing")
		}
		return nil
	}
	for at := t.low; at < len(t.items); at += t.size {
		id := readID(t.items[at : at+t.size-t.low])
		if int(id) >= len(s.Said) {
			return corruptf("packed entries refer to value %d of %d", id, len(s.Said))
		}
		s.which = append(s.which, id)
	}
	s.Which = s.which
	return nil
}

// openDict decodes a dictionary as far as answers are made of it. Its texts are
// cut from one copy. Of a dictionary of transitions all has to be added.
func (s *served) openDict(t *table, transitions bool) (added bool, err error) {
	s.Said = s.Said[:0]
	texts := ""
	r := reader{b: t.dict}
	cut := func(text []byte) string { // which was read last
		if end := len(t.dict) - len(r.b); len(text) > 0 && !r.bad {
			if texts == "" {
				texts = string(t.dict)
			}
			return texts[end-len(text) : end]
		}
		return ""
	}
	for range t.values {
		if transitions && r.byte() != hasAfter {
			return false, nil
		}
		flags := r.lifeAfter()
		said := listing.Said{Except: flags&attrExcept != 0, Reason: r.reason, Until: instant(r.until)}
		switch {
		case flags&attrTexts != 0:
			said.Text = cut(r.bytes())
			r.bytes()
			r.bytes()
		case flags&attrPublic != 0:
			head, tail := r.publicAfter(flags)
			if said.Text = cut(tail); head > 0 {
				said.Head = r.head[:head]
			} else {
				r.head = said.Text
			}
		}
		s.Said = append(s.Said, said)
	}
	return true, r.err("dictionary of packed hosts")
}
