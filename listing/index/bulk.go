package index

import (
	"cmp"
	"slices"
)

// op is what is to be done to one host entry in a leaf.
type op struct {
	addr, until uint32
	seq         uint32 // of two for one entry the later one holds
	class       uint16
	remove      bool
}

// key orders ops as leaves order entries.
func (o op) key() uint64 { return uint64(o.addr)<<16 | uint64(o.class) }

const (
	// chunk is how many ops wait before they are merged into their leaves.
	chunk = 1 << 18
	// bucketFrom is from how many on sorting begins with buckets.
	bucketFrom = 1 << 12
)

// queue keeps an op for the next flush.
func (b *builder) queue(o op) {
	o.seq = uint32(len(b.ops))
	b.unsorted = b.unsorted || (len(b.ops) > 0 && b.ops[len(b.ops)-1].key() >= o.key())
	if b.ops = append(b.ops, o); len(b.ops) == chunk {
		b.flush()
	}
}

// flush merges all waiting ops into their leaves.
func (b *builder) flush() {
	if b.unsorted {
		b.sort()
	}
	for ops := b.ops; len(ops) > 0; {
		high := ops[0].addr >> 16
		n := 1
		for n < len(ops) && ops[n].addr>>16 == high {
			n++
		}
		if next, ok := b.leafAt(high << 16).edited(ops[:n]); ok {
			b.setLeaf(high, next, forever)
		} else {
			b.mergeLeaf(high, ops[:n])
		}
		ops = ops[n:]
	}
	b.ops, b.unsorted = b.ops[:0], false
}

// sort orders the ops by key, then by arrival: many of them by leaf first.
func (b *builder) sort() {
	if len(b.ops) < bucketFrom {
		sortOps(b.ops)
		return
	}
	var starts [1<<16 + 1]uint32
	for _, o := range b.ops {
		starts[o.addr>>16+1]++
	}
	for n := range 1 << 16 {
		starts[n+1] += starts[n]
	}
	at := starts
	b.spare = slices.Grow(b.spare[:0], len(b.ops))[:len(b.ops)]
	for _, o := range b.ops {
		b.spare[at[o.addr>>16]] = o
		at[o.addr>>16]++
	}
	for n := range 1 << 16 {
		if bucket := b.spare[starts[n]:starts[n+1]]; len(bucket) > 1 {
			sortOps(bucket)
		}
	}
	b.ops, b.spare = b.spare, b.ops
}

func sortOps(ops []op) {
	slices.SortFunc(ops, func(a, b op) int {
		if c := cmp.Compare(a.key(), b.key()); c != 0 {
			return c
		}
		return cmp.Compare(a.seq, b.seq)
	})
}

// mergeLeaf puts the leaf that follows from ops, all of one /16, in the place
// of the one that is there.
func (b *builder) mergeLeaf(high uint32, ops []op) {
	old := b.leafAt(high << 16)
	due := b.dueAt(high)
	b.merged.reset()
	at, rescan, changed := old.search(0), false, false
	for k, o := range ops {
		if k+1 < len(ops) && ops[k+1].key() == o.key() {
			continue
		}
		low := uint16(o.addr)
		i, found := old.seek(at, low, o.class)
		b.merged.run(old, at, i)
		at = i
		if found {
			_, _, until := old.at(i)
			rescan = rescan || until == due
			at = old.next(at)
		}
		if !o.remove {
			b.merged.add(low, o.class, o.until)
			if o.until != 0 {
				due = min(due, o.until)
			}
		}
		changed = changed || found || !o.remove
	}
	if !changed {
		return
	}
	b.merged.run(old, at, old.end())
	next := b.merged.leaf()
	if rescan {
		due = next.firstEnd()
	}
	b.setLeaf(high, next, due)
}
