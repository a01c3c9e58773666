package index_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"

	"pgregory.net/rapid"
)

// The world of the property test is small, so that entries meet.
var (
	reasons  = []listing.Reason{listing.BareIP, listing.Manual, listing.Imported}
	feeds    = []string{"alpha", "beta"}
	v4Bits   = []int{0, 1, 7, 8, 12, 15, 16, 17, 23, 24, 25, 31, 32, 32, 32, 32, 32}
	v6Bits   = []int{0, 3, 12, 31, 32, 33, 48, 64, 100, 124, 127, 128, 128, 128}
	instants = []uint32{999, 1000, 1001, 1002, 1003, 1005, 1009}
)

func at(sec uint32) time.Time { return time.Unix(int64(sec), 0).UTC() }

func genAddr() *rapid.Generator[netip.Addr] {
	octet := func(of ...byte) *rapid.Generator[byte] { return rapid.SampledFrom(of) }
	return rapid.Custom(func(t *rapid.T) netip.Addr {
		if rapid.IntRange(0, 3).Draw(t, "family") == 0 {
			a := netip.MustParseAddr("2001:db8::").As16()
			a[4], a[12], a[15] = octet(0, 0x10).Draw(t, "5"), octet(0, 1).Draw(t, "13"), octet(0, 1, 0x81).Draw(t, "16")
			return netip.AddrFrom16(a)
		}
		return netip.AddrFrom4([4]byte{octet(192, 198).Draw(t, "1"), octet(0, 51).Draw(t, "2"),
			octet(2, 100).Draw(t, "3"), octet(0, 1, 7, 128, 255).Draw(t, "4")})
	})
}

func genSubject() *rapid.Generator[listing.Subject] {
	return rapid.Custom(func(t *rapid.T) listing.Subject {
		a, bits := genAddr().Draw(t, "address"), v4Bits
		if a.Is6() {
			bits = v6Bits
		}
		return listing.Subject{Prefix: netip.PrefixFrom(a, rapid.SampledFrom(bits).Draw(t, "bits")).Masked()}
	})
}

// genText gives texts that are alike, begin alike, or name their subject.
func genText(s listing.Subject) *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"", "", "", "", "x", "y", "seen by mx1.example in session 1", "seen by mx1.example in session 22",
		"seen by mx1.example in session 23", "seen by mx1.example in session 224", "see 192.0.2", "see 192.0.2.1", "see https://bl.example/19",
		"see https://bl.example/" + s.Text(), s.Text(), s.Text() + "\x00", "\x00"})
}

// scribe writes changes as a store does, and keeps the model in step.
type scribe struct {
	m       *model
	changes []listing.Change
}

func (s *scribe) write(c listing.Change) {
	c.Revision, c.Last = s.m.revision+1, true
	s.m.apply(c)
	s.changes = append(s.changes, c)
}

func (s *scribe) entry(t *rapid.T) {
	k := listing.Key{Subject: genSubject().Draw(t, "subject"), Reason: rapid.SampledFrom(reasons).Draw(t, "reason"),
		Source: rapid.SampledFrom(append(slices.Collect(maps.Keys(s.m.sources)), "", "")).Draw(t, "source")}
	c := listing.Change{Kind: listing.EntryChange}
	if old, found := s.m.entries[k]; found {
		c.Before = &listing.Entry{Key: k, Except: old.Except, Until: old.Until, PublicNote: old.Text}
	}
	if c.Before == nil || rapid.IntRange(0, 2).Draw(t, "end it") > 0 {
		e := &listing.Entry{Key: k, Except: rapid.IntRange(0, 3).Draw(t, "except") == 0,
			Until: at(rapid.SampledFrom(instants).Draw(t, "until")), PublicNote: genText(k.Subject).Draw(t, "text")}
		if k.Source != "" && rapid.Bool().Draw(t, "ends with its source") {
			e.Until = time.Time{}
		}
		c.After = e
	}
	s.write(c)
}

