package index_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"
)

// bulkList is a list of many hosts, half clustered, half anywhere, and of one
// percent each of CIDRs and IPv6 hosts, all with an end of their own.
type bulkList struct {
	listing.Snapshot
	hosts []uint32
	own   bool
}

func newBulk(n int) bulkList {
	r := rand.New(rand.NewPCG(3, 4))
	l := bulkList{hosts: make([]uint32, 0, n), own: true}
	for len(l.hosts) < n/2 {
		net := r.Uint32() &^ 0xfff
		for range min(1024, n/2-len(l.hosts)) {
			l.hosts = append(l.hosts, net|r.Uint32()&0xfff)
		}
	}
	for len(l.hosts) < n {
		l.hosts = append(l.hosts, r.Uint32())
	}
	slices.Sort(l.hosts)
	l.hosts = slices.Compact(l.hosts)
	return l
}

func (l bulkList) Revision() listing.Revision       { return 1 }
func (l bulkList) Allows() ([]listing.Allow, error) { return nil, nil }
func (l bulkList) Sources() ([]listing.Source, error) {
	return []listing.Source{{Name: "alpha", Until: at(3000)}}, nil
}

func (l bulkList) Served() iter.Seq2[listing.Served, error] {
	return func(yield func(listing.Served, error) bool) {
		e := listing.Served{Key: listing.Key{Reason: listing.BareIP}, Until: at(3000)}
		if !l.own {
			e.Source, e.Until = "alpha", time.Time{}
		}
		for _, ip := range l.hosts {
			a := netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)})
			e.Subject = listing.Subject{Prefix: netip.PrefixFrom(a, 32)}
			if !yield(e, nil) {
				return
			}
		}
		r := rand.New(rand.NewPCG(5, 6))
		for n := range len(l.hosts) / 100 {
			e.Subject.Prefix = netip.PrefixFrom(host(r.Uint32()).Addr(), 20+n%12).Masked()
			yield(e, nil)
			a := netip.MustParseAddr("2001:db8::").As16()
			for i := 4; i < 16; i++ {
				a[i] = byte(r.Uint32() >> 9)
			}
			e.Subject.Prefix = netip.PrefixFrom(netip.AddrFrom16(a), 128)
			yield(e, nil)
		}
	}
}

// bulkSets keeps what is costly to make between benchmarks.
var bulkSets = struct {
	sync.Mutex
	n   int
	l   bulkList
	set *index.Set
}{}

func bulkSet(b *testing.B, n int) (bulkList, *index.Set) {
	bulkSets.Lock()
	defer bulkSets.Unlock()
	if bulkSets.set == nil || bulkSets.n != n {
		bulkSets.set = nil
		bulkSets.n, bulkSets.l = n, newBulk(n)
		live := index.NewLive()
		if err := live.Load(b.Context(), snapshotStore{snap: bulkSets.l}); err != nil {
			b.Fatal(err)
		}
		bulkSets.set = live.Set()
	}
	b.ResetTimer()
	return bulkSets.l, bulkSets.set
}

var sizes = []int{100_000, 1_000_000, 10_000_000}

// some are many addresses that are listed, or that lie beside such.
func some(l bulkList, s *index.Set, listed bool) []netip.Addr {
	r := rand.New(rand.NewPCG(7, 8))
	addrs := make([]netip.Addr, 1<<18)
	for i := range addrs {
		for {
			ip := l.hosts[r.IntN(len(l.hosts))]
			if !listed {
				ip ^= r.Uint32() & 0x3ff
			}
			addrs[i] = host(ip).Addr()
			if (len(s.Lookup(addrs[i], 2000, nil)) > 0) == listed {
				break
			}
		}
	}
	return addrs
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range sizes {
		for _, kind := range []string{"miss", "hit"} {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				l, s := bulkSet(b, n)
				addrs, hits := some(l, s, kind == "hit"), make([]index.Hit, 0, 8)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					hits = s.Lookup(addrs[i&(len(addrs)-1)], 2000, hits[:0])
				}
			})
		}
	}
}

// Lookups in batches, as datagrams come.
func BenchmarkLookupBatch(b *testing.B) {
	const batch = 32
	for _, n := range sizes {
		for _, kind := range []string{"miss", "hit"} {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				l, s := bulkSet(b, n)
				addrs, hits := some(l, s, kind == "hit"), make([]index.Hit, 0, 8)
				spots := make([]index.Spot, batch)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if i%batch == 0 {
						at := i & (len(addrs) - 1)
						s.Locate(addrs[at:at+batch], spots)
					}
					hits = s.LookupAt(&spots[i%batch], 2000, hits[:0])
				}
			})
		}
	}
}

