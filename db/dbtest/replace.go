package dbtest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"dnsbld/listing"
)

// An import shows nothing until it is whole, and whoever edits meanwhile need
// not wait for it.
func replaceBesideApply(t *testing.T, b *fixture) {
	v, err := b.Replace(t.Context(), b.importing("feed"), func(yield func(listing.Entry, error) bool) {
		for n := range 5 {
			b.apply(list(fmt.Sprintf("192.0.2.%d", n)))
			if !yield(fed(fmt.Sprintf("198.51.100.%d", n)), nil) {
				return
			}
			if st := b.status(); st.Sourced != 0 || st.Entries != n+1 {
				t.Errorf("after %d entries: %+v", n+1, st)
			}
		}
	})
	if err != nil || v.Added != 5 || v.Revision != 6 {
		t.Fatalf("verdict %+v, %v", v, err)
	}
	if st := b.status(); st.Sourced != 5 || st.Entries != 5 || len(b.all()) != 10 {
		t.Errorf("status %+v", st)
	}
}

func replaceFails(t *testing.T, b *fixture) {
	b.replace(b.importing("feed"), fed("198.51.100.1"))
	bad := errors.New("line 3: bad")
	wrong := fed("192.0.2.1")
	wrong.Subject = listing.Subject{}
	edited := b.importing("feed")
	edited.Edits = []listing.Edit{list("192.0.2.1")}
	nameless, ended := b.importing(""), b.importing("feed")
	ended.Source.Until = b.now
	shrunk := b.importing("feed")
	shrunk.Source.MaxChanges = 1
	dry := b.importing("feed")
	dry.DryRun, dry.Keyed = true, true
	for name, try := range map[string]struct {
		r       listing.Request
		entries []listing.Entry
		err     error // after the entries
		want    error
	}{
		"an error from entries":    {b.importing("feed"), []listing.Entry{fed("198.51.100.2"), fed("198.51.100.3")}, bad, bad},
		"an entry without subject": {b.importing("feed"), []listing.Entry{fed("198.51.100.2"), wrong}, nil, listing.ErrInvalid},
		"edits beside":             {edited, nil, nil, listing.ErrInvalid},
		"no source":                {b.request(), nil, nil, listing.ErrInvalid},
		"no name":                  {nameless, nil, nil, listing.ErrInvalid},
		"an end in the past":       {ended, nil, nil, listing.ErrInvalid},
		"too many changes":         {shrunk, []listing.Entry{fed("198.51.100.2")}, nil, listing.ErrPolicy},
		"a dry run":                {dry, []listing.Entry{fed("198.51.100.2")}, nil, nil},
	} {
		b.unchanged(func() {
			_, err := b.Replace(t.Context(), try.r, func(yield func(listing.Entry, error) bool) {
				for _, e := range try.entries {
					if !yield(e, nil) {
						return
					}
				}
				if try.err != nil {
					yield(listing.Entry{}, try.err)
				}
			})
			if !errors.Is(err, try.want) {
				t.Errorf("%s: got %v, want %v", name, err, try.want)
			}
		})
	}
}

