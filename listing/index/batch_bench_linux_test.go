package index_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"dnsbld/listing"
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
	benchKinds(b, mixedList(1_000_000), map[int]string{32: "host", 26: "net", 64: "IPv6"})
}

// BenchmarkLookupBatchCrowded looks up a thousand /64 in each of a thousand /48, and
// a million hosts in one /64.
func BenchmarkLookupBatchCrowded(b *testing.B) {
	r := rand.New(rand.NewPCG(25, 26))
	var l netList
	a := [16]byte{0x2a}
	for range 1000 {
		binary.BigEndian.PutUint32(a[2:], r.Uint32())
		for range 1000 {
			binary.BigEndian.PutUint16(a[6:], uint16(r.Uint32()))
			l.nets = append(l.nets, netip.PrefixFrom(netip.AddrFrom16(a), 64))
		}
	}
	a = [16]byte{0x20, 1, 0xd, 0xb8}
	for range 1_000_000 {
		binary.BigEndian.PutUint64(a[8:], r.Uint64())
		l.nets = append(l.nets, netip.PrefixFrom(netip.AddrFrom16(a), 128))
	}
	slices.SortFunc(l.nets, netip.Prefix.Compare)
	l.nets = slices.Compact(l.nets)
	benchKinds(b, l, map[int]string{64: "sites", 128: "one64"})
}

// benchKinds looks up what is in a list, and beside, by length.
func benchKinds(b *testing.B, l netList, names map[int]string) {
	live := index.NewLive()
	if err := live.Load(b.Context(), snapshotStore{snap: l}); err != nil {
		b.Fatal(err)
	}
	s, r := live.Set(), rand.New(rand.NewPCG(23, 24))
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

// crowdedSet is ten million hosts of a source in 500 crowded /16.
func crowdedSet(b *testing.B) (bulkList, *index.Set) {
	r := rand.New(rand.NewPCG(25, 26))
	var l bulkList
	for n := range uint32(500) {
		for range 20_000 {
			l.hosts = append(l.hosts, (11+n/8)<<24|n%8<<21|r.Uint32()&0xffff)
		}
	}
	slices.Sort(l.hosts)
	l.hosts = slices.Compact(l.hosts)
	live := index.NewLive()
	if err := live.Load(b.Context(), snapshotStore{snap: l}); err != nil {
		b.Fatal(err)
	}
	return l, live.Set()
}

// BenchmarkLookupBatchCrowds looks up hosts of crowded /16.
func BenchmarkLookupBatchCrowds(b *testing.B) {
	l, s := crowdedSet(b)
	defer func() { b.ReportMetric(float64(s.Stats().Bytes)/1e6, "MB") }()
	inTurns(b, s, []*kind{{name: "hit", addrs: some(l, s, true)}, {name: "miss", addrs: some(l, s, false)}})
}

// BenchmarkEditCrowd edits a host of a crowded /16: one more that ends with its
// source, one that makes the last that is crowded and goes again, and one more of
// another class, to which all of the leaf is written anew.
func BenchmarkEditCrowd(b *testing.B) {
	of := func(n int) *index.Set {
		changes := []listing.Change{feed("alpha", 9000)}
		for low := range n {
			changes = append(changes, fromAlpha(low))
		}
		return mustWith(b, index.NewSet(), changes...)
	}
	back := []listing.Change{fromAlpha(0xffff), ended(fromAlpha(0xffff))}
	for _, row := range []struct {
		name    string
		hosts   int
		changes []listing.Change
	}{{"host", 65_000, back}, {"border", 3936, back}, {"small", 2000, back},
		{"mixed", 65_536, []listing.Change{listed(crowdNet, listing.Manual, "", 4000), ended(listed(crowdNet, listing.Manual, "", 4000))}}} {
		b.Run(row.name, func(b *testing.B) {
			s := of(row.hosts)
			b.ReportAllocs()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			began := threadClock()
			for i := 0; b.Loop(); i++ {
				s = mustWith(b, s, row.changes[i&1])
			}
			b.ReportMetric(float64(threadClock()-began)/float64(b.N), "cpu-ns/op")
		})
	}
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

// BenchmarkEditNets makes one edit after the other among a million /26 and /64, and
// gives the median time of the processor that one takes its thread, and the mean.
func BenchmarkEditNets(b *testing.B) {
	l := newNetList(1_000_000, false)
	s, err := index.FromSnapshot(l)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(27, 28))
	var took []int64
	all := int64(0)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ReportAllocs()
	for b.Loop() {
		p := l.nets[r.IntN(len(l.nets))]
		c := change(netip.PrefixFrom(p.Addr(), p.Bits()+1), listing.Manual, "", false)
		began := threadClock()
		if s, err = s.With([]listing.Change{c}); err != nil {
			b.Fatal(err)
		}
		took = append(took, threadClock()-began)
	}
	for _, one := range took {
		all += one
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e3, "us-CPU")
	b.ReportMetric(float64(all)/float64(len(took))/1e3, "us-CPU-mean") // with the collector's share
}

// threadClock is the time of the processor that this thread has had, in nanoseconds.
func threadClock() int64 {
	var t syscall.Timespec
	const id = 3 // CLOCK_THREAD_CPUTIME_ID
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}
