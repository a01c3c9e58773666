package index

import (
	"errors"
	"syscall"
	"testing"
	"unsafe"
)

// A large set moves into huge pages where the kernel has them, and a small one
// never does.
func TestHugePages(t *testing.T) {
	b := newBuilder(NewSet())
	for ip := range uint32(1 << 20) {
		b.queue(op{addr: 198<<24 | ip, class: 0, until: ip | 1})
	}
	large, err := b.finish()
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	if canCollapse(t) {
		want = 1 // at the least: the kernel may lack more of them
	}
	if got := large.useHugePages(); got < want {
		t.Errorf("%d huge pages, want at least %d", got, want)
	}
	for ip := range uint32(1 << 20) {
		l := large.leafAt(198<<24 | ip)
		if _, _, until := l.at(l.search(uint16(ip))); until != ip|1 {
			t.Fatalf("entry %d ends at %d", ip, until)
		}
	}
	if got := NewSet().useHugePages(); got != 0 {
		t.Errorf("the empty set has %d huge pages", got)
	}
}

// canCollapse reports whether this kernel makes huge pages when asked to.
func canCollapse(t *testing.T) bool {
	memory, err := syscall.Mmap(-1, 0, 2*hugePage, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(memory)
	clear(memory)
	at := (uintptr(unsafe.Pointer(&memory[0])) + hugePage - 1) &^ (hugePage - 1)
	_, _, errno := syscall.Syscall(syscall.SYS_MADVISE, at, hugePage, madvCollapse)
	if errno != 0 && !errors.Is(errno, syscall.EINVAL) {
		t.Logf("the kernel made no huge page: %v", errno)
	}
	return errno == 0
}
