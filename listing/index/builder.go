package index

import "dnsbld/listing"

// builder makes a Set from another by changes. It copies what it touches and
// no more. Ops wait until a chunk of them is there, or the builder finishes.
type builder struct {
	*Set // in the making
	err  error

	ops      []op // on leaves
	unsorted bool
	spare    []op // for sorting
	merged   leafBuilder
	said     []said // of the block that is taken in

	waiting4, waiting6 nets

	ownPage    [256]bool // copied already
	ownWide    [256]bool // … and its wides
	ownClasses bool
	folded     int
	dropped    []uint16 // rows of sources that ended
	stale      []uint64 // prefixes that went: the number of a /24, and a length of up to 24

	name string // of the source that was asked for last, and its row
	row  uint16

	texts  map[uint16]*texts // that changed, by row of their source
	lately *lately
}

func newBuilder(s *Set) *builder {
	next := *s
	return &builder{Set: &next}
}

// finish is the Set that the changes lead to. The builder is of no use then.
func (b *builder) finish() (*Set, error) {
	b.flush()
	b.flushNets(true, nil)
	b.flushNets(false, nil)
	b.sweepDropped()
	b.refreshWide()
	b.keepTexts()
	if b.err != nil {
		return nil, b.err
	}
	return b.Set, nil
}

// fold takes in one change. Of one revision, a source's own change comes
// before those of its entries.
func (b *builder) fold(c *listing.Change) {
	b.revision = c.Revision
	b.folded++
	switch c.Kind {
	case listing.EntryChange:
		if c.Added == nil {
			b.foldEntry(c)
			break
		}
		b.folded += c.Added.Len() - 1
		b.flush() // a block may become a leaf at once
		b.putBlock(c.Added)
	case listing.AllowChange:
		b.foldAllow(c)
	case listing.SourceChange:
		if c.SourceAfter == nil {
			b.endSource(c.SourceBefore.Name)
		} else {
			b.putSource(c.SourceAfter.Name, seconds(c.SourceAfter.Until))
		}
	}
}

func (b *builder) foldEntry(c *listing.Change) {
	if e := c.Before; e != nil && (c.After == nil || b.leafyEntry(e) != b.leafyEntry(c.After)) {
		b.remove(e)
	}
	if e := c.After; e != nil {
		b.put(e.Served())
	}
}

func (b *builder) leafyEntry(e *listing.Entry) bool {
	return leafy(e.Subject, e.Except, e.PublicNote)
}

// put lists an entry, in place of the one of the same key.
func (b *builder) put(e listing.Served) {
	class, ok := b.classOf(e.Source, e.Reason, true)
	if !ok {
		return
	}
	until := seconds(e.Until)
	if e.Source == "" {
		until = max(until, 1) // nothing is for ever
	}
	if leafy(e.Subject, e.Except, e.Text) {
		b.queue(op{addr: e.Subject.V4(), class: class, until: until})
		return
	}
	n := net{class: class, except: e.Except, until: until}
	n.text = b.keep(b.classes.rows[class].source, e.Subject.Prefix, e.Text)
	b.queueNet(e.Subject, n, false)
}

func (b *builder) remove(e *listing.Entry) {
	class, ok := b.classOf(e.Source, e.Reason, false)
	if !ok {
		return
	}
	if b.leafyEntry(e) {
		b.queue(op{addr: e.Subject.V4(), class: class, remove: true})
		return
	}
	b.queueNet(e.Subject, net{class: class}, true)
}

func (b *builder) foldAllow(c *listing.Change) {
	if a := c.AllowAfter; a != nil {
		b.putAllow(*a)
		return
	}
	b.allows = b.allows.DeletePersist(c.AllowBefore.Subject.Prefix)
}

func (b *builder) putAllow(a listing.Allow) {
	until := seconds(a.Until)
	if until == 0 {
		until = forever
	}
	b.allows = b.allows.InsertPersist(a.Subject.Prefix, until)
}

// putSource begins a source, or gives it another end.
func (b *builder) putSource(name string, until uint32) {
	b.copyClasses()
	if row, found := b.classes.names[name]; found {
		b.classes.setEnd(row, until)
		return
	}
	if _, err := b.classes.addSource(name, until); err != nil {
		b.err = err
		return
	}
	b.counts.sources++
}

// endSource ends a source. Its name is free at once; its entries go, all of
// all such sources together, when the builder finishes.
func (b *builder) endSource(name string) {
	row, found := b.classes.names[name]
	if !found || row == own {
		return
	}
	b.copyClasses()
	b.classes.setEnd(row, 0)
	delete(b.classes.names, name)
	b.name, b.row = "", own
	b.counts.sources--
	b.dropped = append(b.dropped, row)
}

// classOf is the class of a source and a reason; with create there is one
// afterwards.
func (b *builder) classOf(name string, reason listing.Reason, create bool) (uint16, bool) {
	if name != b.name {
		row, found := b.classes.names[name]
		if !found && create {
			b.putSource(name, 0)
			row, found = b.classes.names[name]
		}
		if !found {
			return 0, false
		}
		b.name, b.row = b.classes.sources[row].name, row
	}
	class := b.classes.sources[b.row].class[reason]
	if class == 0 && create {
		b.copyClasses()
		var err error
		if class, err = b.classes.addClass(b.row, reason); err != nil {
			b.err = err
		}
	}
	return class, class != 0
}

func (b *builder) copyClasses() {
	if !b.ownClasses {
		b.classes, b.ownClasses = b.classes.clone(), true
	}
}

// setLeaf puts other entries in the place of a leaf's. What it knows of the tree
// stays.
func (b *builder) setLeaf(high uint32, l leaf, due uint32) {
	slot, p := b.slot(high)
	l.wide = slot.wide
	b.counts.hosts += l.length() - slot.length()
	b.counts.slabs += l.size() - slot.size()
	p.due[high&0xff] = due
	b.replace(high, p, slot, l)
}

// dueAt is the first end that an entry in a leaf has of its own.
func (b *builder) dueAt(high uint32) uint32 {
	if p := b.pages[high>>8]; p != nil {
		return p.due[high&0xff]
	}
	return forever
}

// replace changes a leaf in its page and keeps count of those that are empty.
func (b *builder) replace(high uint32, p *page, slot *leaf, l leaf) {
	switch {
	case slot.isZero() && !l.isZero():
		p.filled++
	case !slot.isZero() && l.isZero():
		p.filled--
	}
	*slot = l
	if p.filled == 0 {
		b.pages[high>>8] = nil
		b.counts.pages--
		b.counts.wides -= len(p.wide)
	}
}

// slot is the place of a leaf in a page that may be changed.
func (b *builder) slot(high uint32) (*leaf, *page) {
	n := high >> 8
	p := b.pages[n]
	if p == nil || !b.ownPage[n] {
		next := new(page)
		if p != nil {
			*next = *p
		} else {
			b.counts.pages++
			for i := range next.due {
				next.due[i] = forever
			}
		}
		p = next
		b.pages[n], b.ownPage[n] = p, true
	}
	return &p.leaves[high&0xff], p
}
