package index_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"dnsbld/listing"
	"dnsbld/listing/index"
)

func host(ip uint32) listing.Subject {
	return listing.HostSubject(netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)}))
}

func listed(ip uint32, reason listing.Reason, source string, until uint32) listing.Change {
	return listing.Change{Kind: listing.EntryChange, Last: true, After: &listing.Entry{
		Key: listing.Key{Subject: host(ip), Reason: reason, Source: source}, Until: at(until)}}
}

func ended(c listing.Change) listing.Change {
	return listing.Change{Kind: listing.EntryChange, Last: true, Before: c.After}
}

// A leaf holds one entry, as many as it has room for lines of guides, or more
// than there are addresses.
func TestLeafSizes(t *testing.T) {
	const net = 198<<24 | 18<<16
	for _, n := range []int{1, 2, 3, 255, 2047, 2048, 2049, 65535, 65536} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			stride := 65536 / n
			var changes []listing.Change
			for i := range n {
				changes = append(changes, listed(net+uint32(i*stride), listing.BareIP, "", 2000), listed(net+uint32(i*stride), listing.Manual, "", 3000))
			}
			rand.New(rand.NewPCG(1, uint64(n))).Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
			s := mustWith(t, index.NewSet(), changes...)
			if got := s.Stats().Hosts; got != 2*n {
				t.Fatalf("%d hosts, want %d", got, 2*n)
			}
			hits := make([]index.Hit, 0, 8)
			for i := range 65536 {
				want := 0
				if i%stride == 0 && i/stride < n {
					want = 2
				}
				if hits = s.Lookup(host(net+uint32(i)).Addr(), 1000, hits[:0]); len(hits) != want {
					t.Fatalf("host %d: %d hits, want %d", i, len(hits), want)
				}
			}
			if got := len(s.Due(2000, 1<<20)); got != n {
				t.Errorf("%d due, want %d", got, n)
			}
			for i := range changes {
				changes[i] = ended(changes[i])
			}
			if s = mustWith(t, s, changes...); s.Stats() != (index.Stats{}) || s.Overlaps(netip.MustParsePrefix("0.0.0.0/0")) {
				t.Errorf("something is left: %+v", s.Stats())
			}
		})
	}
}

// Every address of a /16 is found, and no other, however they lie.
func TestLeafShapes(t *testing.T) {
	const net = 198<<24 | 18<<16
	r := rand.New(rand.NewPCG(5, 6))
	shapes := map[string]func() uint32{
		"anywhere":     func() uint32 { return r.Uint32() & 0xffff },
		"low end":      func() uint32 { return r.Uint32() & 0x3ff },
		"high end":     func() uint32 { return 0xffff - r.Uint32()&0x3ff },
		"one cluster":  func() uint32 { return 0x4ff0 + r.Uint32()&0xff },
		"two clusters": func() uint32 { return r.Uint32()&0x80ff | 0x1f00 },
		"ever denser":  func() uint32 { x := r.Uint32() & 0xff; return x * x },
	}
	for name, shape := range shapes {
		for _, n := range []int{10, 32, 33, 34, 50, 300, 1000, 4000, 20_000} {
			if testing.Short() && n != 33 && n != 300 && n != 20_000 {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				want := make([]bool, 65536)
				var changes []listing.Change
				for range n {
					low := shape()
					want[low] = true
					changes = append(changes, listed(net|low, listing.BareIP, "", 2000))
				}
				s := mustWith(t, index.NewSet(), changes...)
				for low, want := range want {
					p := host(net | uint32(low))
					if got := len(s.Lookup(p.Addr(), 1000, nil)) == 1; got != want {
						t.Fatalf("%s: listed %t, want %t", p, got, want)
					}
					if got := s.Overlaps(p.Prefix); got != want {
						t.Fatalf("%s: overlaps %t, want %t", p, got, want)
					}
				}
			})
		}
	}
}

