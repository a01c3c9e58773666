package db

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
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
	if err != nil || r.Records != 9 || r.Next != 9 {
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
