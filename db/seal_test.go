package db

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// Whatever bit flips in what answers are made of, whoever reads it is told, a
// start too, and so is who verifies the list.
func TestDamageIsNoticed(t *testing.T) {
	flip := func(find func(*bolt.Tx) *bolt.Bucket, at int) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			b := find(tx)
			k, v := b.Cursor().First()
			damaged := bytes.Clone(v)
			damaged[(at+len(v))%len(v)] ^= 0x20
			return b.Put(bytes.Clone(k), damaged)
		}
	}
	lose := func(find func(*bolt.Tx) *bolt.Bucket) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			k, _ := find(tx).Cursor().First()
			return find(tx).Delete(bytes.Clone(k))
		}
	}
	top := func(name []byte) func(*bolt.Tx) *bolt.Bucket {
		return func(tx *bolt.Tx) *bolt.Bucket { return tx.Bucket(name) }
	}
	of := func(name []byte) func(*bolt.Tx) *bolt.Bucket {
		return func(tx *bolt.Tx) *bolt.Bucket { return tx.Bucket(contentsBucket).Bucket([]byte("feed")).Bucket(name) }
	}
	for name, damage := range map[string]func(*bolt.Tx) error{
		"served, the first octet":  flip(top(servedBucket), 0),
		"served, an end":           flip(top(servedBucket), 2),
		"served, the sum":          flip(top(servedBucket), -1),
		"served, one lost":         lose(top(servedBucket)),
		"an entry lost":            lose(top(entriesBucket)),
		"hosts, the dictionary":    flip(of(hostsBucket), 3),
		"hosts, an address":        flip(of(hostsBucket), -7),
		"hosts, a block lost":      lose(of(hostsBucket)),
		"a prefix, its reason":     flip(of(netsBucket), 4),
		"a prefix, lost":           lose(of(netsBucket)),
		"an allow entry, its text": flip(top(allowsBucket), 15),
		"a source, its name":       flip(top(sourcesBucket), 10),
		"two entries exchanged": func(tx *bolt.Tx) error {
			c := tx.Bucket(servedBucket).Cursor()
			a, _ := c.First()
			_, b := c.Last()
			return tx.Bucket(servedBucket).Put(bytes.Clone(a), append(bytes.Clone(b[:len(b)-1]), b[len(b)-1]))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := openTest(t, sealedFile(t))
			defer d.Close()
			if _, err := d.Verify(t.Context()); err != nil {
				t.Fatalf("before: %v", err)
			}
			if err := d.bolt.Update(damage); err != nil {
				t.Fatal(err)
			}
			var refused *listing.Error
			if _, err := d.Verify(t.Context()); !errors.As(err, &refused) || !errors.Is(err, listing.ErrCorrupt) || refused.Code != "damaged" {
				t.Errorf("verified: %v", err)
			}
			err := d.View(t.Context(), func(s listing.Snapshot) (err error) {
				for _, one := range s.Served() {
					err = errors.Join(err, one)
				}
				_, allows := s.Allows()
				_, sources := s.Sources()
				for _, one := range s.Each(listing.Subject{}) {
					err = errors.Join(err, one)
				}
				return errors.Join(err, allows, sources)
			})
			if name != "an entry lost" && !errors.Is(err, listing.ErrCorrupt) {
				t.Errorf("read: %v", err)
			}
		})
	}
}

// sealedFile is a list with all that is sealed.
func sealedFile(t *testing.T) string {
	t.Helper()
	path := someFile(t)
	d := openTest(t, path)
	mustReplace(t, d, importing("prefixes", "feed"), func(yield func(listing.Entry, error) bool) {
		for e, err := range feed(clustered(1500)) {
			if !yield(e, err) {
				return
			}
		}
		yield(listing.Entry{Key: listing.Key{Subject: subjectOf(t, "198.51.100.0/24"), Reason: listing.BareIP}}, nil)
	})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// A file of version 1, which had no sums, gets them when it is opened, and once.
func TestUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "listings.db")
	raw, err := os.ReadFile(oldFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	var first int
	for range 2 {
		d := openTest(t, path)
		if _, err := d.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		err := d.bolt.View(func(tx *bolt.Tx) error {
			version, _ := binary.Uvarint(tx.Bucket(metaBucket).Get(schemaKey))
			if version != schema {
				t.Errorf("version %d", version)
			}
			if first == 0 {
				first = tx.ID()
			} else if tx.ID() != first {
				t.Errorf("opened again it was written to: transaction %d after %d", tx.ID(), first)
			}
			return nil
		})
		if err = errors.Join(err, d.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
