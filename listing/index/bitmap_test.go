package index_test

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"
)

const crowdNet = 198<<24 | 51<<16

// fromAlpha is a host of the crowd that ends with its source.
func fromAlpha(low int) listing.Change {
	c := listed(crowdNet|uint32(low), listing.BareIP, "alpha", 0)
	c.After.Until = time.Time{}
	return c
}

// crowdOf is n hosts of one /16, side by side or anywhere.
func crowdOf(r *rand.Rand, n int, contiguous bool) (lows []int) {
	lows = r.Perm(1 << 16)[:n]
	if contiguous {
		from := r.IntN(1<<16 - n + 1)
		for i := range lows {
			lows[i] = from + i
		}
	}
	return lows
}

// A /16 answers alike whatever form its leaf has, however it came to that, and
// whatever lies over it.
func TestCrowds(t *testing.T) {
	sizes := []int{0, 1, 3936, 3937, 4095, 4096, 4097, 65_535, 65_536}
	if testing.Short() {
		sizes = []int{1, 3936, 3937, 65_536}
	}
	for _, n := range sizes {
		for _, contiguous := range []bool{false, true} {
			if contiguous && n > 1<<15 {
				continue // they are so anyway
			}
			t.Run(fmt.Sprint(n, contiguous), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(n), 1))
				c := crowdCheck{nets: newModel(), s: index.NewSet(), r: r}
				lows, changes := crowdOf(r, n, contiguous), []listing.Change{feed("alpha", 2000)}
				for _, i := range r.Perm(n) {
					changes = append(changes, fromAlpha(lows[i]))
				}
				c.apply(t, "hosts", n < 1<<15, changes...)
				for _, step := range crowdSteps(r, lows) {
					c.apply(t, step.name, step.whole, step.changes...)
				}
				c.apply(t, "the end of the source", true, endOfFeed("alpha"))
			})
		}
	}
}

type crowdStep struct {
	name    string
	whole   bool // everything is looked at
	changes []listing.Change
}

// crowdSteps edits some hosts of a /16 and others, back and forth.
func crowdSteps(r *rand.Rand, lows []int) (steps []crowdStep) {
	step := func(name string, changes ...listing.Change) {
		steps = append(steps, crowdStep{name, name == "over it", changes})
	}
	some := append(slices.Clone(lows[:min(len(lows), 3)]), 0, 15, 16, 0xffff, r.IntN(1<<16))
	for _, reason := range []listing.Reason{listing.BareIP, listing.Manual} { // another class, before and after that of the source
		var add, end []listing.Change
		for _, low := range some {
			c := listed(crowdNet|uint32(low), reason, "", 2500)
			add, end = append(add, c), append(end, ended(c))
		}
		step("another class", add...)
		step("… goes", end...)
	}
	var own, again, none []listing.Change
	for _, low := range some {
		c := fromAlpha(low)
		c.After.Until = at(1500)
		own, again, none = append(own, c), append(again, fromAlpha(low)), append(none, ended(fromAlpha(low)))
	}
	step("own ends", own...)
	step("ends of the source again", again...)
	step("there and gone in one go", slices.Concat(own, none, again, none)...)
	step("what is not there goes", append(none, ended(listed(crowdNet, listing.Manual, "", 2500)))...)
	step("back", again...)
	step("over it", entry("198.51.0.0/16", ""), entry("198.51.16.0/20", "alpha", except), entry("198.51.100.0/24", "", except),
		entry(host(crowdNet|uint32(some[0])).Text()+"/32", "", except), entry("198.0.0.0/8", "alpha"))
	var half, rest []listing.Change
	for _, low := range lows[:len(lows)/2] {
		half = append(half, ended(fromAlpha(low)))
	}
	for _, low := range lows[len(lows)/2:] {
		rest = append(rest, ended(fromAlpha(low)))
	}
	step("half goes", half...)
	for range 3 { // over the border and back, one by one
		for _, low := range lows[:min(len(lows)/2, 3)] {
			step("one comes", fromAlpha(low))
			step("one goes", ended(fromAlpha(low)))
		}
	}
	step("all but few go", rest[min(len(rest), 5):]...)
	return steps
}

// crowdCheck holds a set against the model, which it keeps by address.
type crowdCheck struct {
	s     *index.Set
	r     *rand.Rand
	nets  *model                    // all but the hosts of the /16
	hosts [1 << 16][]listing.Served // of the /16
}

