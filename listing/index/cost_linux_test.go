package index_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"
)

// badLists are made to be expensive: each of about n entries.
var badLists = map[string]func(n int) []listing.Change{
	"/0 around hosts": func(n int) (all []listing.Change) {
		for _, text := range []string{"0.0.0.0/0", "::/0"} {
			all = append(all, entry(text, ""), entry(text, "alpha"), entry(text, "beta", except))
		}
		for i := range n {
			all = append(all, listed(uint32(i)*40503, listing.Manual, "", 4000))
		}
		return all
	},
	"hosts of one /64": func(n int) (all []listing.Change) {
		for i := range n {
			a := netip.MustParseAddr("2001:db8::").As16()
			binary.BigEndian.PutUint64(a[8:], uint64(i)*0x9e3779b97f4a7c15)
			all = append(all, change(netip.PrefixFrom(netip.AddrFrom16(a), 128), listing.BareIP, "alpha", i%7 == 0))
		}
		return all
	},
	"chains 128 deep": func(n int) (all []listing.Change) {
		for i := range n / 128 {
			a := netip.MustParseAddr("2001:db8::").As16()
			binary.BigEndian.PutUint32(a[4:], uint32(i)*2654435761)
			binary.BigEndian.PutUint64(a[8:], ^uint64(0))
			for bits := 1; bits <= 128; bits++ {
				all = append(all, change(netip.PrefixFrom(netip.AddrFrom16(a), bits).Masked(), listing.BareIP, "alpha", bits%2 == 0))
			}
		}
		return all
	},
	"every length": func(n int) (all []listing.Change) {
		r := rand.New(rand.NewPCG(1, 2))
		for i := range n {
			ip, bits := r.Uint32(), i%33
			all = append(all, change(netip.PrefixFrom(host(ip).Addr(), bits).Masked(), listing.BareIP, []string{"", "alpha", "beta"}[i%3], i%5 == 0))
		}
		return all
	},
	"classes at one prefix": func(n int) (all []listing.Change) {
		for i := range min(n, 1<<16-1) {
			source, reason := fmt.Sprint("s", i/250), listing.Reason(2+i%250)
			all = append(all, change(netip.MustParsePrefix("192.0.2.0/24"), reason, source, i%3 == 0))
		}
		return all
	},
}

func change(p netip.Prefix, reason listing.Reason, source string, except bool) listing.Change {
	return listing.Change{Kind: listing.EntryChange, Last: true, After: &listing.Entry{
		Key: listing.Key{Subject: listing.Subject{Prefix: p}, Reason: reason, Source: source}, Except: except, Until: at(4000)}}
}

// A list that is made to be expensive costs as much as it is long: to take in, to
// edit and to keep. Time is that of the processor, and the least of some tries.
func TestBadListsCostTheirLength(t *testing.T) {
	const times = 5
	small := map[bool]int{false: 12_000, true: 6000}[testing.Short()]
	for name, list := range badLists {
		t.Run(name, func(t *testing.T) {
			few, many := list(small), list(small*times)
			var base, set *index.Set
			linear(t, times, func() (one, other time.Duration) {
				one, base = cost(t, few)
				other, set = cost(t, many)
				return one, other
			})
			linear(t, times, func() (one, other time.Duration) { return lookups(t, base, few), lookups(t, set, many) })
			if small, large := base.Stats().Bytes/int64(len(few)), set.Stats().Bytes/int64(len(many)); large > 2*small+64 {
				t.Errorf("%d octets an entry became %d", small, large)
			}
			checkEdits(t, set, many)
		})
	}
}

// linear measures what some entries cost, and so many times as many, until the price
// is kept: what else the machine does makes it longer, not red. A quadratic step makes
// 25 of 5.
func linear(t *testing.T, times time.Duration, measure func() (one, other time.Duration)) {
	t.Helper()
	few, many := measure()
	for range 10 {
		if many <= 3*times*(few+10*time.Millisecond) {
			return
		}
		one, other := measure()
		few, many = min(few, one), min(many, other)
	}
	t.Errorf("%v became %v of %d times as many", few, many, times)
}

// cost is the time of the processor that it takes to make a set.
func cost(t *testing.T, changes []listing.Change) (took time.Duration, set *index.Set) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := threadTime(t)
	set = mustWith(t, index.NewSet(), append(feedsOf(changes), changes...)...)
	return threadTime(t) - began, set
}

// feedsOf begins the sources that changes are about.
func feedsOf(changes []listing.Change) (feeds []listing.Change) {
	known := map[string]bool{"": true}
	for _, c := range changes {
		if name := c.After.Source; !known[name] {
			known[name] = true
			feeds = append(feeds, feed(name, 3000))
		}
	}
	return feeds
}

func threadTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	const thread = 1 // RUSAGE_THREAD
	if err := syscall.Getrusage(thread, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// lookups is the time of the processor that some lookups take, the least of two tries.
func lookups(t *testing.T, set *index.Set, changes []listing.Change) (least time.Duration) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const some = 20
	hits := make([]index.Hit, 0, 256)
	for range 2 {
		began := threadTime(t)
		for i := range some {
			hits = set.Lookup(changes[i*len(changes)/some].After.Subject.Addr(), 2000, hits[:0])
		}
		if took := threadTime(t) - began; least == 0 || took < least {
			least = took
		}
	}
	return least
}

// checkEdits looks at what a lookup and an edit among bad entries allocate.
func checkEdits(t *testing.T, set *index.Set, changes []listing.Change) {
	t.Helper()
	hits := make([]index.Hit, 0, 256)
	some := changes[len(changes)/2].After.Subject.Addr()
	if n := testing.AllocsPerRun(10, func() { hits = set.Lookup(some, 2000, hits[:0]) }); n != 0 {
		t.Errorf("a lookup allocates %v times", n)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	next := mustWith(t, set, change(netip.PrefixFrom(some, some.BitLen()), listing.Manual, "", false))
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("one edit takes %d octets", grown)
	}
	if got := next.Lookup(some, 2000, nil); len(got) == 0 {
		t.Error("the edit is not answered")
	}
}

// There is room for 65,535 pairs of source and reason, also after others went, and
// one more is refused.
func TestManyClasses(t *testing.T) {
	all := badLists["classes at one prefix"](1<<16 - 1)
	set := mustWith(t, index.NewSet(), append(feedsOf(all), all...)...)
	if _, err := set.With([]listing.Change{change(netip.MustParsePrefix("192.0.2.0/24"), 2, "more", false)}); err == nil {
		t.Error("a class more was taken in")
	}
	set = mustWith(t, set, endOfFeed("s7"))
	again := all[7*250 : 8*250]
	set = mustWith(t, set, append(feedsOf(again), again...)...)
	if st := set.Stats(); st.Prefixes+st.Exceptions != len(all) {
		t.Errorf("%+v after %d classes", st, len(all))
	}
}