func replaceRefresh(t *testing.T, b *fixture) {
	began := b.now
	entries := []listing.Entry{fed("198.51.100.1"), fed("198.51.100.2"), fed("2001:db8::/48"), fed("203.0.113.0/24")}
	b.replace(b.importing("feed"), entries...)
	first := b.all()
	b.now = b.now.Add(time.Hour)
	v := b.replace(b.importing("feed"), entries...)
	if v.Kept != 4 || v.Added+v.Removed+v.Altered != 0 || len(v.Changes) != 1 {
		t.Fatalf("refreshed: %+v", v)
	}
	if changes := b.upTo(1, 2); len(changes) != 1 || changes[0].Kind != listing.SourceChange || !changes[0].Last ||
		changes[0].SourceAfter.Generation != 1 || !changes[0].SourceAfter.Refreshed.Equal(b.now) {
		t.Errorf("changes of a refresh: %s", text(changes))
	}
	for n, e := range b.all() {
		first[n].Revision = 2
		same(t, "refreshed entry", e, first[n])
	}
	entries[1].Until = b.now.Add(time.Hour)
	entries[2].Note = "as seen"
	v = b.replace(b.importing("feed"), append(entries[1:], fed("198.51.100.3"))...)
	if v.Kept != 1 || v.Added != 1 || v.Removed != 1 || v.Altered != 2 {
		t.Fatalf("changed: %+v", v)
	}
	b.view(func(s listing.Snapshot) {
		old, err := s.Get(listing.Key{Subject: subject("198.51.100.2"), Reason: listing.Imported, Source: "feed"})
		if err != nil || !old.Since.Equal(began) || !old.Until.Equal(entries[1].Until) || old.Origin != listing.ByImport || old.Level != 0 {
			t.Errorf("altered: %+v, %v", old, err)
		}
		fresh, err := s.Get(listing.Key{Subject: subject("198.51.100.3"), Reason: listing.Imported, Source: "feed"})
		if err != nil || !fresh.Since.Equal(b.now) || fresh.Revision != 3 || fresh.Actor != "alice" {
			t.Errorf("added: %+v, %v", fresh, err)
		}
	})
}

// Of two lines about one key their words decide, not their order.
func replaceOrder(t *testing.T, b *fixture) {
	for _, at := range []string{"198.51.100.1", "198.51.100.0/24", "2001:db8::1"} {
		say := func(change func(*listing.Entry)) listing.Entry { e := fed(at); change(&e); return e }
		except := say(func(e *listing.Entry) { e.Except, e.Until = true, b.now.Add(time.Minute) })
		always := say(func(e *listing.Entry) { e.Note = "always" })
		early := say(func(e *listing.Entry) { e.Since, e.Note = b.now.Add(-time.Hour), "early" })
		long := say(func(e *listing.Entry) { e.Until, e.Note = b.now.Add(3*time.Hour), "long" })
		short := say(func(e *listing.Entry) { e.Until, e.Note = b.now.Add(time.Hour), "short" })
		ranked := []listing.Entry{except, early, always, long, short}
		for n := range ranked {
			for _, flip := range []bool{false, true} {
				said := slices.Clone(ranked[n:])
				if flip {
					slices.Reverse(said)
				}
				v := b.replace(b.importing("feed"), said...)
				if v.Added+v.Altered+v.Kept != 1 {
					t.Fatalf("%s said %d times: %+v", at, len(said), v)
				}
				if e := b.all()[0]; e.Except != ranked[n].Except || e.Note != ranked[n].Note {
					t.Errorf("%s: %s stands before %s", at, text(e), text(ranked[n]))
				}
			}
		}
		other := say(func(e *listing.Entry) { e.Reason = listing.BareIP })
		if v := b.replace(b.importing("feed"), always, other); v.Kept+v.Altered+v.Added != 2 {
			t.Errorf("%s for two reasons: %+v", at, v)
		}
	}
}

func replaceAdd(t *testing.T, b *fixture) {
	r := b.importing("feed")
	r.Source.Add = true
	b.replace(r, fed("198.51.100.1"), fed("2001:db8::/48"))
	r = b.importing("feed")
	r.Source.Add = true
	altered := fed("198.51.100.1")
	altered.PublicNote = "seen again"
	v := b.replace(r, fed("198.51.100.2"), altered, fed("203.0.113.0/24"), fed("2001:db8::/48"))
	if v.Added != 2 || v.Altered != 1 || v.Kept != 1 || v.Removed != 0 || b.status().Sourced != 4 || len(b.all()) != 4 {
		t.Errorf("added: %+v, %s", v, text(b.all()))
	}
	if changes := b.upTo(1, 2); len(changes) != 4 || changes[0].Kind != listing.SourceChange {
		t.Errorf("changes: %s", text(changes))
	}
}