func (s *scribe) allow(t *rapid.T) {
	k := genSubject().Draw(t, "subject")
	c := listing.Change{Kind: listing.AllowChange}
	if old, found := s.m.allows[k]; found {
		c.AllowBefore = &old
	}
	if c.AllowBefore == nil || rapid.Bool().Draw(t, "keep") {
		c.AllowAfter = &listing.Allow{Subject: k, Until: at(rapid.SampledFrom(instants).Draw(t, "until"))}
		if rapid.Bool().Draw(t, "without end") {
			c.AllowAfter.Until = time.Time{}
		}
	}
	s.write(c)
}

func (s *scribe) source(t *rapid.T) {
	name := rapid.SampledFrom(feeds).Draw(t, "name")
	c := listing.Change{Kind: listing.SourceChange}
	if old, found := s.m.sources[name]; found {
		c.SourceBefore = &old
	}
	if c.SourceBefore == nil || rapid.IntRange(0, 2).Draw(t, "end it") > 0 {
		c.SourceAfter = &listing.Source{Name: name, Until: at(rapid.SampledFrom(instants).Draw(t, "until"))}
	}
	s.write(c)
}

// feed adds entries to a source that has none of them.
func (s *scribe) feed(t *rapid.T) {
	names := slices.Sorted(maps.Keys(s.m.sources))
	if len(names) == 0 {
		return
	}
	source := rapid.SampledFrom(names).Draw(t, "source")
	for range rapid.IntRange(1, 20).Draw(t, "entries") {
		e := &listing.Entry{Key: listing.Key{Subject: genSubject().Draw(t, "subject"), Reason: rapid.SampledFrom(reasons).Draw(t, "reason"), Source: source},
			Except: rapid.IntRange(0, 9).Draw(t, "except") == 0}
		if rapid.Bool().Draw(t, "says something") {
			e.PublicNote = genText(e.Subject).Draw(t, "text")
		}
		if _, found := s.m.entries[e.Key]; !found {
			s.write(listing.Change{Kind: listing.EntryChange, After: e})
		}
	}
}

// packAdded puts entries that are added one behind the other into blocks, or does not,
// and some blocks in two: texts of the second then begin as one of the first does.
func packAdded(t *rapid.T, changes []listing.Change) (out []listing.Change) {
	var added []listing.Served
	from := 0
	pack := func(to int) {
		if len(added) > 0 && rapid.Bool().Draw(t, "entry by entry") {
			out, added = append(out, changes[from:to]...), nil
			return
		}
		blocks := inBlocks(slices.Values(added))
		for _, name := range slices.Sorted(maps.Keys(blocks)) {
			b := packBlock(blocks[name])
			if n := rapid.IntRange(0, b.Len()-1).Draw(t, "cut"); n > 0 {
				first := *b
				first.Said, first.Which = b.Said[:n], b.Which[:n]
				b.Said, b.Which = b.Said[n:], b.Which[:b.Len()-n]
				if b.Hosts != nil {
					first.Hosts, b.Hosts = b.Hosts[:n], b.Hosts[n:]
				} else {
					first.Subjects, b.Subjects = b.Subjects[:n], b.Subjects[n:]
				}
				out = append(out, listing.Change{Kind: listing.EntryChange, Added: &first})
			}
			out = append(out, listing.Change{Kind: listing.EntryChange, Added: b})
		}
		added = nil
	}
	for n, c := range changes {
		if c.Kind == listing.EntryChange && c.Before == nil && c.After.Source != "" {
			added = append(added, c.After.Served())
			continue
		}
		pack(n)
		out, from = append(out, c), n+1
	}
	pack(len(changes))
	for n := range out {
		out[n].Revision = changes[len(changes)-1].Revision
	}
	return out
}

// step makes one change of some kind, or adds some entries.
func (s *scribe) step(t *rapid.T) {
	switch rapid.IntRange(0, 12).Draw(t, "kind") {
	case 0:
		s.source(t)
	case 1:
		s.allow(t)
	case 2:
		s.feed(t)
	default:
		s.entry(t)
	}
}

func TestSetAnswersAsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type moment struct {
			set   *index.Set
			model *model
		}
		s := scribe{m: newModel()}
		live := index.NewLive()
		live.Publish(index.NewSet())
		past := []moment{{live.Set(), s.m.clone()}}
		for range rapid.IntRange(1, 4).Draw(t, "sets") {
			s.changes = nil
			for range rapid.IntRange(1, 30).Draw(t, "changes") {
				s.step(t)
			}
			changes := s.changes
			if len(changes) > 0 && rapid.Bool().Draw(t, "added in blocks") {
				changes = packAdded(t, changes)
			}
			next, err := live.Set().With(changes)
			if err != nil {
				t.Fatal(err)
			}
			live.Publish(next)
			if rapid.IntRange(0, 3).Draw(t, "protect") == 0 {
				s.m.never = []listing.Protected{{Subject: genSubject().Draw(t, "never")}}
				live.Protect(s.m.never)
			}
			past = append(past, moment{live.Set(), s.m.clone()})
		}
		for _, p := range past { // the older ones too: they must not have changed
			checkSet(t, p.set, p.model)
		}
		stored := listing.Snapshot(snapshot{model: s.m})
		if rapid.Bool().Draw(t, "in blocks") {
			stored = packed{snapshot{model: s.m}}
		}
		fresh, err := index.FromSnapshot(stored)
		if err != nil {
			t.Fatal(err)
		}
		live.Publish(fresh)
		checkSet(t, live.Set(), s.m)
	})
}

// A host that was added and ended before may come again in a block at once.
func TestAddedAgainInABlock(t *testing.T) {
	came := listed(192<<24|2, listing.BareIP, "alpha", 2000)
	block := &listing.Block{Source: "alpha", Net: 192 << 24, Hosts: []uint16{2}, Said: []listing.Said{{Reason: listing.BareIP, Until: at(2000)}}}
	s, err := index.NewSet().With([]listing.Change{feed("alpha", 3000), came, ended(came), {Kind: listing.EntryChange, Added: block}})
	if err != nil || s.Stats().Hosts != 1 || !isListed(s, "192.0.0.2") {
		t.Errorf("%d hosts: %v", s.Stats().Hosts, err)
	}
}

func checkSet(t *rapid.T, s *index.Set, m *model) {
	t.Helper()
	if s.Revision() != m.revision {
		t.Fatalf("revision %d, want %d", s.Revision(), m.revision)
	}
	checkLookup(t, s, m)
	checkOverlaps(t, s, m)
	checkDue(t, s, m)
	got := map[listing.Key]listing.Served{}
	for e := range s.Each() {
		got[e.Key] = e
	}
	if !maps.Equal(got, m.entries) {
		t.Fatalf("holds %v, want %v", got, m.entries)
	}
	st := s.Stats()
	if st.Bytes < 0 || (len(m.entries) > 0 && st.Bytes == 0) {
		t.Fatalf("%d bytes for %d entries", st.Bytes, len(m.entries))
	}
	if st.Bytes = 0; st != m.stats() {
		t.Fatalf("stats %+v, want %+v", st, m.stats())
	}
}

func checkLookup(t *rapid.T, s *index.Set, m *model) {
	t.Helper()
	addrs := rapid.SliceOfN(genAddr(), 12, 12).Draw(t, "addresses")
	for k := range m.entries {
		addrs = append(addrs, k.Subject.Addr())
	}
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "batches"), 0))
	for _, spot := range locate(r, s, addrs) {
		for _, now := range instants {
			checkSpot(t, s, m, &spot, now)
			if got, want := s.Allowed(spot.Addr(), now), m.allowed(spot.Addr(), at(now)); got != want {
				t.Fatalf("%s at %d: allowed %t, want %t", spot.Addr(), now, got, want)
			}
		}
	}
}

// locate gives the spots of addresses, located in batches of any size.
func locate(r *rand.Rand, s *index.Set, addrs []netip.Addr) []index.Spot {
	spots := make([]index.Spot, len(addrs))
	for from := 0; from < len(addrs); {
		to := min(from+1+r.IntN(32), len(addrs))
		s.Locate(addrs[from:to], spots[from:to])
		from = to
	}
	return spots
}

// checkSpot looks an address up, alone and where it was located in a batch.
func checkSpot(t rapid.TB, s *index.Set, m *model, spot *index.Spot, now uint32) {
	t.Helper()
	a, before := spot.Addr(), index.Hit{Reason: 99, Text: index.Text{Tail: "was there before"}}
	want := m.lookup(a, at(now))
	for how, got := range [][]index.Hit{s.Lookup(a, now, []index.Hit{before}), s.LookupAt(spot, now, []index.Hit{before})} {
		for n := range got[1:] {
			h := &got[n+1]
			h.Text = index.Text{Tail: h.Text.Of(h.Prefix)}
		}
		if got[0] != before || !slices.Equal(got[1:], want) {
			t.Fatalf("%s at %d, %s: %+v, want %+v", a, now, [...]string{"alone", "in a batch"}[how], got[1:], want)
		}
	}
}

