package db

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

func TestVerify(t *testing.T) {
	path := someFile(t)
	d := openTest(t, path)
	defer d.Close()
	st, err := d.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v, err := d.Verify(t.Context()); err != nil || v.Head != st.Head || v.Chain != st.Chain || v.Records != int(st.Head) || v.Broken != 0 {
		t.Errorf("untouched: %+v, %v", v, err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Verify(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestVerifyFindsTampering(t *testing.T) {
	flip := func(revision listing.Revision, at int) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			b := tx.Bucket(logBucket)
			raw := bytes.Clone(b.Get(revisionKey(revision)))
			raw[(at+len(raw))%len(raw)] ^= 1
			return b.Put(revisionKey(revision), raw)
		}
	}
	for name, try := range map[string]struct {
		damage func(*bolt.Tx) error
		broken listing.Revision
	}{
		"a record altered":   {flip(7, 60), 7},
		"its last byte":      {flip(7, -1), 7},
		"its hash":           {flip(7, 3), 7},
		"its number":         {flip(7, 32+7), 7},
		"the first":          {flip(1, 40), 1},
		"an import":          {flip(42, 60), 42},
		"a record taken out": {func(tx *bolt.Tx) error { return tx.Bucket(logBucket).Delete(revisionKey(7)) }, 8},
		"a record put in": {func(tx *bolt.Tx) error {
			b := tx.Bucket(logBucket)
			return b.Put(revisionKey(43), b.Get(revisionKey(42)))
		}, 43},
		"two exchanged": {func(tx *bolt.Tx) error {
			b := tx.Bucket(logBucket)
			x, y := bytes.Clone(b.Get(revisionKey(7))), bytes.Clone(b.Get(revisionKey(8)))
			return errors.Join(b.Put(revisionKey(7), y), b.Put(revisionKey(8), x))
		}, 7},
		"a delta altered": {func(tx *bolt.Tx) error {
			b := tx.Bucket(deltasBucket).Bucket([]byte("feed"))
			c := b.Cursor()
			k, v := c.First()
			v = bytes.Clone(v)
			v[len(v)-1] ^= 1
			return b.Put(bytes.Clone(k), v)
		}, 42},
		"a delta taken out": {func(tx *bolt.Tx) error {
			b := tx.Bucket(deltasBucket).Bucket([]byte("feed"))
			k, _ := b.Cursor().First()
			return b.Delete(bytes.Clone(k))
		}, 42},
		"all deltas taken out": {func(tx *bolt.Tx) error { return tx.Bucket(deltasBucket).DeleteBucket([]byte("feed")) }, 42},
	} {
		t.Run(name, func(t *testing.T) {
			d := openTest(t, someFile(t))
			defer d.Close()
			if err := d.bolt.Update(try.damage); err != nil {
				t.Fatal(err)
			}
			if v, err := d.Verify(t.Context()); !errors.Is(err, listing.ErrCorrupt) || v.Broken != try.broken {
				t.Errorf("broken at %d (%v), want %d", v.Broken, err, try.broken)
			}
		})
	}
}

func TestEraseEvidence(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	defer d.Close()
	e := listEdit(addr4(7))
	e.Evidence = &listing.Evidence{Salt: []byte("salt"), Samples: []listing.Sample{{Time: noon, HELO: "192.0.2.7"}}}
	mustApply(t, d, "list", e)
	sum := e.Evidence.Sum()
	find := func() (err error) {
		return d.View(t.Context(), func(s listing.Snapshot) error { _, err := s.Evidence(sum); return err })
	}
	if err := find(); err != nil {
		t.Fatal("before:", err)
	}
	if err := d.EraseEvidence(t.Context(), sum); err != nil {
		t.Fatal(err)
	}
	if err := find(); !errors.Is(err, listing.ErrNotFound) {
		t.Errorf("after: %v", err)
	}
	if v, err := d.Verify(t.Context()); err != nil || v.Records != 1 {
		t.Errorf("the chain: %+v, %v", v, err)
	}
}

func TestBackupAndSkip(t *testing.T) {
	d := openTest(t, someFile(t))
	defer d.Close()
	path := filepath.Join(t.TempDir(), "backup.db")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	revision, err := d.Backup(t.Context(), f)
	if err := errors.Join(err, f.Close()); err != nil || revision != 43 {
		t.Fatalf("revision %d, %v", revision, err)
	}
	mustApply(t, d, "later", listEdit(addr4(1)))

	restored := openTest(t, path)
	defer restored.Close()
	if err := restored.Skip(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	if err := restored.Skip(t.Context(), 500); err != nil {
		t.Fatal(err)
	}
	if v := mustApply(t, restored, "anew", listEdit(addr4(1))); v.Revision != 1001 {
		t.Errorf("revision %d after a restore", v.Revision)
	}
	if v, err := restored.Verify(t.Context()); err != nil || v.Head != 1001 || v.Records != 44 {
		t.Errorf("chain %+v, %v", v, err)
	}
	n := 0
	for c, err := range restored.Changes(t.Context(), 43) {
		if n++; err != nil || c.Revision != 1001 {
			t.Fatal(fmt.Sprint(c.Revision), err)
		}
		break
	}
	if n != 1 {
		t.Error("no change after the gap")
	}
}

// From a checkpoint on only what came after is walked, and what came before is
// proved by the checkpoint.
func TestVerifyFrom(t *testing.T) {
	path := someFile(t)
	d := openTest(t, path)
	defer func() { d.Close() }()
	all, err := d.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var middle listing.Checkpoint
	if err := d.read(func(s *state) error {
		middle = listing.Checkpoint{Revision: 7, Chain: listing.Digest(s.tx.Bucket(logBucket).Get(revisionKey(7))[:32])}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, from := range []listing.Checkpoint{middle, all.Checkpoint()} {
		if v, err := d.VerifyFrom(t.Context(), from); err != nil || v.Head != all.Head || v.Chain != all.Chain || v.Records != int(all.Head-from.Revision) {
			t.Errorf("from %s: %+v, %v", from, v, err)
		}
	}
	for name, from := range map[string]listing.Checkpoint{
		"another hash": {Revision: 7, Chain: all.Chain},
		"cut off":      {Revision: all.Head + 1, Chain: all.Chain},
	} {
		if v, err := d.VerifyFrom(t.Context(), from); !errors.Is(err, listing.ErrCorrupt) || v.Broken != from.Revision {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
	// After a restored backup the list goes on behind a gap.
	if err := d.Skip(t.Context(), all.Head+1000); err != nil {
		t.Fatal(err)
	}
	if v, err := d.VerifyFrom(t.Context(), listing.Checkpoint{Revision: all.Head + 1000, Chain: all.Chain}); err != nil || v.Records != 0 {
		t.Errorf("in a gap: %+v, %v", v, err)
	}
}
