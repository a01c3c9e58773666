package index

// sweepDropped takes out the entries of the sources that ended.
func (b *builder) sweepDropped() {
	if len(b.dropped) == 0 {
		return
	}
	gone := make([]bool, len(b.classes.rows)) // by class
	for _, row := range b.dropped {
		for n, c := range b.classes.rows {
			gone[n] = gone[n] || (n > 0 && !c.free && c.source == row)
		}
	}
	b.dropFromLeaves(gone)
	b.flushNets(true, gone)
	b.flushNets(false, gone)
	for _, row := range b.dropped {
		b.classes.release(row)
	}
}

func (b *builder) dropFromLeaves(gone []bool) {
	for high := range uint32(1 << 16) {
		l := b.leafAt(high << 16)
		if l.form.single() {
			if gone[l.class] {
				b.setLeaf(high, leaf{}, forever)
			}
			continue
		}
		b.merged.reset()
		kept, n := 0, l.length()
		for i := range n {
			if _, class, _ := l.at(i); gone[class] {
				b.merged.run(l, kept, i)
				kept = i + 1
			}
		}
		if kept > 0 {
			b.merged.run(l, kept, n)
			next := b.merged.leaf()
			b.setLeaf(high, next, next.firstEnd())
		}
	}
}
