package index

import (
	"net/netip"
	"testing"
	"time"

	"dnsbld/listing"

	"pgregory.net/rapid"
)

// A query looks into the tree exactly where that has something in or around the
// /24 of an address, or a short prefix in or around its /8; and no bits are kept
// where there is nothing.
func TestNeedsTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, held := NewSet(), map[netip.Prefix]*listing.Entry{}
		var batch []listing.Change
		for more := rapid.IntRange(1, 60).Draw(t, "changes"); more > 0; more-- {
			ip := addr4(192<<24 | rapid.SampledFrom([]uint32{0, 1, 255}).Draw(t, "16")<<16 |
				rapid.SampledFrom([]uint32{0, 1, 2, 3, 63, 64, 127, 255}).Draw(t, "24")<<8 | rapid.Uint32Range(0, 255).Draw(t, "host"))
			p := netip.PrefixFrom(ip, rapid.SampledFrom([]int{7, 9, 15, 16, 17, 20, 22, 24, 26, 31, 32}).Draw(t, "length")).Masked()
			c := listing.Change{Kind: listing.EntryChange, Before: held[p], Last: true}
			if held[p] == nil || rapid.Bool().Draw(t, "again") {
				c.After = &listing.Entry{Key: listing.Key{Subject: listing.Subject{Prefix: p}, Reason: listing.Manual}, Until: time.Unix(4000, 0), PublicNote: "x"}
			}
			if held[p] = c.After; c.After == nil {
				delete(held, p)
			}
			if batch = append(batch, c); more > 1 && rapid.IntRange(0, 9).Draw(t, "wait") > 0 {
				continue
			}
			var err error
			if s, err = s.With(batch); err != nil {
				t.Fatal(err)
			}
			batch = nil
		}
		for n := range uint32(3 * 256) {
			ip := 192<<24 | []uint32{0, 1, 255}[n>>8]<<16 | n&0xff<<8
			want := false
			for p := range held {
				known := 24
				if p.Bits() < 16 {
					known = 8
				}
				want = want || p.Overlaps(netip.PrefixFrom(addr4(ip), known))
			}
			if got := s.spotOf(addr4(ip)).wide; got != want {
				t.Fatalf("%v: needs the tree: %t, want %t, with %v", addr4(ip), got, want, held)
			}
		}
		known := 0
		if p := s.pages[192]; p != nil {
			for n := range p.leaves {
				if w := p.leaves[n].wide; w > 0 {
					if known++; p.wide[w-1] == (wides{}) {
						t.Fatalf("192.%d: bits are kept, and none is set", n)
					}
				}
			}
		}
		if known > s.counts.wides {
			t.Fatalf("%d /16s have bits, %d are counted", known, s.counts.wides)
		}
	})
}
