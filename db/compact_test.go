package db

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dnsbld/listing"
)

// A compaction gives back what is free, and everything is as it was: also what was
// written while it ran, and what is open while it ends.
func TestCompact(t *testing.T) {
	path := filepath.Join(t.TempDir(), "listings.db")
	d := openTest(t, path)
	defer func() { d.Close() }()
	mustReplace(t, d, importing("large", "large"), feed(clustered(200_000)))
	mustReplace(t, d, importing("feed", "feed"), feed(clustered(2000)))
	mustApply(t, d, "drop", listing.Edit{Op: listing.OpEndSource, Source: "large", Because: listing.OperatorChoice})
	mustApply(t, d, "before", listEdit(addr4(1)))

	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range uint32(4) {
		writers.Go(func() {
			for n := uint32(0); ctx.Err() == nil && n < 500; n++ {
				e := listEdit(addr4(w<<24 | n))
				e.Evidence = &listing.Evidence{Salt: []byte("salt"), Samples: []listing.Sample{{Time: noon, HELO: fmt.Sprint(w, n)}}}
				if _, err := d.Apply(t.Context(), request(fmt.Sprint("w", w, "-", n), e)); err != nil {
					t.Error(err)
				}
				keyed := request(fmt.Sprint("k", w, "-", n), listing.Edit{Op: listing.OpDisallow, Subject: hostSubject(1)})
				if keyed.Keyed = true; n == 0 {
					if _, err := d.Apply(t.Context(), keyed); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	before, err := d.Status(t.Context())
	if err != nil || before.Free == 0 {
		t.Fatalf("%+v, %v", before, err)
	}
	err = d.View(t.Context(), func(s listing.Snapshot) error {
		c, err := d.Compact(t.Context(), time.Time{})
		if err != nil || c.Before < before.Bytes || c.Forgotten != 0 || c.Held == 0 {
			t.Errorf("%+v, %v", c, err)
		}
		n := 0
		for _, err := range s.Each(listing.Subject{}) { // of the file as it was
			if n++; err != nil {
				return err
			}
		}
		if n < 2000 {
			t.Errorf("%d entries are read in the old file", n)
		}
		return err
	})
	stop()
	writers.Wait()
	if err != nil {
		t.Fatal(err)
	}
	st, err := d.Status(t.Context())
	if err != nil || st.Path != path || st.Free > before.Free/2 {
		t.Errorf("%+v after %+v, %v", st, before, err)
	}
	if _, err := Open(path, Options{Timeout: time.Millisecond}); !errors.Is(err, listing.ErrUnavailable) {
		t.Errorf("the new file is not locked: %v", err)
	}
	for range 2 { // as it is open, and opened again
		if v, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil || v.Head != st.Head {
			t.Fatalf("%+v, %v", v, err)
		}
		err := d.View(t.Context(), func(s listing.Snapshot) error {
			for w := range 4 {
				if _, known, err := s.Decided(fmt.Sprint("k", w, "-0")); !known || err != nil {
					t.Errorf("k%d-0: %t, %v", w, known, err)
				}
			}
			for e, err := range s.Each(listing.Subject{}) {
				if err != nil {
					return err
				}
				if _, err := s.Evidence(e.Evidence); e.Evidence != (listing.Digest{}) && err != nil {
					return fmt.Errorf("%s: %w", e.Subject, err)
				}
			}
			return nil
		})
		if err := errors.Join(err, d.Close()); err != nil {
			t.Fatal(err)
		}
		d = openTest(t, path)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A compaction replays writes made during the copy before it holds writers back.
func TestCompactCatchesUp(t *testing.T) {
	d := everything(t)
	defer d.Close()
	m := compaction{d: d, path: d.path + compactSuffix, done: &Compacted{}}
	if err := errors.Join(d.note(&journal{}), m.copy(t.Context(), time.Time{})); err != nil {
		t.Fatal(err)
	}
	for n := range uint32(200) {
		mustApply(t, d, fmt.Sprint("later", n), listEdit(addr4(n)))
	}
	if err := m.catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	st, err := d.Status(t.Context())
	if err != nil || m.play.next != st.Head+1 {
		t.Errorf("the copy goes on with revision %d of %d (%v)", m.play.next, st.Head, err)
	}
	if err := m.finish(); err != nil {
		t.Fatal(err)
	}
	if v, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil || v.Head != st.Head {
		t.Errorf("%+v, %v", v, err)
	}
}

// A writer who waits while another file takes the place of the old one is not held up by
// those who read that, and writes in the new one.
func TestCompactHoldsNoWriter(t *testing.T) {
	d := everything(t)
	defer d.Close()
	turn := make(chan error, 1)
	d.cut = func(step string) error {
		if step == "synced" {
			go func() {
				_, err := d.Apply(t.Context(), request("meanwhile", listEdit(addr4(77))))
				turn <- err
			}()
		}
		return nil
	}
	err := d.View(t.Context(), func(listing.Snapshot) error {
		if _, err := d.Compact(t.Context(), time.Time{}); err != nil {
			return err
		}
		select {
		case err := <-turn:
			return err
		case <-time.After(time.Minute):
			return errors.New("he waits until the reader ends")
		}
	})
	if err != nil {
		t.Error(err)
	}
	if v, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil {
		t.Errorf("%+v, %v", v, err)
	}
}

// One that is cut short changes nothing, and what it left is taken away.
func TestCompactStops(t *testing.T) {
	d := everything(t)
	before := describe(t, d)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for range 20 { // the turn is free and the end is there: which of the two counts is no matter of chance
		if _, err := d.Compact(ctx, time.Time{}); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped: %v", err)
		}
	}
	path := d.path
	for _, left := range []string{path + compactSuffix, path + compactSuffix + ".part"} {
		if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openTest(t, path)
	defer d.Close()
	if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if after := describe(t, d); !bytes.Equal(after, before) {
		t.Error("it is not as it was")
	}
}

// Wherever a compaction is cut short, by a crash or by what fails, the list has all that
// was acknowledged, proves it, takes changes and compacts. Of a crash between the rename
// and its sync a start finds the old name ("synced") or the new one ("renamed").
func TestCompactCut(t *testing.T) {
	for _, step := range []string{"forgot", "copied", "caught up", "synced", "renamed"} {
		t.Run(step, func(t *testing.T) {
			d := everything(t)
			defer func() { _ = d.Close() }() // once more, where it was closed
			after, applied := noon.Add(2*listing.Day), uint32(0)
			erased := &listing.Evidence{Salt: []byte("salt"), Samples: []listing.Sample{{Time: noon, HELO: "erased.test"}}}
			apply := func(d *DB, id string) {
				t.Helper()
				applied++
				r := request(id, listEdit(addr4(applied)))
				r.Time, r.Edits[0].Evidence = after, erased
				if _, err := d.Apply(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			apply(d, "before")
			crashed, fails := filepath.Join(t.TempDir(), "listings.db"), errors.New("cut short")
			var was map[string]json.RawMessage
			d.cut = func(at string) error {
				if at == "forgot" || at == "copied" { // and then goes on
					apply(d, at)
					if err := d.EraseEvidence(t.Context(), erased.Sum()); err != nil {
						t.Error(err)
					}
				}
				if at != step {
					return nil
				}
				was = kept(t, d)
				for _, part := range []string{"", compactSuffix, compactSuffix + ".part"} {
					raw, err := os.ReadFile(d.path + part)
					if err == nil {
						err = os.WriteFile(crashed+part, raw, 0o600)
					}
					if err != nil && !errors.Is(err, os.ErrNotExist) {
						t.Error(err)
					}
				}
				return fails
			}
			if _, err := d.Compact(t.Context(), noon.Add(listing.Day)); !errors.Is(err, fails) {
				t.Fatalf("not cut short: %v", err)
			}
			d.cut = nil
			st, err := d.Status(t.Context())
			if dead := st.Failed != ""; err != nil || dead != (step == "renamed") {
				t.Errorf("%+v, %v", st, err)
			}
			if st.Failed == "" {
				wholeAfterCut(t, d, was, erased)
				apply(d, "the same goes on")
			}
			path := d.path
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{path, crashed} {
				d := openTest(t, path)
				if path == crashed || st.Failed != "" {
					wholeAfterCut(t, d, was, erased)
				}
				apply(d, "it goes on after a start")
				c, err := d.Compact(t.Context(), after)
				if v, wrong := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil || wrong != nil || c.Forgotten == 0 {
					t.Errorf("%+v, %v, %+v, %v", c, err, v, wrong)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// kept is all that a list says and a compaction keeps.
func kept(t *testing.T, d *DB) (all map[string]json.RawMessage) {
	t.Helper()
	if err := json.Unmarshal(describeFrom(t, d, 10), &all); err != nil {
		t.Fatal(err)
	}
	delete(all, "Verdict") // of a request that may be forgotten
	return all
}

// wholeAfterCut looks whether a list has all that it should, and nothing lies beside it.
func wholeAfterCut(t *testing.T, d *DB, was map[string]json.RawMessage, erased *listing.Evidence) {
	t.Helper()
	is := kept(t, d)
	for what := range was {
		if !bytes.Equal(is[what], was[what]) {
			t.Errorf("%s is\n%s\nand should be\n%s", what, is[what], was[what])
		}
	}
	if v, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil {
		t.Errorf("%+v, %v", v, err)
	}
	err := d.View(t.Context(), func(s listing.Snapshot) error {
		_, err := s.Evidence(erased.Sum())
		return err
	})
	if !errors.Is(err, listing.ErrNotFound) {
		t.Errorf("what was erased: %v", err)
	}
	if left, _ := filepath.Glob(d.path + ".*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A compaction forgets what is old, the chain still links, and the list is still what its log
// makes of it, from the base on.
func TestForgetBefore(t *testing.T) {
	d := everything(t)
	defer func() { d.Close() }()
	middle, err := d.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	was := describe(t, d)
	later := func(id string, days int, edits ...listing.Edit) listing.Request {
		r := request(id, edits...)
		r.Time = noon.Add(time.Duration(days) * listing.Day)
		return r
	}
	apply := func(r listing.Request) {
		t.Helper()
		if _, err := d.Apply(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 4 {
		apply(later(fmt.Sprint("later", n), 2+100*n, listEdit(addr4(uint32(n)))))
		c, err := d.Compact(t.Context(), noon.Add(listing.Day+time.Duration(100*n)*listing.Day))
		if err != nil || c.Forgotten != listing.Revision(9+n) {
			t.Fatalf("%+v, %v", c, err)
		}
		v, err := d.VerifyFull(t.Context(), listing.Checkpoint{})
		if err != nil || v.Records != 1 || v.Replayed != 1 || v.Forgotten != listing.Revision(9+n) {
			t.Fatalf("%+v, %v", v, err)
		}
		if v, err := d.VerifyFrom(t.Context(), middle.Checkpoint()); err != nil || v.Head != listing.Revision(10+n) {
			t.Errorf("from a checkpoint of old: %+v, %v", v, err)
		}
		forged := listing.Checkpoint{Revision: 5, Chain: middle.Chain}
		if _, err := d.VerifyFrom(t.Context(), forged); !errors.Is(err, listing.ErrCorrupt) {
			t.Errorf("from one that never was: %v", err)
		}
	}
	for c, err := range d.Changes(t.Context(), 3) {
		if !errors.Is(err, listing.ErrCompacted) {
			t.Errorf("changes that are not kept: %+v, %v", c, err)
		}
	}
	err = d.View(t.Context(), func(s listing.Snapshot) error {
		for c, err := range s.History(subjectOf(t, "192.0.2.1")) {
			t.Errorf("history that is not kept: %+v, %v", c, err)
		}
		if _, known, err := s.Decided("list"); known || err != nil {
			t.Errorf("a request that is not kept: %t, %v", known, err)
		}
		if _, err := s.Get(listing.Key{Subject: subjectOf(t, "192.0.2.1"), Reason: listing.BareIP}); err != nil {
			t.Errorf("an entry from before: %v", err)
		}
		_, err := s.Evidence(sample().Sum())
		return err
	})
	if err != nil {
		t.Error(err)
	}
	apply(later("drop", 302, listing.Edit{Op: listing.OpEndSource, Source: "feed", Because: listing.OperatorChoice}))
	err = d.View(t.Context(), func(s listing.Snapshot) error {
		ends := all(t, s.History(subjectOf(t, "203.0.113.1")))
		if len(ends) != 1 || ends[0].Kind != listing.SourceChange {
			t.Errorf("the end of a source that had it: %+v", ends)
		}
		return nil
	})
	if err != nil || len(was) == 0 {
		t.Error(err)
	}
	described, path := describeFrom(t, d, 12), d.path
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := Rebuild(t.Context(), path, "", header()); err != nil || r.Records != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	d = openTest(t, path)
	if again := describeFrom(t, d, 12); !bytes.Equal(again, described) {
		t.Errorf("made anew it holds\n%s\nand held\n%s", again, described)
	}
	if v, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil || v.Forgotten != 12 {
		t.Errorf("%+v, %v", v, err)
	}
}

// Evidence stays as long as a kept record refers to it, before or after the change,
// and goes with the last of them.
func TestForgetKeepsEvidence(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	defer d.Close()
	seen := func(helo string) *listing.Evidence {
		return &listing.Evidence{Salt: []byte("salt"), Samples: []listing.Sample{{Time: noon, HELO: helo}}}
	}
	ended, again, never := seen("ended.test"), seen("again.test"), seen("never.test")
	list := func(n uint32, e *listing.Evidence) listing.Edit {
		edit := listEdit(addr4(n))
		edit.Evidence = e
		return edit
	}
	end := func(n uint32) listing.Edit {
		edit := listEdit(addr4(n))
		edit.Op, edit.Because = listing.OpDelist, listing.FixedVerified
		return edit
	}
	for day, edits := range [][]listing.Edit{
		{list(1, ended), list(2, again), list(3, never)},
		{end(3)},
		{end(1), list(2, seen("later.test"))},
		{listEdit(addr4(4))},
		{listEdit(addr4(5))},
	} {
		r := request(fmt.Sprint("day", day), edits...)
		r.Time = noon.Add(time.Duration(day) * listing.Day)
		if _, err := d.Apply(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for _, day := range []int{2, 4} {
		if c, err := d.Compact(t.Context(), noon.Add(time.Duration(day)*listing.Day)); err != nil || int(c.Forgotten) != day {
			t.Fatalf("%+v, %v", c, err)
		}
		err := d.View(t.Context(), func(s listing.Snapshot) error {
			for e, want := range map[*listing.Evidence]bool{ended: day == 2, again: day == 2, never: false, seen("later.test"): true} {
				if _, err := s.Evidence(e.Sum()); (err == nil) != want {
					t.Errorf("day %d: %s is kept: %t (%v)", day, e.Samples[0].HELO, !want, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
