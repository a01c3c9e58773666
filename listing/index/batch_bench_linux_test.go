package index_test

import (
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"dnsbld/listing/index"
)

// mixedList is a netList and as many hosts in the upper half of IPv4.
func mixedList(n int) (l netList) {
	l = newNetList(n, false)
	r := rand.New(rand.NewPCG(21, 22))
	for range n {
		l.nets = append(l.nets, host(1<<31|r.Uint32()).Prefix)
	}
	slices.SortFunc(l.nets, netip.Prefix.Compare)
	l.nets = slices.Compact(l.nets)
	return l
}

// beside is an address that is not listed, but near one that is.
func beside(r *rand.Rand, p netip.Prefix) netip.Addr {
	octets := p.Addr().AsSlice()
	octets[p.Bits()/8-1] ^= byte(1 + r.IntN(255))
	a, _ := netip.AddrFromSlice(octets)
	return a
}

// kind is addresses of a kind, and what batches of them took, in nanoseconds a lookup.
type kind struct {
	name  string
	addrs []netip.Addr
	took  []float64
}

// BenchmarkLookupBatchKinds looks up a million hosts, /26 and /64 each.
func BenchmarkLookupBatchKinds(b *testing.B) {
	l := mixedList(1_000_000)
	live := index.NewLive()
	if err := live.Load(b.Context(), snapshotStore{snap: l}); err != nil {
		b.Fatal(err)
	}
	s, r := live.Set(), rand.New(rand.NewPCG(23, 24))
	names := map[int]string{32: "host", 26: "net", 64: "IPv6"}
	var kinds []*kind
	for bits, name := range names {
		hit, miss := &kind{name: name + "-hit"}, &kind{name: name + "-miss"}
		for len(miss.addrs) < 1<<17 {
			p := l.nets[r.IntN(len(l.nets))]
			if a := beside(r, p); p.Bits() == bits && len(s.Lookup(a, 2000, nil)) == 0 {
				hit.addrs, miss.addrs = append(hit.addrs, p.Addr()), append(miss.addrs, a)
			}
		}
		kinds = append(kinds, hit, miss)
	}
	inTurns(b, s, kinds)
}

// BenchmarkLookupBatchMany looks up ten million hosts.
func BenchmarkLookupBatchMany(b *testing.B) {
	l, s := bulkSet(b, 10_000_000)
	inTurns(b, s, []*kind{{name: "hit", addrs: some(l, s, true)}, {name: "miss", addrs: some(l, s, false)}})
}

// inTurns looks kinds up in batches, in turns, so that what else the machine does
// meets all of them, and gives the median time of the processor of each.
func inTurns(b *testing.B, s *index.Set, kinds []*kind) {
	const batch, batches = 32, 128
	hits, spots := make([]index.Hit, 0, 8), make([]index.Spot, batch)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		for _, k := range kinds {
			began := threadClock()
			for n := range batches {
				at := (i*batches + n) * batch & (len(k.addrs) - 1)
				s.Locate(k.addrs[at:at+batch], spots)
				for j := range spots {
					hits = s.LookupAt(&spots[j], 2000, hits[:0])
				}
			}
			k.took = append(k.took, float64(threadClock()-began)/(batch*batches))
		}
	}
	for _, k := range kinds {
		slices.Sort(k.took)
		b.ReportMetric(k.took[len(k.took)/2], k.name+"-ns")
	}
}

// threadClock is the time of the processor that this thread has had, in nanoseconds.
func threadClock() int64 {
	var t syscall.Timespec
	const id = 3 // CLOCK_THREAD_CPUTIME_ID
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}
