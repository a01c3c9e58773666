package index

import (
	"slices"
	"sort"
)

// netOp is what is to be done to one entry of a tree.
type netOp struct {
	entry
	seq    uint32 // of two for one entry the later one holds
	remove bool
}

func sortNetOps(ops []netOp) {
	slices.SortFunc(ops, func(a, b netOp) int {
		if c := a.compare(&b.entry); c != 0 {
			return c
		}
		return int(a.seq) - int(b.seq)
	})
}

// merger makes a tree of another and some ops.
type merger struct {
	gone  []bool                // classes whose entries go; nil: none
	count func(e entry, by int) // hears of every entry that comes or goes

	next    *tree
	own     []bool   // pages that no other tree has
	open    []opened // blocks of the next page
	more    *more    // of a block near, which others may share
	row     *row     // that was copied last
	entries []entry  // that the next blocks are made of
	lost    bool     // blocks went, and none has come in their place: the next one has other neighbours
}

// opened is a block for the next page, and its first place.
type opened struct {
	*block
	row *row // where it lies already, if it does
	at  place
}

// merge is the tree after ops, which are in order.
func (m *merger) merge(t *tree, ops []netOp) *tree {
	m.next = &tree{pages: make([]*branch, 0, len(t.pages)+1), size: t.size, bytes: t.bytes}
	m.own = make([]bool, 0, len(t.pages)+1)
	for n := 0; n < len(t.pages); n++ {
		if same := m.untouched(t, n, ops); same > n {
			m.closePages()
			m.next.pages = append(m.next.pages, t.pages[n:same]...)
			m.own = append(m.own, make([]bool, same-n)...)
			if n = same; n == len(t.pages) {
				break
			}
		}
		p, mine := t.pages[n], ops
		if n+1 < len(t.pages) {
			mine = ops[:before(ops, t.first.at(n+1), t.pages[n+1].block(0))]
		}
		ops = ops[len(mine):]
		m.forget(p)
		m.page(p, mine)
	}
	if len(t.pages) == 0 {
		m.apply(nil, ops)
		m.closeBlocks()
	}
	m.closePages()
	m.settle()
	m.next.index(t)
	return m.next
}

// untouched is the first page, from one on, that ops or losses may touch. A page
// of which the next begins before the first op is left alone.
func (m *merger) untouched(t *tree, from int, ops []netOp) int {
	if m.lost {
		return from
	}
	to := len(t.pages)
	if len(ops) > 0 {
		to = max(from, sort.Search(to, func(i int) bool { return t.first.at(i).before(ops[0].place) == 0 })-1)
	}
	if m.gone != nil {
		if n := slices.IndexFunc(t.pages[from:to], m.losesAny); n >= 0 {
			to = from + n
		}
	}
	return to
}

// before is how many of some ops come before the first entry of a block, which is
// at a place. That tells mostly, so that the block is not fetched for an op that is
// far away.
func before(ops []netOp, at place, b *block) int {
	if len(ops) == 0 || at.before(ops[0].place) == 1 {
		return 0
	}
	if ops[len(ops)-1].place.before(at) == 1 {
		return len(ops)
	}
	first := entry{b.place(0), b.net(0)}
	return sort.Search(len(ops), func(i int) bool { return ops[i].compare(&first) >= 0 })
}

// sparse is how few entries have a block merged with the next one.
const sparse = blockMax / 4

// page takes in the blocks of a page, those changed that ops or losses touch.
func (m *merger) page(p *branch, ops []netOp) {
	m.open = slices.Grow(m.open, int(p.n)+1)
	m.entries = slices.Grow(m.entries, blockMax+len(ops))
	for n, first := 0, p.first(); n < int(p.n); n++ {
		b, mine := p.block(n), ops
		if n+1 < int(p.n) {
			mine = ops[:before(ops, first.at(n+1), p.block(n+1))]
		}
		ops = ops[len(mine):]
		if len(mine) > 0 || m.loses(b) || (len(m.entries) > 0 && len(m.entries) < sparse) {
			m.more = b.more
			m.apply(b, mine)
			continue
		}
		m.closeBlocks()
		same := opened{b, p.rows[n/rowMax], first.at(n)}
		if m.lost {
			same.block, same.row, m.lost = new(block), nil, false
			*same.block = *b
			same.traits |= isFresh
		}
		m.open = append(m.open, same)
	}
	m.closeBlocks()
}

func (m *merger) losesAny(p *branch) bool {
	for i := 0; m.gone != nil && i < int(p.n); i++ {
		if m.loses(p.block(i)) {
			return true
		}
	}
	return false
}

// loses reports whether an entry of a block goes with its class.
func (m *merger) loses(b *block) bool {
	for i := 0; m.gone != nil && i < int(b.n); i++ {
		if m.gone[b.net(i).class] {
			return true
		}
	}
	return false
}

// apply appends the entries of a block, as ops leave them, to those for the
// next blocks. Of several ops for one entry the last holds.
func (m *merger) apply(b *block, ops []netOp) {
	m.lost = true // until closeBlocks
	i := 0
	for k := range ops {
		o := &ops[k]
		if k+1 < len(ops) && ops[k+1].compare(&o.entry) == 0 {
			continue
		}
		i = m.keep(b, i, &o.entry)
		if !o.remove {
			m.entries = append(m.entries, o.entry)
			m.count(o.entry, 1)
		}
	}
	m.keep(b, i, nil)
}

