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
	gone  []bool                 // classes whose entries go; nil: none
	count func(e *entry, by int) // hears of every entry that comes or goes

	next    tree
	own     []bool  // pages that no other tree has
	open    []block // of the next page
	starts  []place // the first of each
	entries []entry // that the next blocks are made of
	old     entry   // read last
	lost    bool    // blocks went, and none has come in their place: the next one has other neighbours
}

// merge is the tree after ops, which are in order.
func (m *merger) merge(t *tree, ops []netOp) *tree {
	m.next = tree{first: make([]place, 0, len(t.pages)+1), pages: make([]*branch, 0, len(t.pages)+1), size: t.size, bytes: t.bytes}
	m.own = make([]bool, 0, len(t.pages)+1)
	for n := 0; n < len(t.pages); n++ {
		if same := m.untouched(t, n, ops); same > n {
			m.closePages()
			m.next.first, m.next.pages = append(m.next.first, t.first[n:same]...), append(m.next.pages, t.pages[n:same]...)
			m.own = append(m.own, make([]bool, same-n)...)
			if n = same; n == len(t.pages) {
				break
			}
		}
		p, mine := t.pages[n], ops
		if n+1 < len(t.pages) {
			mine = ops[:before(ops, t.first[n+1], &t.pages[n+1].blocks[0])]
		}
		ops = ops[len(mine):]
		m.next.size -= p.size
		m.next.bytes -= p.bytes + branchBytes
		m.page(p, mine)
	}
	if len(t.pages) == 0 {
		m.apply(nil, ops)
		m.closeBlocks()
	}
	m.closePages()
	m.settle()
	m.next.hi = make([]uint64, len(m.next.first))
	for i, p := range m.next.first {
		m.next.hi[i] = p.hi
	}
	next := m.next // not a part of m, which would stay with all that it was made from
	return &next
}

// untouched is the first page, from one on, that ops or losses may touch. A page
// of which the next begins before the first op is left alone.
func (m *merger) untouched(t *tree, from int, ops []netOp) int {
	if m.lost {
		return from
	}
	to := len(t.pages)
	if len(ops) > 0 {
		to = max(from, sort.Search(to, func(i int) bool { return t.first[i].before(ops[0].place) == 0 })-1)
	}
	if m.gone != nil {
		if n := slices.IndexFunc(t.pages[from:to], func(p *branch) bool { return m.losesAny(p.blocks) }); n >= 0 {
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
	m.open, m.starts = slices.Grow(m.open, len(p.blocks)+1), slices.Grow(m.starts, len(p.blocks)+1)
	m.entries = slices.Grow(m.entries, blockMax+len(ops))
	for n := range p.blocks {
		b := &p.blocks[n]
		mine := ops
		if n+1 < len(p.blocks) {
			mine = ops[:before(ops, p.first[n+1], &p.blocks[n+1])]
		}
		ops = ops[len(mine):]
		if len(mine) > 0 || m.loses(b) || (len(m.entries) > 0 && len(m.entries) < sparse) {
			m.apply(b, mine)
			continue
		}
		m.closeBlocks()
		same := *b
		same.fresh, m.lost = m.lost, false
		m.openBlock(p.first[n], same)
	}
	m.closeBlocks()
}

func (m *merger) openBlock(first place, b block) {
	m.open, m.starts = append(m.open, b), append(m.starts, first)
}

func (m *merger) losesAny(blocks []block) bool {
	return m.gone != nil && slices.ContainsFunc(blocks, func(b block) bool { return m.loses(&b) })
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
			m.count(&o.entry, 1)
		}
	}
	m.keep(b, i, nil)
}

// keep appends the entries of a block, from one on, that come before another
// (nil: all), leaves out those whose classes go and the one that the other takes
// the place of, and returns the first entry that is left.
func (m *merger) keep(b *block, i int, until *entry) int {
	for ; b != nil && i < int(b.n); i++ {
		m.old = entry{b.place(i), b.net(i)}
		gone, order := m.gone != nil && m.gone[m.old.class], -1
		if until != nil {
			order = m.old.compare(until)
		}
		switch {
		case gone:
			m.count(&m.old, -1)
		case order > 0:
			return i
		case order == 0:
			m.count(&m.old, -1)
			return i + 1
		default:
			m.entries = append(m.entries, m.old)
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
		m.openBlock(entries[0].place, packBlock(entries))
	}
	m.lost = m.lost && n == 0
	m.entries = m.entries[:0]
}

// closePages puts the open blocks into pages that are about equally full.
func (m *merger) closePages() {
	n := len(m.open)
	parts := (n + pageMax - 1) / pageMax
	for i := range parts {
		from, to := n*i/parts, n*(i+1)/parts
		p := &branch{blocks: m.open[from:to:to], first: m.starts[from:to:to], due: forever}
		p.guide, p.tied = guideOf(len(p.first), func(i int) place { return p.first[i] })
		for k := range p.blocks {
			b := &p.blocks[k]
			p.due, p.size = min(p.due, b.due), p.size+int(b.n)
			p.bytes += int64(8*cap(b.slab)) + blockBytes
		}
		m.next.first, m.next.pages, m.own = append(m.next.first, p.first[0]), append(m.next.pages, p), append(m.own, true)
		m.next.size += p.size
		m.next.bytes += p.bytes + branchBytes
	}
	m.open, m.starts = nil, nil // they are the pages' now
}

// settle finds out what is around the blocks that are new, and around those
// that follow as far as that changes anything.
func (m *merger) settle() {
	var last *block // the block before, if it or what is around it is new
	for n := range m.next.pages {
		if !m.own[n] && last == nil {
			continue
		}
		for k := range m.next.pages[n].blocks {
			b := &m.next.pages[n].blocks[k]
			if last == nil && !b.fresh {
				continue
			}
			around, fresh := m.around(spot{n, k, 0}), b.fresh
			if fresh || around != b.around {
				b = m.ownBlock(n, k)
				b.surround(around)
				last = b
			} else if last = nil; !m.own[n] {
				break
			}
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
	all = b.around.upTo(b.place(0).common(first))
	for left := b.within; ; {
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

// ownBlock is a block of a page that may be changed.
func (m *merger) ownBlock(page, n int) *block {
	if !m.own[page] {
		next := *m.next.pages[page]
		next.blocks = slices.Clone(next.blocks)
		m.next.pages[page], m.own[page] = &next, true
	}
	return &m.next.pages[page].blocks[n]
}
