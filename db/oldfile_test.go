package db

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

var update = flag.Bool("update", false, "write testdata/v6.db, v6.json, people.db and sightings.db anew; only while no list has that layout yet")

const (
	oldFile    = "testdata/v1.db"
	newestFile = "testdata/v6.db"
)

// A file of an older version of the layout holds what it held when it was written.
func TestOldFile(t *testing.T) {
	if *update {
		writeOldFile(t, "testdata/v6")
	}
	for _, name := range []string{"testdata/v1", "testdata/v2", "testdata/v3", "testdata/v5", "testdata/v6"} {
		t.Run(name, func(t *testing.T) { holdsWhatItHeld(t, name) })
	}
}

func holdsWhatItHeld(t *testing.T, name string) {
	d := openOld(t, name)
	defer d.Close()
	held := name
	if name == "testdata/v1" || name == "testdata/v3" {
		held = "testdata/v2" // as they did
	}
	want, err := os.ReadFile(held + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if got := describe(t, d); !bytes.Equal(got, want) {
		t.Errorf("it holds\n%s\nand held\n%s", got, want)
	}
	if v, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil || v.Replayed != 9 {
		t.Errorf("%+v, %v", v, err)
	}
	if v := mustApply(t, d, "new", listEdit(addr4(1))); v.Revision != 10 {
		t.Errorf("revision %d", v.Revision)
	}
}

// Deltas of all versions tell what became of a host, and can be replayed.
func TestOldDeltas(t *testing.T) {
	d := openOld(t, "testdata/v5")
	defer d.Close()
	mustReplace(t, d, importing("new", "feed"), slicesOf(nil))
	var steps []string
	err := d.View(t.Context(), func(s listing.Snapshot) error {
		for _, c := range all(t, s.History(subjectOf(t, "203.0.113.2"))) {
			steps = append(steps, fmt.Sprint(c.Before != nil, c.After != nil))
		}
		return nil
	})
	if want := "[false true true true true false]"; err != nil || fmt.Sprint(steps) != want {
		t.Errorf("%v, %v; want %v", steps, err, want)
	}
	if v, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil || v.Replayed != 10 {
		t.Errorf("%+v, %v", v, err)
	}
}

// Version 4 was version 3 of which the oldest records are forgotten.
func TestOldBase(t *testing.T) {
	d := openOld(t, "testdata/v4")
	defer d.Close()
	want, err := os.ReadFile("testdata/v4.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := describeFrom(t, d, 8); !bytes.Equal(got, want) {
		t.Errorf("it holds\n%s\nand held\n%s", got, want)
	}
	if v, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil || v.Replayed != 1 || v.Forgotten != 8 {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := versionOf(d.bolt); v != schema || err != nil {
		t.Errorf("version %d, %v", v, err)
	}
}

// openOld opens a copy of a file.
func openOld(t *testing.T, name string) *DB {
	t.Helper()
	raw, err := os.ReadFile(name + ".db")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "listings.db")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return openTest(t, path)
}

// oldStatus is what the description kept of a list's status: nothing of the file.
type oldStatus struct {
	Head    listing.Revision `json:"revision"`
	Chain   listing.Digest   `json:"chain"`
	Entries int              `json:"entries"`
	Sourced int              `json:"sourced"`
	Bytes   int64            `json:"bytes"` // always 0
}

// describe is all that a list holds, as JSON.
func describe(t *testing.T, d *DB) []byte {
	t.Helper()
	return describeFrom(t, d, 0)
}

// describeFrom leaves out the changes up to a revision.
func describeFrom(t *testing.T, d *DB, after listing.Revision) []byte {
	t.Helper()
	var out struct {
		Status  oldStatus
		Entries []listing.Entry
		Served  []listing.Served
		Allows  []listing.Allow
		Sources []listing.Source
		Papers  []listing.Document
		Config  string
		Past    listing.Past
		Sample  listing.Evidence
		Verdict listing.Verdict
		Changes []listing.Change
	}
	st, err := d.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out.Status = oldStatus{Head: st.Head, Chain: st.Chain, Entries: st.Entries, Sourced: st.Sourced}
	err = d.View(t.Context(), func(s listing.Snapshot) (err error) {
		out.Entries, out.Served, out.Papers = all(t, s.Each(listing.Subject{})), all(t, s.Served()), all(t, s.Documents("ticket"))
		out.Allows, err = s.Allows()
		var errs [4]error
		out.Sources, errs[0] = s.Sources()
		out.Past, errs[1] = s.Past(listing.Key{Subject: hostSubject(192<<24 | 2<<8 | 2), Reason: listing.BareIP})
		out.Sample, errs[2] = s.Evidence(sample().Sum())
		out.Verdict, _, errs[3] = s.Decided("list")
		out.Config = s.Config()
		return errors.Join(append(errs[:], err)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	for c, err := range d.Changes(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		out.Changes = append(out.Changes, c)
		if c.Last && c.Revision == st.Head {
			break
		}
	}
	raw, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(raw, '\n')
}

func all[T any](t *testing.T, seq func(func(T, error) bool)) (all []T) {
	t.Helper()
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func sample() *listing.Evidence {
	return &listing.Evidence{Salt: []byte("salt"), Samples: []listing.Sample{{Time: noon, Receiver: "mx1", HELO: "192.0.2.1"}}}
}

// everything makes a list with something of everything.
func everything(t *testing.T) *DB {
	t.Helper()
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	host := func(n uint32) listing.Edit { return listEdit(addr4(192<<24 | 2<<8 | n)) }
	first := host(1)
	first.Evidence, first.PublicNote, first.Ticket = sample(), "own text", "rt:1425832"
	mustApply(t, d, "list", first, host(2), host(3))
	end := host(2)
	end.Op, end.Because = listing.OpDelist, listing.FixedVerified
	except := host(0)
	except.Except, except.Key.Subject = true, subjectOf(t, "192.0.2.0/25")
	mustApply(t, d, "end", end, except)
	mustApply(t, d, "beside", listing.Edit{Op: listing.OpConfigure, Config: "hash"},
		listing.Edit{Op: listing.OpAllow, Allow: &listing.Allow{Subject: subjectOf(t, "198.51.100.0/24"), Owner: "bob", Until: noon.Add(time.Hour)}},
		listing.Edit{Op: listing.OpDocument, Document: &listing.Document{Kind: "ticket", ID: "t1", Body: []byte(`{"state": "new"}`)}})
	said := func(text string, change func(*listing.Entry)) listing.Entry {
		e := listing.Entry{Key: listing.Key{Subject: subjectOf(t, text), Reason: listing.Imported}}
		change(&e)
		return e
	}
	plain := func(*listing.Entry) {}
	for n, entries := range [][]listing.Entry{
		{said("203.0.113.1", plain), said("203.0.113.2", plain), said("2001:db8::/48", plain), said("203.0.113.0/24", func(e *listing.Entry) { e.Except = true })},
		{said("203.0.113.1", plain), said("203.0.113.2", func(e *listing.Entry) { e.PublicNote = "seen again" }), said("2001:db8::7", plain)},
		{said("203.0.113.1", plain), said("203.0.113.2", func(e *listing.Entry) { e.PublicNote = "seen again" }), said("2001:db8::7", plain)},
	} {
		mustReplace(t, d, importing(fmt.Sprint("import", n), "feed"), slicesOf(entries))
	}
	mustReplace(t, d, importing("other", "gone"), slicesOf([]listing.Entry{said("203.0.113.9", plain)}))
	mustApply(t, d, "drop", listing.Edit{Op: listing.OpEndSource, Source: "gone", Because: listing.OperatorChoice})
	mustApply(t, d, "restore", listing.Edit{Op: listing.OpRestore, Key: end.Key,
		Restore: &listing.Entry{Key: end.Key, Since: noon, Until: noon.Add(listing.Day), Level: 1, Origin: listing.ByThreshold}})
	return d
}

func writeOldFile(t *testing.T, name string) {
	t.Helper()
	d := everything(t)
	path, described := d.bolt.Path(), describe(t, d)
	if err := errors.Join(d.Close(), os.MkdirAll("testdata", 0o755), os.RemoveAll(name+".db"), os.WriteFile(name+".json", described, 0o644), compact(path, name+".db")); err != nil {
		t.Fatal(err)
	}
}

func subjectOf(t *testing.T, text string) listing.Subject {
	t.Helper()
	s, err := listing.ParseSubject(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func slicesOf(entries []listing.Entry) func(func(listing.Entry, error) bool) {
	return func(yield func(listing.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// compact copies a file without its free pages.
func compact(from, to string) error {
	src, err := bolt.Open(from, 0o600, nil)
	if err != nil {
		return err
	}
	dst, err := bolt.Open(to, 0o644, nil)
	if err != nil {
		return errors.Join(err, src.Close())
	}
	return errors.Join(bolt.Compact(dst, src, 0), dst.Close(), src.Close())
}
