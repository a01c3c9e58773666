package index

import (
	"fmt"

	"dnsbld/listing"
)

// FromSnapshot is the set of one snapshot of a store. Memory beyond the set's
// own stays small if Served, or Blocks, comes in runs of rising addresses; any
// order is right.
func FromSnapshot(snap listing.Snapshot) (*Set, error) {
	b := newBuilder(NewSet())
	b.revision = snap.Revision()
	sources, err := snap.Sources()
	if err != nil {
		return nil, fmt.Errorf("reading sources: %w", err)
	}
	for _, s := range sources {
		b.putSource(s.Name, seconds(s.Until))
	}
	allows, err := snap.Allows()
	if err != nil {
		return nil, fmt.Errorf("reading allow entries: %w", err)
	}
	for _, a := range allows {
		b.putAllow(a)
	}
	if err := b.putAll(snap); err != nil {
		return nil, fmt.Errorf("reading entries: %w", err)
	}
	return b.finish()
}

// putAll takes in all entries, block by block where the store has such.
func (b *builder) putAll(snap listing.Snapshot) error {
	if packed, ok := snap.(listing.Packed); ok {
		for block, err := range packed.Blocks() {
			if err != nil {
				return err
			}
			b.putBlock(block)
		}
		return nil
	}
	for e, err := range snap.Served() {
		if err != nil {
			return err
		}
		b.put(e)
	}
	return nil
}

// putBlock lists the entries of a block. Hosts of which there is no other in
// their leaf are packed at once.
func (b *builder) putBlock(block *listing.Block) {
	if block.Source == "" {
		for n := range block.Len() {
			b.put(block.Served(n))
		}
		return
	}
	if !b.resolve(block) || (len(block.Hosts) > 0 && b.leafAt(block.Net).form == 0 && b.putLeaf(block)) {
		return
	}
	for n := range block.Len() {
		b.putSaid(block, n)
	}
}

// said is what a block says of entries, as the set has it.
type said struct {
	saidClass
	except bool
	text   uint32 // number of its own text
	named  bool   // that may name its subject: its number is found entry by entry
}

// saidClass is what is said of a host, as leaves have it.
type saidClass struct {
	class uint16
	until uint32
}

// leafy reports whether a host of which that is said lies in a leaf.
func (s *said) leafy() bool { return !s.except && s.text == 0 && !s.named }

// resolve finds what a block says; ok is false if that cannot be in the set.
func (b *builder) resolve(block *listing.Block) (ok bool) {
	b.said = b.said[:0]
	lead := leading{needle: needle(block)}
	for i := range block.Said {
		s := &block.Said[i]
		class, ok := b.classOf(block.Source, s.Reason, true)
		if !ok {
			return false
		}
		to := said{saidClass: saidClass{class, seconds(s.Until)}, except: s.Except}
		if s.Text != "" || s.Head != "" {
			to.text, to.named = b.lead(b.classes.rows[class].source, &lead, s)
		}
		b.said = append(b.said, to)
	}
	return true
}

// putSaid lists an entry of a block.
func (b *builder) putSaid(block *listing.Block, n int) {
	i := uint32(0)
	if block.Which != nil {
		i = block.Which[n]
	}
	s := &b.said[i]
	e := entry{net: net{class: s.class, length: 32, except: s.except, until: s.until, text: s.text}}
	is4 := block.Subjects == nil
	if is4 {
		at := block.Net | uint32(block.Hosts[n])
		if e.hi = uint64(at) << 32; s.leafy() {
			b.queue(op{addr: at, class: s.class, until: s.until})
			return
		}
	} else {
		p := block.Subjects[n]
		is4 = p.Addr().Is4()
		e.place, e.length = placeOf(p.Addr()), uint8(p.Bits())
	}
	if s.named {
		text := &block.Said[i]
		e.text = b.keep(b.classes.rows[s.class].source, e.prefix(is4, e.length), text.Head+text.Text)
	}
	b.queueEntry(is4, e, false)
}

// putLeaf makes a leaf of a block, unless something in it does not lie in leaves
// or is not in their order.
func (b *builder) putLeaf(block *listing.Block) bool {
	single := true
	for i := range b.said {
		if !b.said[i].leafy() {
			return false
		}
		single = single && b.said[i].saidClass == saidClass{class: b.said[0].class}
	}
	high := block.Net >> 16
	if single {
		l, ok := packLows(block.Hosts, b.said[0].class)
		if ok {
			b.setLeaf(high, l, forever)
		}
		return ok
	}
	b.merged.reset()
	due, before := uint32(forever), int64(-1)
	for n, low := range block.Hosts {
		s := &b.said[0]
		if block.Which != nil {
			s = &b.said[block.Which[n]]
		}
		key := int64(low)<<16 | int64(s.class)
		if key <= before {
			return false
		}
		before = key
		b.merged.add(low, s.class, s.until)
		if s.until != 0 {
			due = min(due, s.until)
		}
	}
	b.setLeaf(high, b.merged.leaf(), due)
	return true
}

// packLows is a leaf of one class whose entries end with their source; ok is false
// if they are not in order.
func packLows(lows []uint16, class uint16) (l leaf, ok bool) {
	for i := 1; i < len(lows); i++ {
		if lows[i] <= lows[i-1] {
			return l, false
		}
	}
	l = leaf{form: newForm(len(lows), false, true), class: class}
	if l.form.bitmap() {
		l = newBitmap(l.form, class)
		for _, low := range lows {
			l.setBit(low, true)
		}
		return l, true
	}
	s := l.form.shape()
	l.slab = make([]uint16, s.entryAt+roundUp(len(lows)))
	words := l.slab[s.entryAt:]
	for i := copy(words, lows); i < len(words); i++ {
		words[i] = vacant
	}
	l.guide(s)
	return l, true
}
