package index

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// placeKinds are ways in which places lie, of which a guide, that knows the first
// 32 bits in which first halves differ, sees more or less.
var placeKinds = map[string]func(r *rand.Rand, i int) place{
	"anywhere":           func(r *rand.Rand, _ int) place { return place{hi: r.Uint64(), lo: r.Uint64()} },
	"networks":           func(r *rand.Rand, _ int) place { return place{hi: r.Uint64()} },
	"IPv4":               func(r *rand.Rand, _ int) place { return place{hi: r.Uint64() << 32} },
	"IPv4 at the end":    func(_ *rand.Rand, i int) place { return place{hi: ^uint64(i) << 32} },
	"at the end":         func(_ *rand.Rand, i int) place { return place{hi: ^uint64(i)} },
	"last bits":          func(_ *rand.Rand, i int) place { return place{hi: uint64(i%2)<<63 | uint64(i)} },
	"one far away":       func(_ *rand.Rand, i int) place { return place{hi: uint64(min(i, 1))<<63 | uint64(i)} },
	"hosts of one /64":   func(r *rand.Rand, _ int) place { return place{hi: 7, lo: r.Uint64()} },
	"hosts of some /64":  func(r *rand.Rand, i int) place { return place{hi: uint64(i % 5), lo: r.Uint64()} },
	"hosts of last /64":  func(_ *rand.Rand, i int) place { return place{hi: ^uint64(i % 2), lo: ^uint64(i)} },
	"crowded in few /48": func(r *rand.Rand, _ int) place { return place{hi: r.Uint64() & (0x7<<61 | 0x3ff)} },
	"the same":           func(*rand.Rand, int) place { return place{hi: 1 << 40, lo: 3} },
}

// somePlaces are up to n sorted places of a kind, each twice and more if twins.
func somePlaces(r *rand.Rand, n int, of func(*rand.Rand, int) place, twins bool) (entries []entry) {
	for i := range n {
		e := entry{of(r, i), net{class: uint16(i), length: 128}}
		entries = append(entries, e)
		for k := 0; twins && k < r.IntN(4); k++ {
			e.class += uint16(n)
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.compare(&b) })
	return entries
}

// placesBeside are the places that are there, and those beside them.
func placesBeside(entries []entry) (all []place) {
	for i := range entries {
		p := entries[i].place
		all = append(all, p, place{p.hi, p.lo + 1}, place{p.hi, p.lo - 1}, place{p.hi + 1, p.lo}, place{p.hi - 1, p.lo},
			place{p.hi, 0}, place{p.hi, ^uint64(0)})
	}
	return append(all, place{}, place{^uint64(0), ^uint64(0)})
}

// Whatever a guide sees of the places in a block, a search ends where one that
// looks at all of them does.
func TestBlockSearch(t *testing.T) {
	for name, of := range placeKinds {
		r := rand.New(rand.NewPCG(1, 2))
		for n := 1; n <= blockMax; n++ {
			entries := somePlaces(r, n, of, n%3 == 0)
			entries = entries[:min(len(entries), blockMax)]
			b, _ := packBlock(entries)
			if len(b.slab)%8 != 0 || int(b.n) != len(entries) {
				t.Fatalf("%s: %d entries in %d words", name, b.n, len(b.slab))
			}
			for _, at := range placesBeside(entries) {
				after := slices.IndexFunc(entries, func(e entry) bool { return at.before(e.place) == 1 })
				if after < 0 {
					after = len(entries)
				}
				if after > 0 {
					if got := b.lastIn(b.window(at.hi-b.first(0)), at); got != after-1 {
						t.Fatalf("%s: the last of %d up to %x is %d, want %d", name, b.n, at, got, after-1)
					}
				}
				first := slices.IndexFunc(entries, func(e entry) bool { return e.place.before(at) == 0 })
				if first < 0 {
					first = len(entries)
				}
				if got := b.lowerBound(at); got != first {
					t.Fatalf("%s: the first of %d from %x is %d, want %d", name, b.n, at, got, first)
				}
			}
		}
	}
}

// So does the way down a tree, of a block or of many pages.
func TestDescend(t *testing.T) {
	for name, of := range placeKinds {
		for _, n := range []int{1, 7, 64, 65, 600, 5000, 30_000} {
			r := rand.New(rand.NewPCG(3, uint64(n)))
			entries := somePlaces(r, n, of, n%2 == 0)
			ops := make([]netOp, len(entries))
			for i := range entries {
				ops[i].entry = entries[i]
			}
			m := merger{count: func(entry, int) {}}
			tree := m.merge(new(tree), ops)
			var some []entry
			for range 200 {
				some = append(some, entries[r.IntN(len(entries))])
			}
			for _, at := range placesBeside(append(some, entries[0], entries[len(entries)-1])) {
				checkDescent(t, tree, at, name, entries)
			}
		}
	}
}

func checkDescent(t *testing.T, tree *tree, at place, name string, entries []entry) {
	t.Helper()
	after, _ := slices.BinarySearchFunc(entries, at, func(e entry, at place) int { return 2*at.before(e.place) - 1 })
	d := tree.descend(at)
	if after == 0 {
		if d.page != &noBranch || d.holders() != (lengths{}) {
			t.Fatalf("%s: %x is before all %d, but found at %v", name, at, len(entries), d.where)
		}
		return
	}
	got, next := d.block.place(d.where.entry), d.where.entry+1
	if d.page == &noBranch || got != entries[after-1].place || d.block != tree.at(d.where) ||
		(next < int(d.block.n) && at.before(d.block.place(next)) == 0) {
		t.Fatalf("%s: the way of %x in %d ends at %x, want %x", name, at, len(entries), got, entries[after-1].place)
	}
}

// An edit makes a page, and of its rows and of the others' none but those that it is
// about.
func TestEditSharesRows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var ops []netOp
	for _, e := range somePlaces(r, 50_000, placeKinds["networks"], false) {
		ops = append(ops, netOp{entry: e})
	}
	m := merger{count: func(entry, int) {}}
	before := m.merge(new(tree), ops)
	known := map[*row]bool{}
	for _, p := range before.pages {
		for _, r := range p.rows {
			known[r] = true
		}
	}
	for range 100 {
		o := ops[r.IntN(len(ops))]
		o.until = 7
		m := merger{count: func(entry, int) {}}
		after := m.merge(before, []netOp{o})
		pages, rows := 0, 0
		for n, p := range after.pages {
			if p != before.pages[n] {
				pages++
			}
			for _, r := range p.rows {
				if !known[r] {
					rows++
				}
			}
		}
		if pages != 1 || rows != 1 {
			t.Fatalf("%d pages and %d rows are new", pages, rows)
		}
	}
}