func (c *crowdCheck) apply(t *testing.T, name string, whole bool, changes ...listing.Change) {
	t.Helper()
	if len(changes) == 0 {
		return
	}
	older, some := c.s, host(crowdNet).Addr()
	if e := cmp.Or(changes[0].After, changes[0].Before); e != nil {
		some = e.Subject.Addr()
	}
	stats, hits := older.Stats(), older.Lookup(some, 1000, nil)
	c.s = mustWith(t, c.s, changes...)
	if older.Stats() != stats || !slices.Equal(older.Lookup(some, 1000, nil), hits) {
		t.Fatalf("%s: the older set changed", name)
	}
	for _, change := range changes {
		c.note(change)
	}
	c.checkLookups(t, name, c.s)
	if !whole {
		return
	}
	c.checkWhole(t, name, c.s)
	snap := snapshot{model: c.nets.clone()}
	for e := range c.entries() {
		snap.entries[e.Key] = e
	}
	for how, snap := range []listing.Snapshot{snap, packed{snap}} {
		s, err := index.FromSnapshot(snap)
		if err != nil {
			t.Fatal(err)
		}
		how := fmt.Sprint(name, ", loaded ", how)
		c.checkLookups(t, how, s)
		c.checkWhole(t, how, s)
	}
}

// note takes in a change.
func (c *crowdCheck) note(change listing.Change) {
	e := change.After
	if e == nil {
		e = change.Before
	}
	switch {
	case e == nil:
		c.nets.apply(change)
		if change.SourceAfter == nil {
			for low := range c.hosts {
				c.hosts[low] = slices.DeleteFunc(c.hosts[low], func(e listing.Served) bool { return e.Source == change.SourceBefore.Name })
			}
		}
	case e.Subject.Bits() < 32:
		c.nets.apply(change)
	default:
		low := e.Subject.V4() & 0xffff
		c.hosts[low] = slices.DeleteFunc(c.hosts[low], func(old listing.Served) bool { return old.Key == e.Key })
		if change.After != nil {
			c.hosts[low] = append(c.hosts[low], e.Served())
		}
	}
}