// An entry of any kind that ends leaves nothing behind.
func TestNothingIsLeft(t *testing.T) {
	for _, prefix := range []string{"192.0.2.7/32", "192.0.2.0/24", "192.0.0.0/16", "192.0.0.0/15", "0.0.0.0/0", "2001:db8::/32", "2001:db8::7/128"} {
		for _, kind := range []func(*listing.Entry){func(*listing.Entry) {}, except, func(e *listing.Entry) { e.PublicNote = "seen" }} {
			c := entry(prefix, "", kind)
			s := mustWith(t, index.NewSet(), c)
			if !s.Overlaps(c.After.Subject.Prefix) {
				t.Errorf("%+v overlaps nothing", c.After)
			}
			s = mustWith(t, s, ended(c))
			if s.Stats() != (index.Stats{}) {
				t.Errorf("%+v leaves %+v", c.After, s.Stats())
			}
			for bits := range c.After.Subject.Bits() + 1 {
				if p := netip.PrefixFrom(c.After.Subject.Addr(), bits).Masked(); s.Overlaps(p) {
					t.Errorf("%+v leaves something in %s", c.After, p)
				}
			}
		}
	}
}

// The first and the last address of leaves and pages keep to their own.
func TestLeafEdges(t *testing.T) {
	edges := []uint32{0, 0xffff, 0x10000, 0xffffff, 0x1000000, 0x7fffffff, 0x80000000, 0xffff0000, 0xffffffff}
	s := index.NewSet()
	for _, ip := range edges {
		s = mustWith(t, s, listed(ip, listing.BareIP, "", 2000))
	}
	for _, ip := range edges {
		for _, near := range []uint32{ip - 1, ip, ip + 1} {
			want := slices.Contains(edges, near)
			if got := len(s.Lookup(host(near).Addr(), 1000, nil)) == 1; got != want {
				t.Errorf("%s: listed %t, want %t", host(near), got, want)
			}
			if got := s.Overlaps(host(near).Prefix); got != want {
				t.Errorf("%s: overlaps %t, want %t", host(near), got, want)
			}
		}
	}
}

// Many changes in one go, in an order that tells nothing, come to the same as
// the last change of each entry.
func TestBulkInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	want := map[listing.Key]uint32{}
	changes := []listing.Change{feed("alpha", 9000)}
	for range 300_000 { // more than wait at a time
		ip := 198<<24 | r.Uint32()&0x3ffff
		c := listed(ip, listing.BareIP, []string{"", "alpha"}[r.IntN(2)], 2000+r.Uint32()%100)
		if r.IntN(3) == 0 {
			c = ended(c)
			delete(want, c.Before.Key)
		} else {
			want[c.After.Key] = uint32(c.After.Until.Unix())
		}
		changes = append(changes, c)
	}
	s := mustWith(t, index.NewSet(), changes...)
	n, due, last := 0, 0, netip.Addr{}
	for e := range s.Each() {
		if want[e.Key] != uint32(e.Until.Unix()) {
			t.Fatalf("%v ends at %d, want %d", e.Key, e.Until.Unix(), want[e.Key])
		}
		if e.Subject.Addr().Less(last) {
			t.Fatalf("%s after %s", e.Subject.Addr(), last)
		}
		if last = e.Subject.Addr(); e.Source == "" && e.Until.Unix() <= 2010 {
			due++
		}
		n++
	}
	if n != len(want) || s.Stats().Hosts != n {
		t.Errorf("%d entries, %d counted, want %d", n, s.Stats().Hosts, len(want))
	}
	if got := len(s.Due(2010, 1<<30)); got != due+1 || due == 0 { // and one edit for all of the source
		t.Errorf("%d due, want %d", got, due+1)
	}
}

