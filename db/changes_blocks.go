package db

import (
	"dnsbld/listing"
)

// adder makes blocks of a chunk in which all entries are added.
type adder struct {
	all     bool     // it is such a chunk
	dict    served   // what its entries say
	numbers []uint32 // by number in dict: that in the block, behind what all blocks before it said
	before  uint32   // which is so much
}

// open looks at what a chunk says.
func (a *adder) open(wanted bool, rec *record, s *steps) (err error) {
	a.all = false
	if _, after := rec.sources(); !wanted || s == nil || after == nil {
		return nil
	}
	a.all, err = a.dict.openDict(s.dict, true)
	a.numbers, a.before = make([]uint32, len(a.dict.Said)), 0
	return err
}

// say notes that the next entry of a block says what has a number in the dictionary.
func (a *adder) say(b *listing.Block, id uint32) error {
	if int(id) >= len(a.numbers) {
		return corruptf("delta refers to value %d of %d", id, len(a.numbers))
	}
	if a.numbers[id] <= a.before {
		b.Said = append(b.Said, a.dict.Said[id])
		a.numbers[id] = a.before + uint32(len(b.Said))
	}
	b.Which = append(b.Which, a.numbers[id]-a.before-1)
	return nil
}

// addedItems reads on in a chunk, a change a block.
func (f *follower) addedItems(d delta, batch []listing.Change) (_ []listing.Change, err error) {
	for len(batch)+f.inBlocks < batchSize && f.item < d.len() {
		b := &listing.Block{Source: f.rec.deltas.source}
		switch d := d.(type) {
		case *hostDelta:
			err = f.addHosts(b, d)
		case *netDelta:
			err = f.addNets(b, d)
		}
		if err != nil {
			return batch, err
		}
		f.added.before += uint32(len(b.Said))
		if len(b.Said) == 1 {
			b.Which = nil
		}
		f.inBlocks += b.Len()
		batch = append(batch, listing.Change{Revision: f.rec.revision, Header: f.rec.header(), Kind: listing.EntryChange, Added: b})
	}
	return batch, nil
}

// addHosts puts the hosts of a /16 into a block, or some of them that say much.
func (f *follower) addHosts(b *listing.Block, d *hostDelta) error {
	for ; f.item < d.len() && len(b.Said) < batchSize; f.item++ {
		low, id := d.hosts.at(f.item)
		v4 := d.top | low
		if len(b.Hosts) == 0 {
			b.Net = v4 &^ 0xffff
		} else if b.Net != v4&^0xffff {
			break
		}
		b.Hosts = append(b.Hosts, uint16(v4))
		if err := f.added.say(b, id); err != nil {
			return err
		}
	}
	return nil
}

// addNets puts other entries into a block.
func (f *follower) addNets(b *listing.Block, d *netDelta) error {
	n := min(d.len()-f.item, batchSize)
	b.Subjects, b.Which = make([]listing.Subject, 0, n), make([]uint32, 0, n)
	for ; len(b.Subjects) < n; f.item++ {
		s, err := d.subject(f.item)
		if err != nil {
			return err
		}
		b.Subjects = append(b.Subjects, s)
		if _, id := d.netTable.item(f.item); err == nil {
			err = f.added.say(b, uint32(id))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