// keep appends the entries of a block, from one on, that come before another
// (nil: all), leaves out those whose classes go and the one that the other takes
// the place of, and returns the first entry that is left.
func (m *merger) keep(b *block, i int, until *entry) int {
	for ; b != nil && i < int(b.n); i++ {
		old := entry{b.place(i), b.net(i)}
		gone, order := m.gone != nil && m.gone[old.class], -1
		if until != nil {
			order = old.compare(until)
		}
		switch {
		case gone:
			m.count(old, -1)
		case order > 0:
			return i
		case order == 0:
			m.count(old, -1)
			return i + 1
		default:
			m.entries = append(m.entries, old)
		}
	}
	return i
}

// closeBlocks packs the entries into blocks that are about equally full.
func (m *merger) closeBlocks() {
	n := len(m.entries)
	parts := (n + blockMax - 1) / blockMax
	for i := range parts {
		entries := m.entries[n*i/parts : n*(i+1)/parts]
		b, what := packBlock(entries)
		b.more = m.share(&what)
		m.open = append(m.open, opened{block: &b, at: entries[0].place})
	}
	m.lost = m.lost && n == 0
	m.entries = m.entries[:0]
}

// share is what blocks have that are alike.
func (m *merger) share(of *more) *more {
	if m.more == nil || *m.more != *of {
		next := *of
		m.more = &next
	}
	return m.more
}

// closePages puts the open blocks into pages that are about equally full.
func (m *merger) closePages() {
	n := len(m.open)
	parts := (n + pageMax - 1) / pageMax
	for i := range parts {
		p := newBranch(m.open[n*i/parts : n*(i+1)/parts])
		m.next.pages, m.own = append(m.next.pages, p), append(m.own, true)
	}
	clear(m.open)
	m.open = m.open[:0]
}

// newBranch makes a page of some blocks, but for what it has of them all.
func newBranch(blocks []opened) *branch {
	p := &branch{n: uint8(len(blocks))}
	first := places{hi: p.hi[:0]}
	for i := range blocks {
		first.add(blocks[i].at)
	}
	p.lo = first.lo
	for i := len(blocks); i < pageMax; i++ {
		p.hi[i] = ^uint64(0)
	}
	p.guide, p.shift = guideOf(len(blocks), func(i int) uint64 { return p.hi[i] })
	for i := 0; len(blocks) > 0; i++ {
		part := blocks[:min(rowMax, len(blocks))]
		p.rows[i] = rowOf(part)
		blocks = blocks[len(part):]
	}
	return p
}

// rowOf is the row where some blocks lie already and no others do, else a new one.
func rowOf(blocks []opened) *row {
	r := blocks[0].row
	for i := range blocks {
		if r == nil || blocks[i].block != &r[i] {
			r = nil
		}
	}
	if r != nil && (len(blocks) == rowMax || r[len(blocks)].n == 0) {
		return r
	}
	r = new(row)
	for i := range blocks {
		r[i] = *blocks[i].block
	}
	return r
}

// forget takes a page out of the sums, and sum brings it into them.
func (m *merger) forget(p *branch) {
	m.next.size -= p.size
	m.next.bytes -= p.bytes + branchBytes
}

func (m *merger) sum(p *branch) {
	p.due, p.size, p.bytes = forever, 0, 8*int64(cap(p.lo))
	var last *more
	for i := range int(p.n) {
		b := p.block(i)
		p.due, p.size = min(p.due, b.more.due), p.size+int(b.n)
		p.bytes += int64(8 * cap(b.slab))
		if b.more != last {
			last = b.more
			p.bytes += moreBytes
		}
		if i%rowMax == 0 {
			p.bytes += rowBytes
		}
	}
	m.next.size += p.size
	m.next.bytes += p.bytes + branchBytes
}

// settle finds out what is around the blocks that are new, and around those
// that follow as far as that changes anything, and then what is in the pages.
func (m *merger) settle() {
	moved := false // the block before is new, or what is around it
	for n := range m.next.pages {
		for k := 0; k < int(m.next.pages[n].n) && (m.own[n] || moved); k++ {
			b := m.next.pages[n].block(k)
			if !moved && !b.has(isFresh) {
				continue
			}
			around := m.around(spot{n, k, 0})
			if moved = b.has(isFresh) || around != b.more.around; moved {
				m.surround(n, k, around)
			}
		}
	}
	for n, p := range m.next.pages {
		if m.own[n] {
			m.sum(p)
		}
	}
}

// around follows from the block before.
func (m *merger) around(s spot) (all lengths) {
	before, ok := m.next.previous(s)
	if !ok {
		return all
	}
	first, b := m.next.at(s).place(0), m.next.at(before)
	all = b.more.around.upTo(b.place(0).common(first))
	for left := b.more.within; ; {
		length, ok := left.take()
		if !ok {
			return all
		}
		p := first.masked(length)
		if i := b.search(p, length); i < int(b.n) && b.is(i, p, length) {
			all.add(length)
		}
	}
}

// surround notes what is around a block, in a page and a row that no other tree has.
func (m *merger) surround(page, n int, around lengths) {
	p := m.next.pages[page]
	if !m.own[page] {
		m.forget(p)
		next := *p
		p = &next
		m.next.pages[page], m.own[page] = p, true
	}
	if r := &p.rows[n/rowMax]; !p.block(n).has(isFresh) && *r != m.row {
		next := **r
		*r, m.row = &next, &next
	}
	b := p.block(n)
	if b.more.around != around {
		next := *b.more
		next.around = around
		b.more = m.share(&next)
	}
	b.traits &^= isFresh | isPlain
	b.when(around == lengths{} && b.more.within.single(), isPlain)
}
