package index_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"dnsbld/listing"
	"dnsbld/listing/index"

	"pgregory.net/rapid"
)

// The same entries are due whatever set was asked before, and when: the ends to come that
// a set remembers are right also for the sets made of it.
func TestDueWhileChanging(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type moment struct {
			set   *index.Set
			model *model
		}
		s := scribe{m: newModel()}
		past := []moment{{index.NewSet(), s.m.clone()}}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			newest := past[len(past)-1]
			if rapid.Bool().Draw(t, "change") {
				s.changes = nil
				for range rapid.IntRange(1, 3).Draw(t, "changes") {
					s.step(t)
				}
				next, err := newest.set.With(s.changes)
				if err != nil {
					t.Fatal(err)
				}
				past = append(past, moment{next, s.m.clone()})
				continue
			}
			at := past[rapid.IntRange(max(0, len(past)-4), len(past)-1).Draw(t, "set")]
			now := rapid.SampledFrom([]uint32{1, 699, 700, 701, 703, 999, 1000, 1003, 1009, 5000}).Draw(t, "now")
			checkDueAt(t, at.set, at.model, now, rapid.SampledFrom([]int{0, 1, 3, 10_000}).Draw(t, "limit"))
		}
	})
}

// wideChange lists the n-th IPv6 host.
func wideChange(n int, until uint32) listing.Change {
	a := netip.MustParseAddr("2001:db8::").As16()
	a[5], a[6], a[7] = byte(n>>16), byte(n>>8), byte(n)
	e := &listing.Entry{Key: listing.Key{Subject: listing.HostSubject(netip.AddrFrom16(a)), Reason: listing.BareIP}, Until: at(until)}
	return listing.Change{Kind: listing.EntryChange, After: e}
}

// More ends than can be remembered, spread or in one second, are all found in
// their second, one sweep after the other.
func TestDueOfMany(t *testing.T) {
	const n = 70_000
	r := rand.New(rand.NewPCG(1, 2))
	for name, spread := range map[string]uint32{"at once": 1, "in ten seconds": 10, "in an hour": 3600} {
		t.Run(name, func(t *testing.T) {
			ends := map[netip.Prefix]uint32{}
			var changes []listing.Change
			for i := range n {
				c := wideChange(i, 5000+r.Uint32N(spread))
				ends[c.After.Subject.Prefix] = uint32(c.After.Until.Unix())
				changes = append(changes, c)
			}
			s := mustWith(t, index.NewSet(), changes...)
			for _, now := range []uint32{4999, 5000, 5003, 9000} {
				for {
					edits := s.Due(now, 40_000)
					if len(edits) == 0 {
						break
					}
					changes = changes[:0]
					for _, e := range edits {
						end, found := ends[e.Key.Subject.Prefix]
						if !found || end > now {
							t.Fatalf("%v is due at %d, ends at %d", e.Key, now, end)
						}
						delete(ends, e.Key.Subject.Prefix)
						changes = append(changes, listing.Change{Kind: listing.EntryChange, Before: &listing.Entry{Key: e.Key}})
					}
					s = mustWith(t, s, changes...)
				}
				for p, end := range ends {
					if end <= now {
						t.Fatalf("%s is not due at %d, ends at %d", p, now, end)
					}
				}
			}
		})
	}
}

// An entry that is written again, with the same end, is due once.
func TestDueOnce(t *testing.T) {
	s := mustWith(t, index.NewSet(), wideChange(1, 2000))
	if got := s.Due(1900, 10); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
	again := wideChange(1, 2000)
	again.After.PublicNote = "again"
	s = mustWith(t, s, again)
	if got := s.Due(2000, 10); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}