func BenchmarkWithOneEdit(b *testing.B) {
	for _, n := range sizes[1:] {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			_, s := bulkSet(b, n)
			r := rand.New(rand.NewPCG(9, 10))
			b.ReportAllocs()
			for b.Loop() {
				c := listed(r.Uint32(), listing.Manual, "", 4000)
				next, err := s.With([]listing.Change{c})
				if err != nil {
					b.Fatal(err)
				}
				s = next
			}
		})
	}
}

// A million changes, in the order of a store, onto a list of some size.
func BenchmarkWithMillion(b *testing.B) {
	for _, n := range []int{0, 1_000_000, 10_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			_, s := bulkSet(b, n)
			var changes []listing.Change
			r := rand.New(rand.NewPCG(11, 12))
			ips := make([]uint32, 1_000_000)
			for i := range ips {
				ips[i] = r.Uint32()
			}
			slices.Sort(ips)
			for _, ip := range ips {
				changes = append(changes, listed(ip, listing.Imported, "alpha", 4000))
			}
			for b.Loop() {
				if _, err := s.With(changes); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEndSource(b *testing.B) {
	_, s := bulkSet(b, 10_000_000)
	s = mustWith(b, s, listed(1, listing.Imported, "alpha", 4000))
	for b.Loop() {
		mustWith(b, s, endOfFeed("alpha"))
	}
}

// snapshotStore is a store that can only be viewed.
type snapshotStore struct {
	listing.Store
	snap listing.Snapshot
}

func (s snapshotStore) View(_ context.Context, f func(listing.Snapshot) error) error {
	return f(s.snap)
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range sizes[1:] {
		for _, own := range []bool{true, false} {
			b.Run(fmt.Sprintf("%d/own=%t", n, own), func(b *testing.B) {
				bulkSets.n, bulkSets.set = 0, nil
				l := newBulk(n)
				l.own = own
				before := heap()
				live := index.NewLive()
				for b.Loop() {
					if err := live.Load(b.Context(), snapshotStore{snap: l}); err != nil {
						b.Fatal(err)
					}
				}
				used := heap() - before
				b.ReportMetric(float64(used)/float64(len(l.hosts)), "B/host")
				b.ReportMetric(float64(live.Set().Stats().Bytes)/float64(used), "estimate/heap")
				runtime.KeepAlive(live)
			})
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkDue(b *testing.B) {
	_, s := bulkSet(b, 10_000_000)
	for b.Loop() {
		s.Due(2000, 1000)
	}
}

func BenchmarkOverlaps(b *testing.B) {
	_, s := bulkSet(b, 10_000_000)
	r := rand.New(rand.NewPCG(13, 14))
	for b.Loop() {
		s.Overlaps(netip.PrefixFrom(host(r.Uint32()).Addr(), 24))
	}
}

// BenchmarkDueWide is a second of the sweep beside a million IPv6 hosts with
// ends of their own, of which some come in each.
func BenchmarkDueWide(b *testing.B) {
	const n, life = 1_000_000, 7 * 86400
	r := rand.New(rand.NewPCG(15, 16))
	var changes []listing.Change
	for range n {
		a := netip.MustParseAddr("2001:db8::").As16()
		for i := 4; i < 16; i++ {
			a[i] = byte(r.Uint32() >> 9)
		}
		e := &listing.Entry{Key: listing.Key{Subject: listing.HostSubject(netip.AddrFrom16(a)), Reason: listing.BareIP}, Until: at(1000 + r.Uint32N(life))}
		changes = append(changes, listing.Change{Kind: listing.EntryChange, After: e})
	}
	s := mustWith(b, index.NewSet(), changes...)
	now, ended := uint32(999), 0
	b.ReportAllocs()
	for b.Loop() {
		now++
		edits := s.Due(now, 8000)
		changes = changes[:0]
		for _, e := range edits {
			changes = append(changes, listing.Change{Kind: listing.EntryChange, Before: &listing.Entry{Key: e.Key}})
		}
		ended += len(edits)
		s = mustWith(b, s, changes...)
	}
	b.ReportMetric(float64(ended)/float64(b.N), "ended/op")
}
