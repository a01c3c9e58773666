package hits

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dnsbld/listing"
)

var began = time.Unix(1_800_000_000, 0).UTC()

func at(n int) uint32 { return uint32(began.Unix()) + uint32(n) }

// answer is one answer about a prefix, as a worker gives it.
func answer(s *Sampler, prefix string, now uint32) {
	s.Tick(now)
	if weight := s.Due(); weight > 0 {
		s.Put(Hit{Key: KeyOf(netip.MustParsePrefix(prefix), listing.BareIP), Weight: weight, Time: now})
	}
}

func subject(t *testing.T, text string) listing.Subject {
	t.Helper()
	s, err := listing.ParseSubject(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// On a quiet server each answer is counted.
func TestQuietIsExact(t *testing.T) {
	c := New(began)
	c.Zone("bl.test")
	s := c.Sampler()
	for second := range 100 {
		for range second % 20 {
			answer(s, "192.0.2.7/32", at(second))
		}
		answer(s, "2001:db8::/64", at(second))
		c.drainNow()
	}
	if got := c.Of(subject(t, "192.0.2.7"), listing.BareIP); got != (Asked{950, began.Add(time.Second), began.Add(99 * time.Second)}) {
		t.Errorf("%+v", got)
	}
	if got := c.Of(subject(t, "2001:db8::/64"), listing.BareIP); got.Count != 100 {
		t.Errorf("%+v", got)
	}
	if got := c.Of(subject(t, "192.0.2.7"), listing.Manual); got != (Asked{}) {
		t.Errorf("never asked for: %+v", got)
	}
	if all := c.Totals(); len(all) != 1 || all[0] != (Total{"bl.test", listing.BareIP, 1050}) {
		t.Errorf("%+v", all)
	}
}

func (c *Counter) drainNow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
}

// Under load samples stand for others. Together they are right, to the last gap; each
// is about right, also where clients ask in turns; and as soon as it is quiet again,
// answers count one by one.
func TestLoadIsEstimated(t *testing.T) {
	c := New(began)
	c.Zone("bl.test")
	s := c.Sampler()
	const each, seconds = 40_000, 20
	for second := range seconds {
		for n := range each {
			answer(s, "192.0.2.7/32", at(second))
			answer(s, "192.0.2.8/32", at(second))
			if n%2000 == 0 {
				c.drainNow()
			}
		}
	}
	for second := range 30 {
		answer(s, "192.0.2.9/32", at(seconds+second))
	}
	var sum uint64
	for _, text := range []string{"192.0.2.7", "192.0.2.8"} {
		got := c.Of(subject(t, text), listing.BareIP).Count
		if want := uint64(each * seconds); got < want*8/10 || got > want*12/10 {
			t.Errorf("%s: %d, not about %d", text, got, want)
		}
		sum += got
	}
	late := c.Of(subject(t, "192.0.2.9"), listing.BareIP).Count
	if whole := uint64(2*each*seconds + 30); sum+late > whole || sum+late+mostEvery < whole {
		t.Errorf("%d of %d", sum+late, whole)
	}
	if late < 15 {
		t.Errorf("%d of 30 after the load", late)
	}
	if len(c.table) != 3 {
		t.Errorf("%d listings", len(c.table))
	}
}

// Where nobody empties the ring nothing waits, and the next sample makes up for it.
func TestFullRing(t *testing.T) {
	c := New(began)
	c.Zone("bl.test")
	s := c.Sampler()
	s.every = 1
	for n := range 10 * ringSize {
		s.taken = 0 // each is sampled
		answer(s, "192.0.2.7/32", at(n))
	}
	c.drainNow()
	answer(s, "192.0.2.7/32", at(0))
	if got := c.Of(subject(t, "192.0.2.7"), listing.BareIP).Count; got != 10*ringSize+1 {
		t.Errorf("%d", got)
	}
}

// A worker allocates nothing.
func TestSamplerAllocates(t *testing.T) {
	s := New(began).Sampler()
	n := 0
	if allocs := testing.AllocsPerRun(10_000, func() { n++; answer(s, "192.0.2.7/32", at(n/1000)) }); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// Keys are subjects, written in another way.
func TestKeys(t *testing.T) {
	for _, text := range []string{"0.0.0.0/0", "192.0.2.7", "192.0.2.0/24", "::/0", "2001:db8::/32", "2001:db8::7"} {
		s := subject(t, text)
		if got := KeyOf(s.Prefix, listing.BareIP).Subject(); got != s {
			t.Errorf("%s became %s", s, got)
		}
	}
}

// The table has a bound: those asked for longest ago go, and it says up to when.
func TestForgets(t *testing.T) {
	c := New(began)
	c.most = 100
	c.Zone("bl.test")
	s := c.Sampler()
	for n := range 150 {
		answer(s, netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}), 32).String(), at(n))
		c.drainNow()
	}
	if len(c.table) > 100 || len(c.table) < 70 {
		t.Errorf("%d are kept", len(c.table))
	}
	forgot := c.Span().Forgot
	for n := range 150 {
		asked := c.Of(listing.HostSubject(netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})), listing.BareIP)
		if when := began.Add(time.Duration(n) * time.Second); asked.Count == 0 && when.After(forgot) {
			t.Errorf("%d is forgotten, and that is not said: %s", n, forgot)
		}
	}
	if top := c.Top(3); len(top) != 3 || top[0].Count != 1 {
		t.Errorf("%+v", top)
	}
}

// Counts that are written down come back, and are added to those made meanwhile.
func TestFile(t *testing.T) {
	c := New(began)
	c.Zone("bl.test")
	s := c.Sampler()
	for range 7 {
		answer(s, "192.0.2.7/32", at(0))
	}
	answer(s, "2001:db8::/64", at(1))
	raw := c.Encode(began)
	next := New(began.Add(time.Hour))
	next.Zone("bl.test")
	answer(next.Sampler(), "192.0.2.7/32", at(3600))
	if err := next.Merge(raw); err != nil {
		t.Fatal(err)
	}
	if got := next.Of(subject(t, "192.0.2.7"), listing.BareIP); got != (Asked{8, began, began.Add(time.Hour)}) {
		t.Errorf("%+v", got)
	}
	if got := next.Span(); got.Since != began {
		t.Errorf("%+v", got)
	}
	if late := next.Encode(began.Add(keptFor + 2*time.Minute)); len(late) >= len(raw) {
		t.Error("what nobody asks for is kept for good")
	}
	if next.Span().Forgot.Before(began) {
		t.Errorf("what was left out looks as if nobody had ever asked: %+v", next.Span())
	}
	for n := range raw {
		bad := append([]byte(nil), raw...)
		bad[n] ^= 1
		if next.Merge(bad) == nil || next.Merge(raw[:n]) == nil {
			t.Fatalf("damage at %d is not noticed", n)
		}
	}
}

// Weights add up to the answers, however they come.
func TestWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := New(began)
		c.Zone("bl.test")
		s := c.Sampler()
		now, answers := at(0), uint64(0)
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			now += rapid.SampledFrom([]uint32{0, 0, 1, 5, 100}).Draw(t, "pause")
			for range rapid.IntRange(0, 3000).Draw(t, "answers") {
				answer(s, "192.0.2.7/32", now)
				answers++
			}
			if rapid.Bool().Draw(t, "drain") {
				c.drainNow()
			}
		}
		c.drainNow()
		open := uint64(s.owed + s.gap - s.left)
		if got := c.table[KeyOf(netip.MustParsePrefix("192.0.2.7/32"), listing.BareIP)].count; got+open != answers {
			t.Fatalf("%d and %d open of %d", got, open, answers)
		}
	})
}
