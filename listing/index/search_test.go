package index

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// Whatever the number of entries makes of a leaf, every search ends at the
// first entry that is not before: around each entry, and so around the first
// and the last of each block, of each line of guides and of the leaf.
func TestLeafSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, own := range []bool{false, true} {
		perBlock := line / 4
		if !own {
			perBlock = line / 2
		}
		var sizes []int
		for _, blocks := range []int{0, 1, 2, few - 1, few, few + 1, line - 1, line, line + 1, 2*line - 1, 2 * line, 2*line + 1, line * line, line*line + 1} {
			for entries := -1; entries <= 2; entries++ {
				sizes = append(sizes, max(blocks*perBlock+entries, 1))
			}
		}
		slices.Sort(sizes)
		for _, n := range slices.Compact(sizes) {
			for _, run := range []int{1, 3, perBlock + 1} { // classes of one address
				checkSearch(t, r, n, run, own)
			}
		}
	}
}

func checkSearch(t *testing.T, r *rand.Rand, n, run int, own bool) {
	t.Helper()
	lows := r.Perm(1 << 16)[:(n+run-1)/run]
	if r.IntN(2) == 0 {
		lows[0], lows[len(lows)-1] = 0, vacant // the edges, of which one looks like what is vacant
	}
	slices.Sort(lows)
	lows = slices.Compact(lows)
	var d leafBuilder
	var first []int // of the entries of each address
	for _, low := range lows {
		first = append(first, len(d)/4)
		for class := range min(run, n-len(d)/4) {
			until := uint32(0)
			if own {
				until = uint32(low) + 1
			}
			d.add(uint16(low), uint16(class+1), until)
		}
	}
	l := d.leaf()
	if l.form.ends() != own {
		t.Fatalf("%d entries, ends %t", n, !own)
	}
	if l.form.bitmap() {
		first = lows
	}
	want := func(low int) int {
		i, _ := slices.BinarySearch(lows, low)
		if i == len(first) {
			return l.end()
		}
		return first[i]
	}
	for i, low := range lows {
		for near := max(low-1, 0); near <= min(low+1, vacant); near++ {
			if got := l.search(uint16(near)); got != want(near) {
				t.Fatalf("%d entries in runs of %d, ends %t: search of %d ends at %d, want %d", n, run, own, near, got, want(near))
			}
		}
		if got, class, until := l.at(first[i]); int(got) != low || class != 1 || (until > 0) != own {
			t.Fatalf("%d entries: entry %d is %d, %d, %d", n, first[i], got, class, until)
		}
	}
}

// The leaf's shape is that of its description.
func TestLeafShape(t *testing.T) {
	for _, row := range []struct {
		n    int
		ends bool
		want shape
	}{
		{1, true, shape{0, 0, 0}},
		{8, true, shape{0, 0, 0}},
		{9, true, shape{1, 0, 0}},
		{32, true, shape{3, 0, 0}},
		{33, true, shape{4, 0, line}},
		{64, false, shape{3, 0, 0}},
		{65, false, shape{4, 0, line}},
		{8 * line, true, shape{line - 1, 0, line}},
		{8*line + 1, true, shape{line, line, 2 * line}},
		{65536, true, shape{8191, 256, 256 + 8192}},
	} {
		t.Run(fmt.Sprint(row.n, row.ends), func(t *testing.T) {
			if got := newForm(row.n, row.ends, false).shape(); got != row.want {
				t.Errorf("%+v, want %+v", got, row.want)
			}
		})
	}
}

// A leaf of one class is a bitmap as soon as that takes less memory, and no sooner.
func TestBitmapIsLess(t *testing.T) {
	for _, n := range []int{crowded - 1, crowded, 1 << 16} {
		f := newForm(n, false, true)
		s := (f &^ 1).shape() // as if it were none
		if words := s.entryAt + roundUp(n); f.bitmap() != (words > bitmapWords) {
			t.Errorf("%d entries of %d words: bitmap %t", n, words, f.bitmap())
		}
		if newForm(n, true, true).bitmap() || newForm(n, false, false).bitmap() {
			t.Errorf("%d entries of many kinds are a bitmap", n)
		}
	}
}

// A query waits for one line to know a leaf.
func TestLeafIsInOneLine(t *testing.T) {
	for range 4 {
		b := newBuilder(NewSet())
		slot, _ := b.slot(198<<8 | 51)
		if at, size := uintptr(unsafe.Pointer(slot)), unsafe.Sizeof(*slot); at/(2*line) != (at+size-1)/(2*line) {
			t.Fatalf("a leaf of %d octets at %#x", size, at)
		}
	}
}
