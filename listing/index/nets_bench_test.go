package index_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"testing"

	"dnsbld/listing"
	"dnsbld/listing/index"
)

// netList is a million random /64 in 2a00::/12 and a million random /26 in 11/8
// to 99/8, or as many hosts with a text each, in the order of a store.
type netList struct {
	listing.Snapshot
	nets []netip.Prefix
	text bool
}

func newNetList(n int, text bool) netList {
	r := rand.New(rand.NewPCG(17, 18))
	l := netList{text: text}
	for range n {
		ip := (11+r.Uint32N(89))<<24 | r.Uint32N(1<<24)
		if text {
			l.nets = append(l.nets, host(ip).Prefix)
			continue
		}
		six := [16]byte{0x2a, byte(r.Uint32() & 15)}
		for i := 2; i < 8; i++ {
			six[i] = byte(r.Uint32())
		}
		l.nets = append(l.nets, netip.PrefixFrom(host(ip).Addr(), 26).Masked(), netip.PrefixFrom(netip.AddrFrom16(six), 64))
	}
	slices.SortFunc(l.nets, netip.Prefix.Compare)
	l.nets = slices.Compact(l.nets)
	return l
}

func (l netList) Revision() listing.Revision       { return 1 }
func (l netList) Allows() ([]listing.Allow, error) { return nil, nil }
func (l netList) Sources() ([]listing.Source, error) {
	return []listing.Source{{Name: "alpha", Until: at(3000)}}, nil
}

func (l netList) Served() iter.Seq2[listing.Served, error] {
	return func(yield func(listing.Served, error) bool) {
		for n, p := range l.nets {
			e := listing.Served{Key: listing.Key{Subject: listing.Subject{Prefix: p}, Reason: listing.BareIP, Source: "alpha"}}
			if l.text {
				e.Text = fmt.Sprintf("seen by mx1.example.test in session %d", n)
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func BenchmarkLoadNets(b *testing.B) {
	for _, text := range []bool{false, true} {
		b.Run(fmt.Sprintf("text=%t", text), func(b *testing.B) {
			l := newNetList(1_000_000, text)
			before := heap()
			live := index.NewLive()
			for b.Loop() {
				if err := live.Load(b.Context(), snapshotStore{snap: l}); err != nil {
					b.Fatal(err)
				}
			}
			used := heap() - before
			b.ReportMetric(float64(used)/1e6, "MB")
			b.ReportMetric(float64(live.Set().Stats().Bytes)/float64(used), "estimate/heap")
			runtime.KeepAlive(live)
			runtime.KeepAlive(l) // or it would be gone from the heap
		})
	}
}

func BenchmarkLookupNets(b *testing.B) {
	l := newNetList(1_000_000, false)
	s, err := index.FromSnapshot(l)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(19, 20))
	for _, is6 := range []bool{false, true} {
		for _, hit := range []bool{false, true} {
			b.Run(fmt.Sprintf("ipv6=%t/hit=%t", is6, hit), func(b *testing.B) {
				var addrs []netip.Addr
				for len(addrs) < 1<<18 {
					a := l.nets[r.IntN(len(l.nets))].Addr()
					if a.Is6() != is6 {
						continue
					}
					if !hit && is6 {
						x := a.As16()
						x[7] ^= byte(1 + r.IntN(255))
						a = netip.AddrFrom16(x)
					} else if !hit {
						x := a.As4()
						x[2] ^= byte(1 + r.IntN(255))
						a = netip.AddrFrom4(x)
					}
					addrs = append(addrs, a)
				}
				hits := make([]index.Hit, 0, 8)
				b.ResetTimer()
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					hits = s.Lookup(addrs[i&(len(addrs)-1)], 2000, hits[:0])
				}
			})
		}
	}
	b.Run("edit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p := l.nets[r.IntN(len(l.nets))]
			e := &listing.Entry{Key: listing.Key{Subject: listing.Subject{Prefix: netip.PrefixFrom(p.Addr(), p.Bits()+1)}, Reason: listing.Manual}, Until: at(4000)}
			next, err := s.With([]listing.Change{{Kind: listing.EntryChange, After: e}})
			if err != nil {
				b.Fatal(err)
			}
			s = next
		}
	})
}
