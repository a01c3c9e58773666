package index_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"

	"pgregory.net/rapid"
)

// crowd lists n addresses of a /16, some for several reasons and by a source,
// with ends of their own or not; a few are listed in ways that are not a
// leaf's.
func crowd(r *rand.Rand, net uint32, n int, ends bool) (changes []listing.Change) {
	for range n {
		low := r.Uint32() & 0xffff
		if r.IntN(2) == 0 {
			low = low&0x0f00 | low>>12&1*0xff // crowded
		}
		for range 1 + r.IntN(12)/10*r.IntN(20) {
			c := listed(net|low, listing.Reason(2+r.IntN(250)), "alpha", 1000+r.Uint32N(10))
			if !ends {
				c.After.Until = time.Time{}
			} else if r.IntN(2) == 0 {
				c.After.Source = ""
			}
			changes = append(changes, c)
		}
		if r.IntN(50) == 0 {
			changes = append(changes, listing.Change{Kind: listing.EntryChange, After: &listing.Entry{
				Key:    listing.Key{Subject: listing.Subject{Prefix: netip.PrefixFrom(host(net|low).Addr(), 16+r.IntN(17)).Masked()}, Reason: listing.Manual},
				Except: r.IntN(3) == 0, Until: at(1005), PublicNote: "own"}})
		}
	}
	return changes
}

// To locate a batch and then look it up is to look up one after the other,
// also when the spots were used before, for another set.
func TestLocateIsLookup(t *testing.T) {
	sizes := []int{0, 1, 7, 8, 9, 17, 31, 33, 64, 65, 255, 257, 300, 520, 4000}
	spots := make([]index.Spot, 32)
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		changes := []listing.Change{feed("alpha", 1007)}
		var lows []uint32
		for _, net := range []uint32{0, 198<<24 | 51<<16, 0xffff0000} {
			size := rapid.SampledFrom(sizes).Draw(t, "size")
			changes = append(changes, crowd(r, net, size, rapid.Bool().Draw(t, "ends"))...)
			lows = append(lows, net, net|0xffff, net|r.Uint32()&0xffff)
		}
		changes = append(changes, entry("2001:db8::7/128", ""), entry("2001:db8::/33", "alpha"), entry("192.0.2.0/24", ""))
		s := mustWith(t, index.NewSet(), changes...)
		for range 20 {
			addrs := batchOf(r, changes, lows)
			s.Locate(addrs, spots)
			for i, a := range addrs {
				now := 999 + r.Uint32N(10)
				got, want := s.LookupAt(&spots[i], now, nil), s.Lookup(a, now, nil)
				if spots[i].Addr() != a || !slices.Equal(got, want) {
					t.Fatalf("%s at %d, number %d of %d: %+v, want %+v", a, now, i, len(addrs), got, want)
				}
			}
		}
	})
}

// batchOf is up to a batch of addresses that are listed, lie beside such, or
// are anything.
func batchOf(r *rand.Rand, changes []listing.Change, lows []uint32) []netip.Addr {
	var addrs []netip.Addr
	for range r.IntN(33) {
		a := netip.MustParseAddr("2001:db8::8")
		switch r.IntN(6) {
		case 0:
			a = host(r.Uint32()).Addr()
		case 1:
			a = host(lows[r.IntN(len(lows))]).Addr()
		default:
			if c := changes[r.IntN(len(changes))]; c.After != nil {
				a = c.After.Subject.Addr()
			}
			if near := a.Next(); r.IntN(2) == 0 && near.IsValid() {
				a = near
			}
		}
		addrs = append(addrs, a)
	}
	return addrs
}