// entries are those of the hosts.
func (c *crowdCheck) entries() iter.Seq[listing.Served] {
	return func(yield func(listing.Served) bool) {
		for low := range c.hosts {
			for _, e := range c.hosts[low] {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// checkLookups asks for addresses at the edges of words and anywhere, one by one
// and in batches, and whether something is in or around prefixes.
func (c *crowdCheck) checkLookups(t *testing.T, name string, s *index.Set) {
	t.Helper()
	var addrs []netip.Addr
	for _, low := range []uint32{0, 15, 16, 63, 64, 0xfff0, 0xffff} {
		addrs = append(addrs, host(crowdNet|low).Addr(), host(crowdNet^1<<16|low).Addr())
	}
	for range 50 {
		addrs = append(addrs, host(crowdNet|c.r.Uint32()&0xffff).Addr())
	}
	spots := make([]index.Spot, len(addrs))
	s.Locate(addrs, spots)
	for i, a := range addrs {
		m := c.nets.clone()
		if ip := listing.HostSubject(a).V4(); ip>>16 == crowdNet>>16 {
			for _, e := range c.hosts[ip&0xffff] {
				m.entries[e.Key] = e
			}
		}
		for _, now := range []uint32{1000, 1600, 2600} {
			want := m.lookup(a, at(now))
			if one, batch := s.Lookup(a, now, nil), s.LookupAt(&spots[i], now, nil); !slices.Equal(one, want) || !slices.Equal(batch, want) {
				t.Fatalf("%s: %s at %d: %+v, in a batch %+v, want %+v", name, a, now, one, batch, want)
			}
		}
	}
	c.checkOverlaps(t, name, s)
}

func (c *crowdCheck) checkOverlaps(t *testing.T, name string, s *index.Set) {
	t.Helper()
	for bits := 15; bits <= 32; bits++ {
		p := netip.PrefixFrom(host(crowdNet|c.r.Uint32()&0xffff).Addr(), bits).Masked()
		want := c.nets.overlaps(p)
		first := int(listing.Subject{Prefix: p}.V4() & 0xffff)
		for low := first; !want && low < min(first+1<<(32-bits), 1<<16); low++ {
			want = len(c.hosts[low]) > 0
		}
		if got := s.Overlaps(p); got != want {
			t.Fatalf("%s: overlaps %s: %t, want %t", name, p, got, want)
		}
	}
}

// checkWhole looks at what walks over everything: a transfer, the sweep and Each.
func (c *crowdCheck) checkWhole(t *testing.T, name string, s *index.Set) {
	t.Helper()
	c.checkInside(t, name, s)
	want := maps.Clone(c.nets.entries)
	for e := range c.entries() {
		want[e.Key] = e
	}
	n, m := len(want), *c.nets
	m.entries = want
	if got, want := len(s.Due(1600, 1<<20)), len(m.due(at(1600))); got != want {
		t.Fatalf("%s: %d due, want %d", name, got, want)
	}
	if got, want := s.Stats(), m.stats(); got.Hosts != want.Hosts || got.Prefixes != want.Prefixes || got.Exceptions != want.Exceptions {
		t.Fatalf("%s: %+v, want %+v", name, got, want)
	}
	for e := range s.Each() {
		if of, found := want[e.Key]; !found || of != e {
			t.Fatalf("%s: %+v, want %+v", name, e, of)
		}
		n--
	}
	if n != 0 {
		t.Fatalf("%s: %d entries are not there", name, n)
	}
}

// checkInside holds what a transfer walks over against the sorted prefixes.
func (c *crowdCheck) checkInside(t *testing.T, name string, s *index.Set) {
	t.Helper()
	var inside []netip.Prefix
	for k := range c.nets.entries {
		inside = append(inside, k.Subject.Prefix)
	}
	for e := range c.entries() {
		inside = append(inside, e.Subject.Prefix)
	}
	slices.SortFunc(inside, index.ComparePrefixes)
	inside = slices.Compact(inside)
	from := host(crowdNet | c.r.Uint32()&0xffff)
	for _, within := range []netip.Prefix{{}, from.Prefix, netip.PrefixFrom(from.Addr(), 14+c.r.IntN(12)).Masked()} {
		some := inside
		if !within.IsValid() {
			within = netip.MustParsePrefix("0.0.0.0/0")
		} else {
			some = slices.DeleteFunc(slices.Clone(inside), func(p netip.Prefix) bool { return p.Bits() < within.Bits() || !within.Contains(p.Addr()) })
		}
		if got := slices.Collect(s.Inside(within, nil)); !slices.Equal(got, some) {
			t.Fatalf("%s: %d prefixes inside %s, want %d", name, len(got), within, len(some))
		}
	}
}

// A full /16 takes 8 kB, a full /8 2 MB, and no more is counted than the heap has.
func TestCrowdsAreBits(t *testing.T) {
	heap() // what pools hold goes with the second
	for _, nets := range []int{1, 256} {
		before := heap()
		s, err := index.FromSnapshot(fullNets{nets: nets})
		if err != nil {
			t.Fatal(err)
		}
		used, said := int64(heap()-before), s.Stats()
		const page = 10 << 10 // of leaves
		if limit := int64(nets)*8<<10 + page; said.Hosts != nets<<16 || said.Bytes > limit {
			t.Errorf("%+v of %d full /16, want at most %d octets", said, nets, limit)
		}
		if off := used - said.Bytes; max(off, -off) > 64<<10 {
			t.Errorf("%d octets of the heap, %d counted", used, said.Bytes)
		}
		runtime.KeepAlive(s)
	}
}

// fullNets is full /16s from 11.0.0.0 on, in blocks.
type fullNets struct {
	listing.Snapshot
	nets int
}

func (fullNets) Revision() listing.Revision       { return 1 }
func (fullNets) Allows() ([]listing.Allow, error) { return nil, nil }
func (fullNets) Sources() ([]listing.Source, error) {
	return []listing.Source{{Name: "alpha", Until: at(3000)}}, nil
}

// Blocks yields a block a /16.
func (f fullNets) Blocks() iter.Seq2[*listing.Block, error] {
	return func(yield func(*listing.Block, error) bool) {
		b := listing.Block{Source: "alpha", Said: []listing.Said{{Reason: listing.BareIP}}}
		for low := range 1 << 16 {
			b.Hosts = append(b.Hosts, uint16(low))
		}
		for n := range f.nets {
			if b.Net = 11<<24 + uint32(n)<<16; !yield(&b, nil) {
				return
			}
		}
	}
}