// Of a source a part changes: what is named comes, is altered or, if it has ended, goes.
func replacePart(t *testing.T, b *fixture) {
	all := []listing.Entry{fed("198.51.100.1"), fed("198.51.100.2"), fed("203.0.113.7")}
	for n := range 3000 {
		all = append(all, fed(fmt.Sprintf("2001:db8:%x::/48", n)))
	}
	b.replace(b.importing("feed"), all...)
	r := b.importing("feed")
	r.Source.Part = true
	altered := fed("2001:db8:bb0::/48")
	altered.PublicNote = "seen again"
	parts := []listing.Entry{altered, fed("192.0.2.1"), fed("2001:db9::/48"), fed("198.51.100.2")}
	for _, s := range []string{"198.51.100.1", "2001:db8:400::/48", "192.0.2.2", "2001:dba::/48"} {
		e := fed(s)
		e.Until = b.now
		parts = append(parts, e)
	}
	v := b.replace(r, parts...)
	if v.Added != 2 || v.Altered != 1 || v.Kept != 1 || v.Removed != 2 || b.status().Sourced != len(all) {
		t.Errorf("added %d, altered %d, kept %d, removed %d of %d", v.Added, v.Altered, v.Kept, v.Removed, b.status().Sourced)
	}
	now := map[string]string{}
	for _, e := range b.all() {
		now[e.Subject.Text()] = e.PublicNote
	}
	for _, e := range all {
		if _, is := now[e.Subject.Text()]; is == (e.Subject.Text() == "198.51.100.1" || e.Subject.Text() == "2001:db8:400::/48") {
			t.Errorf("%s is there: %t", e.Subject.Text(), is)
		}
	}
	if _, came := now["2001:db9::/48"]; !came || len(now) != len(all) || now["2001:db8:bb0::/48"] != "seen again" {
		t.Errorf("%d entries, %t, %q", len(now), came, now["2001:db8:bb0::/48"])
	}
	if changes := b.upTo(1, 2); len(changes) != 6 {
		t.Errorf("changes: %s", text(changes))
	}
}

func replaceExpired(t *testing.T, b *fixture) {
	b.replace(b.importing("feed"), fed("198.51.100.1"), fed("2001:db8::1"))
	b.now = b.now.Add(8 * listing.Day)
	r := b.importing("feed")
	r.Source.Add = true
	v := b.replace(r, fed("198.51.100.1"))
	if v.Added != 1 || v.Removed != 0 || v.Kept != 0 || len(v.Changes) != 2 || v.Changes[0].Because != listing.Expired {
		t.Fatalf("verdict %+v", v)
	}
	all := b.all()
	if len(all) != 1 || !all[0].Since.Equal(b.now) || b.status().Sourced != 1 {
		t.Errorf("entries %s", text(all))
	}
	changes := b.upTo(1, 2)
	if len(changes) != 3 || changes[0].SourceAfter != nil || changes[1].SourceBefore != nil || changes[2].Before != nil || !changes[2].Last {
		t.Errorf("changes: %s", text(changes))
	}
}

