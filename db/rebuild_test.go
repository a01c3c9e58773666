package db

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// damagedFile is everything, with an answer that a request without changes got, and
// then damaged.
func damagedFile(t *testing.T, damage func(*bolt.Tx) error) (path string, before []byte) {
	t.Helper()
	d := everything(t)
	keyed := request("nothing", listing.Edit{Op: listing.OpConfigure, Config: "hash"})
	keyed.Keyed = true
	if _, err := d.Apply(t.Context(), keyed); err != nil {
		t.Fatal(err)
	}
	before = describe(t, d)
	path = d.bolt.Path()
	if err := errors.Join(d.bolt.Update(damage), d.Close()); err != nil {
		t.Fatal(err)
	}
	return path, before
}

// loseAnswers takes away most of what answers are made of.
func loseAnswers(tx *bolt.Tx) error {
	for _, name := range [][]byte{entriesBucket, servedBucket, contentsBucket, pastBucket, historyBucket, allowsBucket} {
		if err := tx.DeleteBucket(name); err != nil {
			return err
		}
	}
	return nil
}

func TestRebuild(t *testing.T) {
	path, before := damagedFile(t, loseAnswers)
	if _, err := Open(path, Options{}); !errors.Is(err, listing.ErrCorrupt) {
		t.Fatalf("it opens: %v", err)
	}
	damaged, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Rebuild(t.Context(), path, "", header())
	if err != nil || r.Records != 9 || r.Next != 9 || r.LeftOut != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	if kept, err := os.ReadFile(r.Aside); err != nil || !bytes.Equal(kept, damaged) {
		t.Errorf("what was there was changed (%v)", err)
	}
	d := openTest(t, path)
	defer d.Close()
	if after := describe(t, d); !bytes.Equal(after, before) {
		t.Errorf("it holds\n%s\nand held\n%s", after, before)
	}
	if _, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"list", "nothing"} {
		err := d.View(t.Context(), func(s listing.Snapshot) error {
			_, known, err := s.Decided(id)
			if !known {
				t.Errorf("%s is not known", id)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// A rebuild keeps evidence and remembered requests up to where they are damaged, and
// says that something is left out.
func TestRebuildKeepsWhatReads(t *testing.T) {
	d := everything(t)
	var sums []listing.Digest
	for n := range uint32(200) {
		e := listEdit(addr4(n))
		e.Evidence = &listing.Evidence{Salt: []byte("salt"), Samples: []listing.Sample{{Time: noon, HELO: fmt.Sprint(n, strings.Repeat("x", 500))}}}
		mustApply(t, d, fmt.Sprint("own", n), e)
		sums = append(sums, e.Evidence.Sum())
	}
	slices.SortFunc(sums, func(a, b listing.Digest) int { return bytes.Compare(a[:], b[:]) })
	path, last := d.path, sums[len(sums)-1]
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(*bolt.Tx) error{
		"a short key":  func(tx *bolt.Tx) error { return tx.Bucket(evidenceBucket).Put([]byte("short"), []byte("{}")) },
		"another key":  func(tx *bolt.Tx) error { return tx.Bucket(evidenceBucket).Put(make([]byte, 32), []byte("{}")) },
		"a lost age":   func(tx *bolt.Tx) error { return tx.Bucket(agedBucket).Put([]byte("12345678nobody"), nil) },
		"a bad answer": func(tx *bolt.Tx) error { return tx.Bucket(doneBucket).Put([]byte("own7"), []byte("x")) },
	} {
		copied := filepath.Join(t.TempDir(), "listings.db")
		if err := compact(path, copied); err != nil {
			t.Fatal(err)
		}
		b, _, err := openBolt(copied, Options{NoSync: true}, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(b.Update(damage), b.Close()); err != nil {
			t.Fatal(err)
		}
		if r, kept := rebuiltEvidence(t, copied, sums); kept != len(sums) || r.LeftOut == "" {
			t.Errorf("%s: %d kept, %+v", name, kept, r)
		}
	}
	// The page of the last one is no page of a tree any more.
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	for at := 2 * page; at+page <= len(raw); at += page {
		if leaf := raw[at:][:page]; bytes.Contains(leaf, last[:]) && bytes.Contains(leaf, bytes.Repeat([]byte("x"), 500)) {
			clear(leaf[8:10]) // its flags
		}
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, kept := rebuiltEvidence(t, path, sums); kept == 0 || kept >= len(sums) || r.LeftOut == "" {
		t.Errorf("a damaged page: %d kept, %+v", kept, r)
	}
}

// rebuiltEvidence makes a list anew, and counts what it has of some evidence.
func rebuiltEvidence(t *testing.T, path string, sums []listing.Digest) (r Rebuilt, kept int) {
	t.Helper()
	r, err := Rebuild(t.Context(), path, "", header())
	if err != nil {
		t.Fatal(err)
	}
	d := openTest(t, path)
	defer d.Close()
	err = d.View(t.Context(), func(s listing.Snapshot) error {
		for _, sum := range sums {
			if _, err := s.Evidence(sum); err == nil {
				kept++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, kept
}

// From a backup on the log before it is not needed, and serials go on behind what was
// served.
func TestRebuildFromBackup(t *testing.T) {
	d := everything(t)
	backup := backupOf(t, d)
	mustApply(t, d, "later", listEdit(addr4(4711)))
	before, path := describe(t, d), d.bolt.Path()
	err := d.bolt.Update(func(tx *bolt.Tx) error {
		log := tx.Bucket(logBucket)
		raw := bytes.Clone(log.Get(revisionKey(3)))
		raw[60] ^= 1
		return errors.Join(log.Put(revisionKey(3), raw), loseAnswers(tx))
	})
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = Rebuild(t.Context(), path, "", header())
	if e, ok := errors.AsType[*listing.Error](err); !ok || e.Code != "log-damaged" || !errors.Is(err, listing.ErrCorrupt) {
		t.Errorf("by the log alone: %v", err)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	r, err := Rebuild(t.Context(), path, backup, header())
	if err != nil || r.Records != 1 || r.Backup.Revision != 9 || r.Next != 10 {
		t.Fatalf("%+v, %v", r, err)
	}
	d = openTest(t, path)
	if after := describe(t, d); !bytes.Equal(after, before) {
		t.Errorf("it holds\n%s\nand held\n%s", after, before)
	}
	if _, err := Rebuild(t.Context(), path, "", header()); !errors.Is(err, listing.ErrUnavailable) {
		t.Errorf("below an open list: %v", err)
	}
	if err := errors.Join(d.Close(), SetWatermark(path, 500)); err != nil {
		t.Fatal(err)
	}
	h := header()
	h.ID, h.Time = "again", h.Time.Add(listing.Day)
	if r, err := Rebuild(t.Context(), path, backup, h); err != nil || r.Next <= 500 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRebuildRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("192.0.2.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path, _ := damagedFile(t, loseAnswers)
	for name, try := range map[string]struct {
		list, backup string
		kind         error
	}{
		"no list":      {filepath.Join(dir, "none"), "", listing.ErrInvalid},
		"no bbolt":     {text, "", listing.ErrCorrupt},
		"no backup":    {path, filepath.Join(dir, "none"), listing.ErrInvalid},
		"not a backup": {path, text, listing.ErrInvalid},
	} {
		if _, err := Rebuild(t.Context(), try.list, try.backup, header()); !errors.Is(err, try.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