// Enough changes to the prefix table that it is copied whole leave the older
// set alone.
func TestBulkPrefixes(t *testing.T) {
	v6 := func(n int) listing.Subject {
		a := netip.MustParseAddr("2001:db8::").As16()
		a[6], a[7] = byte(n>>8), byte(n)
		return listing.HostSubject(netip.AddrFrom16(a))
	}
	list := func(n int, reason listing.Reason) listing.Change {
		return listing.Change{Kind: listing.EntryChange, After: &listing.Entry{Key: listing.Key{Subject: v6(n), Reason: reason}, Until: at(2000)}}
	}
	older := mustWith(t, index.NewSet(), list(0, listing.BareIP), list(1, listing.BareIP))
	var changes []listing.Change
	for n := range 1000 {
		changes = append(changes, list(n, listing.Manual))
	}
	changes = append(changes, ended(list(0, listing.BareIP)))
	newer := mustWith(t, older, changes...)
	for n, want := range map[int][2]int{0: {1, 1}, 1: {1, 2}, 2: {0, 1}, 999: {0, 1}, 1000: {0, 0}} {
		a := v6(n).Addr()
		if got := [2]int{len(older.Lookup(a, 1000, nil)), len(newer.Lookup(a, 1000, nil))}; got != want {
			t.Errorf("%s: %v hits before and after, want %v", a, got, want)
		}
	}
	if older.Stats().Hosts != 2 || newer.Stats().Hosts != 1001 {
		t.Errorf("%d and %d hosts, want 2 and 1001", older.Stats().Hosts, newer.Stats().Hosts)
	}
}

// The end of sources takes their entries and no others, and frees what they
// used.
func TestSourcesComeAndGo(t *testing.T) {
	s := mustWith(t, index.NewSet(), entry("192.0.2.1/32", ""), entry("192.0.2.0/24", "", except))
	first := int64(0)
	for n := range 1000 {
		s = mustWith(t, s, feed("alpha", 1900), feed("beta", 1900), entry("192.0.2.1/32", "alpha"), entry("192.0.2.7/32", "alpha"),
			entry("192.0.0.0/16", "beta"), entry("192.0.2.0/24", "alpha"), entry("2001:db8::/32", "beta"))
		if n == 0 {
			first = s.Stats().Bytes
		}
		if got := s.Stats(); got.Hosts != 3 || got.Prefixes != 3 || got.Sources != 2 || got.Bytes != first {
			t.Fatalf("round %d: %+v, in the first round %d bytes", n, got, first)
		}
		s = mustWith(t, s, endOfFeed("alpha"), endOfFeed("beta"))
		if got := s.Stats(); got.Hosts != 1 || got.Prefixes != 0 || got.Exceptions != 1 || got.Sources != 0 {
			t.Fatalf("round %d: %+v is left", n, got)
		}
	}
}

// More classes than a number holds are refused, not mixed up.
func TestTooManyClasses(t *testing.T) {
	var changes []listing.Change
	for n := range 260 {
		name := fmt.Sprintf("feed-%d", n)
		changes = append(changes, feed(name, 2000))
		for reason := 2; reason < 255; reason++ {
			changes = append(changes, listed(1, listing.Reason(reason), name, 2000))
		}
	}
	if s, err := index.NewSet().With(changes); err == nil {
		t.Fatalf("%+v", s.Stats())
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	s := mustWith(t, index.NewSet(), feed("alpha", 1900), entry("192.0.2.7/32", ""), entry("192.0.2.7/32", "alpha"),
		entry("192.0.2.0/24", "alpha", func(e *listing.Entry) { e.Reason, e.PublicNote = listing.Manual, "seen" }),
		entry("192.0.0.0/16", "alpha"), entry("192.0.2.0/25", "alpha", except), entry("2001:db8::/32", ""), entry("2001:db8::7/128", "", except))
	hits := make([]index.Hit, 0, 8)
	for _, text := range []string{"192.0.2.7", "192.0.2.77", "192.0.2.200", "198.51.100.1", "2001:db8::7", "2001:db8::8", "2001:db9::"} {
		a := netip.MustParseAddr(text)
		if n := testing.AllocsPerRun(100, func() { hits = s.Lookup(a, 1000, hits[:0]) }); n != 0 {
			t.Errorf("%s: %v allocations", a, n)
		}
	}
}
