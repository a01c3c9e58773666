package db

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// someNet is a prefix near others, of either family and of any length.
func someNet(r *rand.Rand) listing.Key {
	a, bits := addr4(10<<24|r.Uint32N(1<<14)), r.IntN(32)
	if r.IntN(2) == 0 {
		x := netip.MustParseAddr("2001:db8::").As16()
		x[6], x[7], x[15] = byte(r.IntN(4)), byte(r.Uint32()), byte(r.IntN(3))
		a, bits = netip.AddrFrom16(x), r.IntN(129)
	}
	return listing.Key{Subject: listing.Subject{Prefix: netip.PrefixFrom(a, bits).Masked()},
		Reason: []listing.Reason{listing.Imported, listing.BareIP}[r.IntN(2)], Source: "feed"}
}

// Blocks are a map of entries, whatever imports change: they hold what the source
// said last, in order, each block within its bounds, and are searched like keys.
func TestNetBlocks(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	defer d.Close()
	r := rand.New(rand.NewPCG(1, 2))
	model := map[listing.Key]listing.Entry{}
	for round, n := range []int{3000, 10, 1, 900, 0, 3000, 4000, 30} {
		request, said := importing(fmt.Sprint("round", round), "feed"), map[listing.Key]listing.Entry{}
		for range n {
			e := listing.Entry{Key: someNet(r), Except: r.IntN(9) == 0}
			if r.IntN(5) == 0 {
				e.PublicNote = fmt.Sprint("note ", r.IntN(1000))
			}
			said[e.Key] = e
		}
		if request.Source.Add = round%2 == 1; !request.Source.Add {
			clear(model)
		}
		maps.Copy(model, said)
		mustReplace(t, d, request, slicesOf(slices.Collect(maps.Values(said))))
		checkNets(t, d, model, r)
	}
	if _, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil {
		t.Error(err)
	}
}

func checkNets(t *testing.T, d *DB, model map[listing.Key]listing.Entry, r *rand.Rand) {
	t.Helper()
	keys := slices.SortedFunc(maps.Keys(model), listing.Key.Compare)
	err := d.View(t.Context(), func(s listing.Snapshot) error {
		got := all(t, s.Each(listing.Subject{}))
		if !slices.EqualFunc(got, keys, func(e listing.Entry, k listing.Key) bool {
			want := model[k]
			return e.Key == k && e.Except == want.Except && e.PublicNote == want.PublicNote
		}) {
			t.Fatalf("%d entries, and %d were said", len(got), len(keys))
		}
		for range 50 {
			k := someNet(r)
			covering, err := s.Covering(k.Subject)
			want := slices.DeleteFunc(slices.Clone(keys), func(o listing.Key) bool { return !o.Subject.Covers(k.Subject) })
			if err != nil || !slices.EqualFunc(covering, want, func(e listing.Entry, k listing.Key) bool { return e.Key == k }) {
				t.Fatalf("%d entries around %s, want %d: %v", len(covering), k.Subject, len(want), err)
			}
			_, there := model[k]
			if _, err := s.Get(k); (err == nil) != there {
				t.Fatalf("%v: %v", k, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.read(func(s *state) error { return s.checkBlocks(t, keys, r) }); err != nil {
		t.Fatal(err)
	}
}

// checkBlocks goes through the blocks by a cursor, in every direction.
func (s *state) checkBlocks(t *testing.T, keys []listing.Key, r *rand.Rand) error {
	t.Helper()
	_, nets, err := s.contents("feed")
	if err != nil {
		return err
	}
	blocks := 0
	err = nets.ForEach(func(k, v []byte) error {
		var b netBlock
		if err := b.open(k, v); err != nil {
			return err
		}
		first, _, err := b.entry(0)
		if b.len() > netsMost || !bytes.Equal(first.onDisk(), k) {
			t.Errorf("a block of %d at %x, which begins with %x", b.len(), k, first)
		}
		blocks++
		return err
	})
	if err != nil || blocks > 2+len(keys)/netsFew {
		t.Errorf("%d blocks of %d entries: %v", blocks, len(keys), err)
	}
	at := func(k []byte) int {
		return slices.IndexFunc(keys, func(want listing.Key) bool { return bytes.Equal(entryKey(want), k) })
	}
	c := &netCursor{blocks: nets.Cursor()}
	for range 200 {
		k := someNet(r)
		want, _ := slices.BinarySearchFunc(keys, k, func(a, b listing.Key) int { return bytes.Compare(entryKey(a), entryKey(b)) })
		found, _ := c.Seek(entryKey(k))
		for n := want; n < min(want+3, len(keys)); n++ {
			if at(found) != n {
				t.Fatalf("entry %d after %s is %x", n-want, k.Subject, found)
			}
			found, _ = c.Next()
		}
	}
	n := len(keys)
	for k, _ := c.Last(); k != nil; k, _ = c.Prev() {
		if n--; at(k) != n {
			t.Fatalf("entry %d backwards is %x", n, k)
		}
	}
	if n != 0 {
		t.Errorf("%d entries are left", n)
	}
	return c.err()
}

// A file of version 2 had an entry a key: it holds the same when it has been
// upgraded.
func TestUpgradeToBlocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "listings.db")
	d := openTest(t, path)
	r := rand.New(rand.NewPCG(3, 4))
	said := map[listing.Key]listing.Entry{}
	for range 12_000 {
		k := someNet(r)
		said[k] = listing.Entry{Key: k, Except: r.IntN(9) == 0, PublicNote: []string{"", "note"}[r.IntN(2)]}
	}
	mustReplace(t, d, importing("import", "feed"), slicesOf(slices.Collect(maps.Values(said))))
	before := servedAndKept(t, d)
	err := d.bolt.Update(func(tx *bolt.Tx) error {
		return errors.Join(unpackNets(tx.Bucket(contentsBucket).Bucket([]byte("feed"))),
			tx.Bucket(metaBucket).Put(schemaKey, binary.AppendUvarint(nil, 2)))
	})
	if err = errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	d = openTest(t, path)
	defer d.Close()
	if after := servedAndKept(t, d); before != after {
		t.Errorf("%d octets of what it holds became %d", len(before), len(after))
	}
	if _, err := d.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	checkNets(t, d, said, r)
}

// servedAndKept is all that a list serves and keeps.
func servedAndKept(t *testing.T, d *DB) (text string) {
	t.Helper()
	err := d.View(t.Context(), func(s listing.Snapshot) error {
		text = fmt.Sprint(all(t, s.Served()), all(t, s.Each(listing.Subject{})))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// unpackNets gives each entry a key, as version 2 had it.
func unpackNets(own *bolt.Bucket) error {
	wide, err := own.CreateBucket(wideBucket)
	if err != nil {
		return err
	}
	c := &netCursor{blocks: own.Bucket(netsBucket).Cursor()}
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if err := wide.Put(bytes.Clone(k), seal(k, v)); err != nil {
			return err
		}
	}
	return errors.Join(c.err(), own.DeleteBucket(netsBucket))
}
