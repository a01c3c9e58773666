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
	if len(block.Hosts) > 0 && b.leafAt(block.Net).form == 0 && b.putLeaf(block) {
		return
	}
	for n := range block.Len() {
		b.put(block.Served(n))
	}
}

// putLeaf makes a leaf of a block, unless something in it does not lie in leaves
// or is not in their order.
func (b *builder) putLeaf(block *listing.Block) bool {
	b.said = b.said[:0]
	single := true
	for _, s := range block.Said {
		class, ok := b.classOf(block.Source, s.Reason, true)
		if !ok || s.Except || s.Text != "" || block.Source == "" {
			return false
		}
		said := saidClass{class, seconds(s.Until)}
		b.said = append(b.said, said)
		single = single && said == saidClass{class: b.said[0].class}
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
		s := b.said[0]
		if block.Which != nil {
			s = b.said[block.Which[n]]
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

// saidClass is what is said of a host, as leaves have it.
type saidClass struct {
	class uint16
	until uint32
}

// packLows is a leaf of one class whose entries end with their source; ok is false
// if they are not in order.
func packLows(lows []uint16, class uint16) (l leaf, ok bool) {
	l = leaf{form: newForm(len(lows), false, true), class: class}
	s := l.form.shape()
	l.slab = make([]uint16, s.entryAt+roundUp(len(lows)))
	words := l.slab[s.entryAt:]
	n := copy(words, lows)
	for i := 1; i < n; i++ {
		if words[i] <= words[i-1] {
			return l, false
		}
	}
	for i := n; i < len(words); i++ {
		words[i] = vacant
	}
	l.guide(s)
	return l, true
}
