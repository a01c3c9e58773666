package index

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
)

// netKey is what an entry of a tree is known by.
type netKey struct {
	place
	length uint8
	class  uint16
}

func (e *entry) key() netKey { return netKey{e.place, e.length, e.class} }

// treeModel is a tree that is a map.
type treeModel map[netKey]net

// spread is where random prefixes lie: close together, so that they nest and
// fill blocks at every depth, with both halves of an address in use.
type spread struct {
	lengths []uint8
	width   uint64 // of the random bits below the fixed ones
	low     bool   // vary the second half of an address too
	classes int
}

func (s spread) random(r *rand.Rand) entry {
	n := s.lengths[r.IntN(len(s.lengths))]
	p := place{hi: 0x2001_0db8<<32 | r.Uint64N(s.width)}
	if s.low {
		p.lo = r.Uint64N(s.width) << 56
	}
	return entry{p.masked(n), net{class: uint16(1 + r.IntN(s.classes)), length: n}}
}

// A tree is a map, whatever comes and goes: it has the entries of the map, in
// order; knows of each block what lies around it; and finds every prefix around
// an address.
func TestTreeIsAMap(t *testing.T) {
	every := make([]uint8, 129)
	for n := range every {
		every[n] = uint8(n)
	}
	for name, s := range map[string]spread{
		"one length":    {lengths: []uint8{64}, width: 1 << 20, classes: 1},
		"nested":        {lengths: []uint8{40, 48, 52, 56, 60, 62, 64}, width: 1 << 14, classes: 2},
		"every length":  {lengths: every, width: 1 << 8, low: true, classes: 1},
		"hosts":         {lengths: []uint8{64, 65, 72, 128}, width: 1 << 5, low: true, classes: 2},
		"crowded":       {lengths: []uint8{60, 64}, width: 1 << 5, classes: 400},
		"wide and tiny": {lengths: []uint8{0, 1, 32, 128}, width: 1 << 10, low: true, classes: 3},
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			tree, model := new(tree), treeModel{}
			for round := range map[bool]int{false: 30, true: 10}[testing.Short()] {
				before := maps.Clone(model)
				older := tree
				tree = randomMerge(t, r, s, tree, model, round)
				checkTree(t, tree, model)
				checkTree(t, older, before) // a tree never changes
				for range 20 {
					checkAround(t, tree, model, s.random(r).place)
				}
			}
		})
	}
}

// A tree keeps nothing of what it was made with: that is as large again.
func TestTreeKeepsNoMerger(t *testing.T) {
	gone := make(chan bool)
	tree := func() *tree {
		m := &merger{count: func(entry, int) {}}
		runtime.AddCleanup(m, func(gone chan bool) { close(gone) }, gone)
		return m.merge(new(tree), []netOp{{entry: entry{place{hi: 1 << 32}, net{length: 32, class: 1}}}})
	}()
	for end := time.Now().Add(time.Minute); ; {
		runtime.GC()
		select {
		case <-gone:
		case <-time.After(100 * time.Millisecond):
			if time.Now().Before(end) {
				continue
			}
			t.Error("the merger is still there")
		}
		break
	}
	if tree.size != 1 {
		t.Errorf("%d entries", tree.size)
	}
}

// randomMerge changes a tree and its model alike: a little, much, by taking
// out, or by the end of a class.
func randomMerge(t *testing.T, r *rand.Rand, s spread, old *tree, model treeModel, round int) *tree {
	counted := len(model)
	m := merger{count: func(_ entry, by int) { counted += by }}
	var ops []netOp
	if round%10 == 9 {
		m.gone = make([]bool, s.classes+1)
		m.gone[1+r.IntN(s.classes)] = true
		maps.DeleteFunc(model, func(k netKey, _ net) bool { return m.gone[k.class] })
	} else {
		ops = randomOps(r, s, model, []int{1, 1, 7, 300, 3000}[r.IntN(5)], r.IntN(3) == 0)
	}
	next := m.merge(old, ops)
	if counted != len(model) {
		t.Fatalf("the count is off by %d", counted-len(model))
	}
	return next
}

func randomOps(r *rand.Rand, s spread, model treeModel, n int, remove bool) (ops []netOp) {
	keys := slices.SortedFunc(maps.Keys(model), compareNetKeys)
	for seq := range n {
		o := netOp{entry: s.random(r), seq: uint32(seq)}
		if remove && len(keys) > 0 {
			k := keys[r.IntN(len(keys))]
			o.entry, o.remove = entry{k.place, net{class: k.class, length: k.length}}, true
		}
		if r.IntN(4) == 0 {
			o.until = 1 + r.Uint32N(1000)
		}
		if r.IntN(9) == 0 {
			o.text = 1 + r.Uint32N(1000)
		}
		o.except = r.IntN(8) == 0
		ops = append(ops, o)
		if delete(model, o.key()); !o.remove {
			model[o.key()] = o.net
		}
	}
	sortNetOps(ops)
	return ops
}

func compareNetKeys(a, b netKey) int {
	return cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo), cmp.Compare(a.length, b.length), cmp.Compare(a.class, b.class))
}

