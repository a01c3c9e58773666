package db

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// A list is what its log makes of it, whatever was done to it.
func TestVerifyFull(t *testing.T) {
	d := everything(t)
	defer d.Close()
	if v, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil || v.Replayed != 9 || v.Records != 9 || v.Differ != 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	r := rand.New(rand.NewPCG(7, 7))
	for n := range 40 {
		var said []listing.Entry
		for range r.IntN(300) {
			e := listing.Entry{Key: listing.Key{Subject: hostSubject(10<<24 | r.Uint32N(4)<<16 | r.Uint32N(200)), Reason: listing.Reason(2 + r.IntN(2))}}
			switch r.IntN(4) {
			case 0:
				e.Note = fmt.Sprint("note ", r.IntN(5))
			case 1:
				e.Subject, _ = listing.ParseSubject(fmt.Sprintf("10.%d.%d.0/24", r.IntN(4), r.IntN(200)))
			case 2:
				e.Until = noon.Add(listing.Day)
			}
			said = append(said, e)
		}
		request := importing(fmt.Sprint("random", n), "random")
		request.Source.Add = n%3 == 0
		mustReplace(t, d, request, slicesOf(said))
	}
	for _, part := range [][]byte{hostsBucket, netsBucket, wideBucket, contentsBucket} {
		said := []listing.Entry{{Key: listing.Key{Subject: hostSubject(7), Reason: listing.Imported}},
			{Key: listing.Key{Subject: subjectOf(t, "2001:db8::/48"), Reason: listing.Imported}}}
		mustReplace(t, d, importing("named "+string(part), string(part)), slicesOf(said))
	}
	sweep := importing("sweep", "random")
	sweep.Time, sweep.Source = noon.Add(2*listing.Day), &listing.SourceEdit{Name: "random", Sweep: true}
	mustReplace(t, d, sweep, slicesOf(nil))
	if v, err := d.VerifyFull(t.Context(), listing.Checkpoint{Revision: 0}); err != nil || v.Replayed < 45 {
		t.Fatalf("%+v, %v", v, err)
	}
}

// Whatever is not as the log says is named, also where its checksum is right.
func TestVerifyFullNames(t *testing.T) {
	first := func(b *bolt.Bucket) (k, v []byte) {
		k, v = b.Cursor().First()
		return bytes.Clone(k), bytes.Clone(v)
	}
	lose := func(name []byte) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error { k, _ := first(tx.Bucket(name)); return tx.Bucket(name).Delete(k) }
	}
	of := func(tx *bolt.Tx, part []byte) *bolt.Bucket {
		return tx.Bucket(contentsBucket).Bucket([]byte("feed")).Bucket(part)
	}
	for name, try := range map[string]struct {
		damage func(*bolt.Tx) error
		what   string
	}{
		"an entry altered": {func(tx *bolt.Tx) error {
			k, v := first(tx.Bucket(entriesBucket))
			e, err := decodeEntry(k, v)
			e.Note = "never said"
			return errors.Join(err, tx.Bucket(entriesBucket).Put(k, encodeEntry(nil, &e)))
		}, "entries 192.0.2.0/25, reason 2"},
		"an entry of nobody": {func(tx *bolt.Tx) error {
			_, v := first(tx.Bucket(entriesBucket))
			return tx.Bucket(entriesBucket).Put(entryKey(listing.Key{Subject: hostSubject(1), Reason: 2}), v)
		}, "entries 0.0.0.1, reason 2, of which the log has nothing"},
		"an entry lost":  {lose(entriesBucket), "entries 192.0.2.0/25, reason 2, which is missing"},
		"a past lost":    {lose(pastBucket), "past 192.0.2.2, reason 2"},
		"history lost":   {lose(historyBucket), "history 192.0.2.0/25, revision 2"},
		"a paper lost":   {lose(documentsBucket), `papers "ticket\x00t1"`},
		"a source lost":  {lose(sourcesBucket), `sources "feed"`},
		"an allow lost":  {lose(allowsBucket), "allows 198.51.100.0/24"},
		"another config": {func(tx *bolt.Tx) error { return tx.Bucket(metaBucket).Put(configKey, []byte("x")) }, "the configuration"},
		"a prefix altered": {func(tx *bolt.Tx) error {
			var old netBlock
			var next netBuilder
			err := old.open(first(of(tx, netsBucket)))
			key, a, _ := old.entry(0)
			a.note = "never said"
			next.entries = append(next.entries, netEntry{key, *a})
			return errors.Join(err, next.block(next.entries).into(of(tx, netsBucket)))
		}, "contents/feed/nets 2001:db8::7"},
		"a block of prefixes damaged": {func(tx *bolt.Tx) error {
			k, v := first(of(tx, netsBucket))
			v[3] ^= 4
			return of(tx, netsBucket).Put(k, v)
		}, "contents/feed/nets"},
		"a host put in": {func(tx *bolt.Tx) error {
			k, v := first(of(tx, hostsBucket))
			var old blockReader
			next := tableBuilder[attrs]{low: blockLow}
			err := old.open(k, v)
			_, a, _ := old.host(0)
			next.add(0x7100, *a)
			return errors.Join(err, of(tx, hostsBucket).Put(k, seal(k, next.encode((*before).attrs))))
		}, "contents/feed/hosts 203.0.113.0"},
		"a block damaged": {func(tx *bolt.Tx) error {
			k, v := first(of(tx, hostsBucket))
			v[3] ^= 4
			return of(tx, hostsBucket).Put(k, v)
		}, "contents/feed/hosts 203.0.0.0/16"},
		"evidence of another": {func(tx *bolt.Tx) error {
			_, v := first(tx.Bucket(evidenceBucket))
			sum := listing.Digest{1}
			return tx.Bucket(evidenceBucket).Put(sum[:], seal(sum[:], v[:len(v)-4]))
		}, "evidence 01"},
		"a request of another": {func(tx *bolt.Tx) error {
			_, v := first(tx.Bucket(doneBucket))
			return tx.Bucket(doneBucket).Put([]byte("list"), v)
		}, `the request "list"`},
	} {
		t.Run(name, func(t *testing.T) {
			d := everything(t)
			defer d.Close()
			if err := d.bolt.Update(try.damage); err != nil {
				t.Fatal(err)
			}
			v, err := d.VerifyFull(t.Context(), listing.Checkpoint{})
			var named []string
			for _, d := range v.Differences {
				named = append(named, d.String())
			}
			if !errors.Is(err, listing.ErrCorrupt) || v.Differ == 0 || !strings.Contains(strings.Join(named, "\n"), try.what) {
				t.Errorf("found %q, %v", named, err)
			}
		})
	}
}