// checkOverlaps asks at every label boundary above some addresses, and at
// lengths between.
func checkOverlaps(t *rapid.T, s *index.Set, m *model) {
	t.Helper()
	addrs := rapid.SliceOfN(genAddr(), 6, 6).Draw(t, "parents of")
	addrs = append(addrs, netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("2001:db8:ffff::1"))
	for _, a := range addrs {
		for bits := range a.BitLen() + 1 {
			p := netip.PrefixFrom(a, bits).Masked()
			if got, want := s.Overlaps(p), m.overlaps(p); got != want {
				t.Fatalf("overlaps %s: %t, want %t", p, got, want)
			}
		}
	}
}

func checkDue(t *rapid.T, s *index.Set, m *model) {
	t.Helper()
	for _, now := range instants {
		for _, limit := range []int{rapid.IntRange(0, 8).Draw(t, "limit"), 10_000} {
			checkDueAt(t, s, m, now, limit)
		}
	}
}

func checkDueAt(t *rapid.T, s *index.Set, m *model, now uint32, limit int) {
	t.Helper()
	want := m.due(at(now))
	edits, seen := s.Due(now, limit), map[owed]bool{}
	if len(edits) != min(limit, len(want)) {
		t.Fatalf("%d due at %d, want %d of at most %d", len(edits), now, len(want), limit)
	}
	for _, e := range edits {
		o := owed{e.Key, e.Subject, e.Source}
		if e.Op != listing.OpSweep || !want[o] || seen[o] {
			t.Fatalf("due at %d: %+v, want one of %v", now, e, want)
		}
		seen[o] = true
	}
}