func checkEntries(t *testing.T, tree *tree, model treeModel) {
	t.Helper()
	keys := slices.SortedFunc(maps.Keys(model), compareNetKeys)
	n := 0
	tree.each(func(p place, e net) bool {
		got := entry{p, e}
		if n == len(keys) || got.key() != keys[n] || e != model[keys[n]] {
			t.Fatalf("entry %d of %d is %v", n, len(keys), got)
		}
		n++
		return true
	})
	if n != len(model) || tree.size != n {
		t.Fatalf("%d entries, size %d, want %d", n, tree.size, len(model))
	}
}

// checkTree checks the entries, the ends, and what blocks know of those before.
func checkTree(t *testing.T, tree *tree, model treeModel) {
	t.Helper()
	checkEntries(t, tree, model)
	var due []netKey
	tree.eachDue(500, func(p place, e net) bool {
		due = append(due, netKey{p, e.length, e.class})
		return true
	})
	want := maps.Clone(model)
	maps.DeleteFunc(want, func(_ netKey, e net) bool { return e.until == 0 || e.until > 500 })
	if !slices.Equal(due, slices.SortedFunc(maps.Keys(want), compareNetKeys)) {
		t.Fatalf("%d are due, want %d", len(due), len(want))
	}
	octets := int64(0)
	for n, p := range tree.pages {
		octets += p.bytes + branchBytes
		if p.n == 0 || p.n > pageMax || tree.first.at(n) != p.first().at(0) {
			t.Fatalf("page %d has %d blocks", n, p.n)
		}
		for k := n % 3; k < int(p.n); k += 3 { // costly
			checkBlock(t, tree, spot{n, k, 0}, model)
		}
	}
	if tree.bytes != octets {
		t.Fatalf("%d octets, of all pages %d", tree.bytes, octets)
	}
}

func checkBlock(t *testing.T, tree *tree, s spot, model treeModel) {
	t.Helper()
	b := tree.at(s)
	if b.n == 0 || b.n > blockMax || b.has(isFresh) || tree.pages[s.page].first().at(s.block) != b.place(0) {
		t.Fatalf("block %v has %d entries", s, b.n)
	}
	first := entry{b.place(0), b.net(0)}
	var around lengths
	for k := range model {
		if compareNetKeys(k, first.key()) < 0 && first.masked(k.length) == k.place {
			around.add(k.length)
		}
	}
	if around != b.more.around {
		t.Fatalf("around block %v lie %x, want %x", s, b.more.around, around)
	}
}

func checkAround(t *testing.T, tree *tree, model treeModel, at place) {
	t.Helper()
	got, want := map[netKey]bool{}, map[netKey]bool{}
	d := tree.descend(at)
	left := d.holders()
	for n, ok := left.take(); ok; n, ok = left.take() {
		s, found := tree.get(&d, n)
		for p := at.masked(n); found; s, found = tree.more(s, p, n) {
			got[netKey{p, n, tree.at(s).net(s.entry).class}] = true
		}
	}
	for k := range model {
		if at.masked(k.length) == k.place {
			want[k] = true
		}
	}
	if !maps.Equal(got, want) {
		t.Fatalf("around %x: %d entries, want %d", at, len(got), len(want))
	}
	for _, length := range []uint8{0, 33, 57, 64, 65, 128} {
		p, overlaps := at.masked(length), false
		for k := range model {
			overlaps = overlaps || k.masked(min(k.length, length)) == p.masked(min(k.length, length))
		}
		if got := tree.overlaps(p, length); got != overlaps {
			t.Fatalf("%x/%d overlaps: %t", p, length, got)
		}
	}
}

func (t *texts) has(number uint32, text string) bool {
	got := t.at(number)
	return got.is(text, false)
}

// A text is found again under its number, also when two go on from the same
// texts, and what is given up is given back.
func TestTexts(t *testing.T) {
	var base texts
	numbers := map[uint32]string{}
	for n := range 5000 {
		s := fmt.Sprintf("seen by mx%d.example %0*d", n, n%300, 0)
		numbers[base.add(s, false)] = s
	}
	one, other := base, base
	a, b := one.add("one", false), other.add("other", false)
	if !one.has(a, "one") || !other.has(b, "other") {
		t.Errorf("%v and %v", one.at(a), other.at(b))
	}
	for number, want := range numbers {
		if number == 0 || !other.has(number, want) {
			t.Fatalf("%d is %v, want %q", number, other.at(number), want)
		}
	}
	if len(numbers) != 5000 || base.size() > 2*base.bytes {
		t.Errorf("%d numbers, %d bytes for %d", len(numbers), base.size(), base.bytes)
	}
	var alike texts
	for n := range 5000 {
		number, want := uint32(0), fmt.Sprintf("seen by mx%d.example.test in session %d", n%3, n*7919)
		if number = alike.add(want, n%2 == 0); number == 0 {
			t.Fatal("no room")
		}
		if got := alike.at(number); !got.is(want, n%2 == 0) {
			t.Fatalf("%v, want %q", got, want)
		}
	}
	if alike.bytes > 16*5000 {
		t.Errorf("%d octets for 5000 texts that begin alike", alike.bytes)
	}
}