// A sweep ends the entries whose time has come, as one revision, and leaves
// generation, end and revision of the source to its imports.
func replaceSweep(t *testing.T, b *fixture) {
	sweep := func(name string) listing.Verdict {
		r := b.request()
		r.Source = &listing.SourceEdit{Name: name, Sweep: true}
		return b.replace(r)
	}
	ends := func(text string, after time.Duration) listing.Entry {
		e := fed(text)
		e.Until = b.now.Add(after)
		return e
	}
	file := []listing.Entry{fed("198.51.100.1"), ends("198.51.100.2", time.Hour), ends("198.51.100.3", 2*time.Hour),
		ends("203.0.113.0/24", time.Hour), fed("2001:db8::/48"), ends("2001:db8::1", 30*listing.Day)}
	b.replace(b.importing("feed"), file...)
	b.unchanged(func() {
		b.now = b.now.Add(time.Hour - time.Second)
		for _, name := range []string{"feed", "no-feed"} {
			if v := sweep(name); v.Changed() || v.Revision != 1 {
				t.Errorf("before anything ended in %s: %+v", name, v)
			}
		}
	})
	b.now = b.now.Add(time.Second)
	if v := sweep("feed"); v.Removed != 2 || v.Revision != 2 || len(v.Changes) != 1 || len(b.all()) != 4 || b.status().Sourced != 4 {
		t.Fatalf("verdict %+v, %s", v, text(b.all()))
	}
	changes := b.upTo(1, 2)
	if len(changes) != 3 || changes[0].SourceAfter.Swept != 2 || changes[0].SourceAfter.Generation != 1 || changes[0].SourceAfter.Revision != 1 {
		t.Errorf("changes: %s", text(changes))
	}
	for _, c := range changes[1:] {
		if c.Before == nil || c.After != nil || c.Because != listing.Expired || c.Before.Revision != 1 {
			t.Errorf("change: %s", text(c))
		}
	}
	b.unchanged(func() { sweep("feed") })
	b.reopen()
	b.view(func(s listing.Snapshot) {
		past := collect(t, s.History(subject("198.51.100.2")))
		if len(past) != 2 || past[1].Because != listing.Expired || past[1].Before == nil {
			t.Errorf("history: %s", text(past))
		}
	})
	// An import that was prepared before is not disturbed.
	r := b.importing("feed")
	r.Source.Expect = new(uint64)
	*r.Source.Expect = 1
	v, err := b.Replace(t.Context(), r, func(yield func(listing.Entry, error) bool) {
		b.now = b.now.Add(time.Hour)
		if v := sweep("feed"); v.Removed != 1 {
			t.Errorf("beside an import: %+v", v)
		}
		these(append(file[:1:1], file[4:]...))(yield)
	})
	if err != nil || v.Kept != 3 || v.Added+v.Removed+v.Altered != 0 || b.status().Sourced != 3 {
		t.Errorf("imported: %+v, %v", v, err)
	}
	b.now = b.now.Add(8 * listing.Day)
	b.unchanged(func() { sweep("feed") }) // the source's own end is not a sweep of it
}

func replaceOnce(t *testing.T, b *fixture) {
	r := b.importing("feed")
	r.Keyed = true
	first := b.replace(r, fed("198.51.100.1"), fed("198.51.100.2"))
	b.reopen()
	b.unchanged(func() {
		again := b.replace(r, fed("203.0.113.9"))
		if !again.Repeated {
			t.Error("decided twice")
		}
		again.Repeated = false
		same(t, "verdict of then", again, first)
	})
	b.unchanged(func() {
		r.Actor = "bob"
		_, err := b.Replace(t.Context(), r, these(nil))
		wantCode(t, err, "id-used")
	})
}

func replaceGeneration(t *testing.T, b *fixture) {
	r := b.importing("feed")
	r.Source.Expect = new(uint64)
	b.replace(r, fed("198.51.100.1"))
	b.unchanged(func() {
		r.ID = "other"
		_, err := b.Replace(t.Context(), r, these(nil))
		wantKind(t, err, listing.ErrConflict)
	})
	// While these entries are read, the source moves on.
	r = b.importing("feed")
	v, err := b.Replace(t.Context(), r, func(yield func(listing.Entry, error) bool) {
		yield(fed("198.51.100.2"), nil)
		b.replace(b.importing("feed"), fed("198.51.100.2"), fed("198.51.100.3"))
	})
	if err != nil || v.Kept != 1 || v.Removed != 1 || v.Added != 0 || b.status().Sourced != 1 {
		t.Errorf("made against another generation: %+v, %v", v, err)
	}
}

func replaceAtOnceByMany(t *testing.T, b *fixture) {
	var wait sync.WaitGroup
	for n := range 8 {
		wait.Go(func() {
			r := listing.Request{Header: listing.Header{ID: fmt.Sprint(n), Time: b.now, Actor: "alice"},
				Source: &listing.SourceEdit{Name: "feed", Add: n%2 == 0, Until: b.now.Add(time.Hour)}}
			_, err := b.Replace(t.Context(), r, these([]listing.Entry{fed(fmt.Sprintf("198.51.100.%d", n)), fed("198.51.100.100")}))
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	replayed := replay(t, b.upTo(0, b.status().Head))
	same(t, "what the changes make", replayed, b.all())
	if b.status().Sourced != len(replayed) {
		t.Errorf("%d entries, %d counted", len(replayed), b.status().Sourced)
	}
}