func mustWith(t rapid.TB, s *index.Set, changes ...listing.Change) *index.Set {
	t.Helper()
	next, err := s.With(changes)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func subject(text string) listing.Subject {
	return listing.Subject{Prefix: netip.MustParsePrefix(text)}
}

// entry is a listing until second 2000, and how to alter it.
func entry(prefix, source string, alter ...func(*listing.Entry)) listing.Change {
	e := &listing.Entry{Key: listing.Key{Subject: subject(prefix), Reason: listing.BareIP, Source: source}, Until: at(2000)}
	for _, f := range alter {
		f(e)
	}
	return listing.Change{Kind: listing.EntryChange, After: e, Last: true}
}

func except(e *listing.Entry) { e.Except = true }

func until(sec uint32) func(*listing.Entry) { return func(e *listing.Entry) { e.Until = at(sec) } }

func feed(name string, end uint32) listing.Change {
	return listing.Change{Kind: listing.SourceChange, SourceAfter: &listing.Source{Name: name, Until: at(end)}, Last: true}
}

func endOfFeed(name string) listing.Change {
	return listing.Change{Kind: listing.SourceChange, SourceBefore: &listing.Source{Name: name}, Last: true}
}

// The rules of exceptions and of precedence, one line each.
func TestPrecedence(t *testing.T) {
	tests := []struct {
		name    string
		changes []listing.Change
		want    string // prefix, end, source
	}{
		{"host", []listing.Change{entry("192.0.2.7/32", "")}, "192.0.2.7/32 2000 "},
		{"other host", []listing.Change{entry("192.0.2.8/32", "")}, ""},
		{"range", []listing.Change{entry("192.0.2.0/24", "")}, "192.0.2.0/24 2000 "},
		{"ended", []listing.Change{entry("192.0.2.7/32", "", until(1500))}, ""},
		{"ended at this second", []listing.Change{entry("192.0.2.7/32", "", until(1600))}, ""},
		{"in its last second", []listing.Change{entry("192.0.2.7/32", "", until(1601))}, "192.0.2.7/32 1601 "},
		{"ended host in a range", []listing.Change{entry("192.0.2.7/32", "", until(1500)), entry("192.0.2.0/24", "")}, "192.0.2.0/24 2000 "},
		{"own exception", []listing.Change{entry("192.0.2.0/24", ""), entry("192.0.2.7/32", "", except)}, ""},
		{"ended exception", []listing.Change{entry("192.0.2.0/24", ""), entry("192.0.2.7/32", "", except, until(1500))}, "192.0.2.0/24 2000 "},
		{"listed within an exception", []listing.Change{entry("192.0.2.0/24", "", except), entry("192.0.2.7/32", "")}, "192.0.2.7/32 2000 "},
		{"own exception against a feed's host", []listing.Change{feed("alpha", 1900), entry("192.0.2.7/32", "alpha"), entry("192.0.2.7/32", "", except)}, ""},
		{"own exception against a feed's range", []listing.Change{feed("alpha", 1900), entry("192.0.2.0/24", "alpha"), entry("192.0.2.7/32", "", except)}, ""},
		{"own wider exception, feed's host", []listing.Change{feed("alpha", 1900), entry("192.0.2.7/32", "alpha"), entry("192.0.2.0/24", "", except)}, "192.0.2.7/32 1900 alpha"},
		{"feed's exception against its own", []listing.Change{feed("alpha", 1900), entry("192.0.2.0/24", "alpha"), entry("192.0.2.7/32", "alpha", except)}, ""},
		{"feed's exception against another feed", []listing.Change{feed("alpha", 1900), feed("beta", 1900), entry("192.0.2.0/24", "alpha"), entry("192.0.2.7/32", "beta", except)}, "192.0.2.0/24 1900 alpha"},
		{"feed's exception against own", []listing.Change{feed("alpha", 1900), entry("192.0.2.0/24", ""), entry("192.0.2.7/32", "alpha", except)}, "192.0.2.0/24 2000 "},
		{"ends with its source", []listing.Change{feed("alpha", 1900), entry("192.0.2.7/32", "alpha", until(1950))}, "192.0.2.7/32 1900 alpha"},
		{"source over", []listing.Change{feed("alpha", 1600), entry("192.0.2.7/32", "alpha")}, ""},
		{"source refreshed", []listing.Change{feed("alpha", 1600), entry("192.0.2.7/32", "alpha"), feed("alpha", 1700)}, "192.0.2.7/32 1700 alpha"},
		{"source ended and begun again", []listing.Change{feed("alpha", 1600), entry("192.0.2.7/32", "alpha"), endOfFeed("alpha"), feed("alpha", 1900)}, ""},
		{"own before a feed that ends later", []listing.Change{feed("alpha", 1900), entry("192.0.2.7/32", "", until(1700)), entry("192.0.2.7/32", "alpha")}, "192.0.2.7/32 1700 "},
		{"the feed that ends later", []listing.Change{feed("alpha", 1700), feed("beta", 1900), entry("192.0.2.7/32", "alpha"), entry("192.0.2.7/32", "beta")}, "192.0.2.7/32 1900 beta"},
		{"two feeds alike", []listing.Change{feed("beta", 1900), feed("alpha", 1900), entry("192.0.2.7/32", "beta"), entry("192.0.2.7/32", "alpha")}, "192.0.2.7/32 1900 alpha"},
		{"two feeds alike, as ranges", []listing.Change{feed("alpha", 1900), feed("beta", 1900), entry("192.0.2.0/24", "alpha"), entry("192.0.2.0/24", "beta")}, "192.0.2.0/24 1900 alpha"},
		{"the feed that is more specific", []listing.Change{feed("alpha", 1700), entry("192.0.2.0/24", ""), entry("192.0.2.7/32", "alpha")}, "192.0.2.7/32 1700 alpha"},
		{"the end of the world is not listed", []listing.Change{entry("0.0.0.0/0", ""), entry("128.0.0.0/1", "", except)}, ""},
		{"other reasons' exceptions", []listing.Change{entry("192.0.2.0/24", ""), entry("192.0.2.7/32", "", except, func(e *listing.Entry) { e.Reason = listing.Manual })}, "192.0.2.0/24 2000 "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			for _, h := range mustWith(t, index.NewSet(), test.changes...).Lookup(netip.MustParseAddr("192.0.2.7"), 1600, nil) {
				got += fmt.Sprintf("%s %d %s", h.Prefix, h.Until, h.Source)
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
