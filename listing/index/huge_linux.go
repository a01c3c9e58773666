package index

import (
	"syscall"
	"unsafe"
)

const (
	hugePage     = 2 << 20
	madvCollapse = 25 // madvise(2), Linux 6.1
	// worthwhile is how much of a huge page must be the list's. The rest may
	// have been given back to the system, and would be taken again.
	worthwhile = hugePage * 3 / 4
)

// useHugePages asks the kernel to keep what a large list holds in pages of
// 2 MB instead of 4 KB: a lookup waits for the tables of small pages about as
// long as for what is in them. It moves nothing that a query could see, and
// says how many such pages there are now: none on a kernel that cannot.
func (s *Set) useHugePages() (pages int) {
	for at, octets := range s.spread() {
		if octets < worthwhile {
			continue
		}
		if _, _, errno := syscall.Syscall(syscall.SYS_MADVISE, at, hugePage, madvCollapse); errno == 0 {
			pages++
		}
	}
	return pages
}

// spread is how many octets of leaves and trees lie in each huge page.
func (s *Set) spread() map[uintptr]int {
	in := map[uintptr]int{}
	add := func(start, size uintptr) {
		for size > 0 {
			n := min(size, hugePage-start%hugePage)
			in[start&^(hugePage-1)] += int(n)
			start, size = start+n, size-n
		}
	}
	for _, p := range s.pages {
		if p == nil {
			continue
		}
		add(uintptr(unsafe.Pointer(p)), unsafe.Sizeof(*p))
		for i := range p.leaves {
			slab := p.leaves[i].slab
			add(uintptr(unsafe.Pointer(unsafe.SliceData(slab))), 2*uintptr(cap(slab)))
		}
	}
	for _, t := range []*tree{s.nets4, s.nets6} {
		for _, p := range t.pages {
			add(uintptr(unsafe.Pointer(p)), unsafe.Sizeof(*p))
			for i := range int(p.n) {
				if i%rowMax == 0 {
					add(uintptr(unsafe.Pointer(p.rows[i/rowMax])), unsafe.Sizeof(row{}))
				}
				slab := p.block(i).slab
				add(uintptr(unsafe.Pointer(unsafe.SliceData(slab))), 8*uintptr(cap(slab)))
			}
		}
	}
	return in
}
