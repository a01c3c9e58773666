package index_test

import (
	"encoding/binary"
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
		changes = append(changes, someNets(r, rapid.SampledFrom(netKinds).Draw(t, "nets"), rapid.SampledFrom(sizes).Draw(t, "how many"))...)
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

// netKind is how prefixes of a list lie: by length, in a space of so many bits
// that differ, from the front or from the back.
type netKind struct {
	bits, spread int
	back         bool
	nested       bool // some are of other lengths too
	reasons      int
}

var netKinds = []netKind{
	{bits: 64, spread: 40, reasons: 1},
	{bits: 64, spread: 14, reasons: 3},
	{bits: 128, spread: 60, reasons: 1},
	{bits: 128, spread: 14, back: true, reasons: 2},
	{bits: 26, spread: 24, reasons: 1},
	{bits: 26, spread: 12, reasons: 2},
	{bits: 64, spread: 16, nested: true, reasons: 2},
	{bits: 26, spread: 14, nested: true, reasons: 2},
}

func (k netKind) subject(r *rand.Rand) netip.Prefix {
	bits := k.bits
	if k.nested {
		bits -= r.IntN(4)
	}
	room := r.Uint64N(1 << k.spread)
	if k.bits <= 32 {
		return netip.PrefixFrom(host(100<<24+uint32(room)<<6).Addr(), bits).Masked()
	}
	a := netip.MustParseAddr("2001:db8::").As16()
	if k.back {
		binary.BigEndian.PutUint64(a[8:], room)
	} else {
		binary.BigEndian.PutUint64(a[:], binary.BigEndian.Uint64(a[:])+room)
		a[15] = byte(room)
	}
	return netip.PrefixFrom(netip.AddrFrom16(a), bits).Masked()
}

// someNets lists prefixes of a kind, a few of them as exceptions, by this list or
// by a source, with texts and ends of their own or without.
func someNets(r *rand.Rand, k netKind, n int) (changes []listing.Change) {
	for range n {
		e := &listing.Entry{Key: listing.Key{Subject: listing.Subject{Prefix: k.subject(r)}, Reason: listing.Reason(2 + r.IntN(k.reasons)), Source: "alpha"}}
		if r.IntN(8) == 0 {
			e.Until = at(1000 + r.Uint32N(10))
		}
		if r.IntN(100) == 0 {
			e.Source, e.Until, e.Except = "", at(1005), r.IntN(2) == 0
		}
		if r.IntN(30) == 0 {
			e.PublicNote = "own"
		}
		changes = append(changes, listing.Change{Kind: listing.EntryChange, After: e, Last: true})
	}
	return changes
}

// Prefixes that fill many blocks, alone or with others of their place, are
// answered as the rules say, whether looked up alone or in a batch of any size.
func TestNetsAnswerAsTheModel(t *testing.T) {
	for i, k := range netKinds {
		r := rand.New(rand.NewPCG(31, uint64(i)))
		for _, n := range []int{7, 8, 9, 70, 700, 4500} {
			m := newModel()
			changes := append([]listing.Change{feed("alpha", 1007)}, someNets(r, k, n)...)
			for _, c := range changes {
				m.apply(c)
			}
			s := mustWith(t, index.NewSet(), changes...)
			for _, spot := range locate(r, s, near(r, k, changes)) {
				checkSpot(t, s, m, &spot, 1003)
			}
		}
	}
}

// near are addresses that are listed, lie beside such, or are any of a kind.
func near(r *rand.Rand, k netKind, changes []listing.Change) (addrs []netip.Addr) {
	for range 30 {
		p := k.subject(r)
		if c := changes[r.IntN(len(changes))]; c.After != nil && r.IntN(3) > 0 {
			p = c.After.Subject.Prefix
		}
		addrs = append(addrs, p.Addr(), p.Addr().Next())
	}
	return addrs
}
