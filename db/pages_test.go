package db

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// Whatever bbolt writes is found whole: by bbolt's own check, and by ours.
func TestPagesOfSoundFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.db")
	b, file, err := openBolt(path, Options{NoSync: true}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	r := rand.New(rand.NewPCG(8, 15))
	name := func(n int) []byte { return []byte(fmt.Sprint("bucket", r.IntN(n))) }
	for round := range 120 {
		err := b.Update(func(tx *bolt.Tx) error {
			outer, err := tx.CreateBucketIfNotExists(name(5))
			if err != nil {
				return err
			}
			inner, err := outer.CreateBucketIfNotExists(name(40))
			if err != nil {
				return err
			}
			most := []int{3, 300, 300, 30_000}[r.IntN(4)]
			for range 1 + r.IntN(200) {
				key := fmt.Append(nil, r.IntN(2000))
				switch at := []*bolt.Bucket{inner, inner, outer}[r.IntN(3)]; r.IntN(3) {
				case 0:
					err = errors.Join(err, at.Delete(key))
				default:
					err = errors.Join(err, at.Put(key, make([]byte, r.IntN(most))))
				}
			}
			if round%10 == 9 {
				err = errors.Join(err, outer.DeleteBucket(inner0(outer)))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := checkTree(file); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	err = b.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// inner0 is the name of the first bucket in one.
func inner0(b *bolt.Bucket) (name []byte) {
	_ = b.ForEachBucket(func(k []byte) error { // fails for no bucket
		if name == nil {
			name = append(name, k...)
		}
		return nil
	})
	return name
}

// Damage on which bbolt would go on for ever, not find what is there, or overwrite it,
// is refused; and a rebuild of such a file ends.
func TestPages(t *testing.T) {
	d := everything(t)
	for n := range uint32(400) {
		mustApply(t, d, fmt.Sprint("own", n), listEdit(addr4(n)))
	}
	path := filepath.Join(t.TempDir(), "small")
	if err := errors.Join(d.Close(), compact(d.path, path)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	root, free := branchOf(t, path, logBucket)
	const page = 4096
	branch := func(raw []byte) []byte { return raw[root*page:][:page] }
	id := func(raw []byte, n uint64) { binary.NativeEndian.PutUint64(raw, n) }
	for name, damage := range map[string]func(raw []byte){
		"a page that leads to itself":    func(raw []byte) { id(branch(raw)[16+8:], root) },
		"a page in two places":           func(raw []byte) { copy(branch(raw)[32+8:][:8], branch(raw)[16+8:]) },
		"a page that is not in the file": func(raw []byte) { id(branch(raw)[16+8:], 1<<40) },
		"a branch of nothing":            func(raw []byte) { clear(branch(raw)[10:12]) },
		"too many elements":              func(raw []byte) { branch(raw)[11] = 0xff },
		"a key elsewhere":                func(raw []byte) { branch(raw)[16] = 0 },
		"a key that is too high":         func(raw []byte) { branch(raw)[16+binary.NativeEndian.Uint32(branch(raw)[16:])] = 9 },
		"a length that is too long":      func(raw []byte) { branch(raw)[16+7] = 9 },
		"another number":                 func(raw []byte) { id(branch(raw), root+1) },
		"more pages than there are":      func(raw []byte) { branch(raw)[15] = 9 },
		"another kind of page":           func(raw []byte) { branch(raw)[8] = leafPage | branchPage },
		"a page in use is free": func(raw []byte) {
			list := raw[free*page:]
			id(list[16+8*uint64(binary.NativeEndian.Uint16(list[10:])):], root)
			binary.NativeEndian.PutUint16(list[10:], binary.NativeEndian.Uint16(list[10:])+1)
		},
		"a free page that is not in the file": func(raw []byte) { id(raw[free*page+16:], 1<<40); raw[free*page+10] = 1 },
		"a free list that is none":            func(raw []byte) { raw[free*page+8] = leafPage },
	} {
		path := filepath.Join(t.TempDir(), "listings.db")
		raw := append([]byte(nil), whole...)
		damage(raw)
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		for what, open := range map[string]func(string) (*DB, error){
			"open":      func(path string) (*DB, error) { return Open(path, Options{NoSync: true}) },
			"read only": OpenReadOnly,
		} {
			if d, err := open(path); !errors.Is(err, listing.ErrCorrupt) {
				t.Errorf("%s, %s: %v, %v", name, what, d, err)
			}
		}
		if _, err := Rebuild(t.Context(), path, "", header()); err != nil && !errors.Is(err, listing.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A rebuild leaves out what cannot be read without end, and says so.
func TestRebuildOfEndlessPages(t *testing.T) {
	d := everything(t)
	for n := range uint32(100) {
		e := listEdit(addr4(n))
		e.Evidence = &listing.Evidence{Salt: []byte("salt"), Samples: []listing.Sample{{Time: noon, HELO: fmt.Sprint(n)}}}
		mustApply(t, d, fmt.Sprint("own", n), e)
	}
	path := filepath.Join(t.TempDir(), "listings.db")
	if err := errors.Join(d.Close(), compact(d.path, path)); err != nil {
		t.Fatal(err)
	}
	root, _ := branchOf(t, path, evidenceBucket)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	binary.NativeEndian.PutUint64(raw[root*4096+16+8:], root)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Rebuild(t.Context(), path, "", header())
	if err != nil || r.Records != 109 || r.LeftOut == "" {
		t.Errorf("%+v, %v", r, err)
	}
}

// branchOf is the root page of a bucket, which must be a branch, and the page of the free
// list.
func branchOf(t *testing.T, path string, name []byte) (root, free uint64) {
	t.Helper()
	b, file, err := openBolt(path, Options{}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	free = binary.NativeEndian.Uint64(newestMeta(file)[metaFree:])
	err = b.View(func(tx *bolt.Tx) error {
		root = uint64(tx.Bucket(name).Root())
		kind := make([]byte, 1)
		if _, err := file.ReadAt(kind, int64(root)*4096+8); err != nil || kind[0] != branchPage {
			return fmt.Errorf("the root of %s is a page of kind %d (%w)", name, kind, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return root, free
}

// The look at the pages is part of a start, beside what BenchmarkServed measures.
func BenchmarkPages(b *testing.B) {
	for name, fill := range map[string]func(*DB){
		"packed": func(d *DB) { mustReplace(b, d, importing("first", "feed"), feed(clustered(1_000_000))) },
		"own":    func(d *DB) { fillOwn(b, d, clustered(1_000_000)) },
	} {
		b.Run(name, func(b *testing.B) {
			d := openSynced(b)
			fill(d)
			for b.Loop() {
				if err := checkTree(d.file); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size(d.bolt))/1e6, "MB")
		})
	}
}
