package db

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/listing/sighting"

	bolt "go.etcd.io/bbolt"
)

// Files of people and counters from before values had checksums open with all that they
// have, and get them.
func TestHelpersOfBefore(t *testing.T) {
	people, counters := filepath.Join(t.TempDir(), "people.db"), filepath.Join(t.TempDir(), "sightings.db")
	for path, buckets := range map[string]map[string]map[string]string{
		people:   {"contact": {"C1": `{"address":"alice@sender.example"}`, "C2": ""}, "mail": {"C1": `{"body":"text"}`}},
		counters: {"meta": {"schema": "\x01"}, "sightings": {"n1": "a", "n2": "b"}},
	} {
		b, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = b.Update(func(tx *bolt.Tx) (err error) {
			for name, all := range buckets {
				b, made := tx.CreateBucket([]byte(name))
				err = errors.Join(err, made)
				for k, v := range all {
					err = errors.Join(err, b.Put([]byte(k), []byte(v)))
				}
			}
			return err
		})
		if err := errors.Join(err, b.Close()); err != nil {
			t.Fatal(err)
		}
	}
	const wantPeople = `contact C1 {"address":"alice@sender.example"}` + "\ncontact C2 \nmail C1 " + `{"body":"text"}` + "\n"
	for range 2 {
		if said, all := peopleSay(t, people); said != "" || all != wantPeople {
			t.Errorf("people: %q, %s", all, said)
		}
		if said, all := countersSay(t, counters); said != "" || all != "n1 a\nn2 b\n" {
			t.Errorf("counters: %q, %s", all, said)
		}
	}
	raw, err := os.ReadFile(people)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Replace(raw, []byte("alice@"), []byte("malic@"), -1)
	if err := os.WriteFile(people, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if said, all := peopleSay(t, people); said == "" || all != "" {
		t.Errorf("with another text: %q, %s", all, said)
	}
}

// A file that says that it is of before, and has checksums, is damaged: it would get
// others on top.
func TestVersionIsDamaged(t *testing.T) {
	d := everything(t)
	if err := errors.Join(d.bolt.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(metaBucket).Put(schemaKey, binary.AppendUvarint(nil, 1))
	}), d.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(d.path, Options{NoSync: true}); !errors.Is(err, listing.ErrCorrupt) {
		t.Errorf("a list of version 3 that says 1: %v", err)
	}
	p, err := OpenPeople(filepath.Join(t.TempDir(), "people.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Put("contact", "C1", []byte("text")), p.update(func(tx *bolt.Tx) error { return tx.DeleteBucket(metaBucket) }), p.Close()); err != nil {
		t.Fatal(err)
	}
	if said, all := peopleSay(t, p.path); said == "" || all != "" {
		t.Errorf("people without their version: %q, %s", all, said)
	}
}

// peopleSay is all that a file of people has, and what was said about damage.
func peopleSay(t *testing.T, path string) (said, all string) {
	t.Helper()
	p, err := OpenPeople(path, func(_ string, why error) { said += why.Error() })
	if err != nil {
		return err.Error(), ""
	}
	defer p.Close()
	said += p.Doubt()
	for _, kind := range []string{"answer", "contact", "mail"} {
		var some []desk.Record
		for r, err := range p.Each(kind) {
			if err != nil {
				return err.Error(), ""
			}
			some = append(some, r)
		}
		for _, r := range some {
			one, err := p.Get(kind, r.ID)
			if err == nil && !bytes.Equal(one, r.Value) {
				said += "two answers"
			}
			all += kind + " " + r.ID + " " + string(r.Value) + "\n"
		}
	}
	return said, all
}

// countersSay is the same of counters.
func countersSay(t *testing.T, path string) (said, all string) {
	t.Helper()
	s, err := OpenSightings(path, Options{NoSync: true, InitialMmap: 1 << 20}, func(_ string, why error) { said += why.Error() })
	if err != nil {
		return err.Error(), ""
	}
	defer s.Close()
	said += s.Doubt()
	for item, err := range s.Scan(nil, nil) {
		if err != nil {
			return err.Error(), ""
		}
		all += string(item.Key) + " " + string(item.Value) + "\n"
	}
	if err := s.Save([]sighting.Item{{Key: []byte("n0"), Value: []byte("new")}}); err != nil {
		said += err.Error()
	}
	if err := s.Save([]sighting.Item{{Key: []byte("n0")}}); err != nil {
		said += err.Error()
	}
	return said, all
}

// A file of people or counters that is cut short while it is open is set aside, and
// another begun, also where bbolt met it with its locks held.
func TestHelpersCutShort(t *testing.T) {
	for _, left := range []int64{0, 2 * 4096} {
		told := 0
		aside := func(string, error) { told++ }
		people, err := OpenPeople(filepath.Join(t.TempDir(), "people.db"), aside)
		if err != nil {
			t.Fatal(err)
		}
		counters, err := OpenSightings(filepath.Join(t.TempDir(), "sightings.db"), Options{NoSync: true}, aside)
		if err != nil {
			t.Fatal(err)
		}
		item := []sighting.Item{{Key: []byte("n1"), Value: []byte("value")}}
		if err := errors.Join(people.Put("contact", "C1", []byte("text")), people.Delete("contact", "C0"), counters.Save(item)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Truncate(people.path, left), os.Truncate(counters.path, left)); err != nil {
			t.Fatal(err)
		}
		if _, err := people.Get("contact", "C1"); !errors.Is(err, listing.ErrNotFound) {
			t.Errorf("%d octets left: %v", left, err)
		}
		if err := counters.Save(item); err != nil {
			t.Errorf("%d octets left: %v", left, err)
		}
		for _, err := range counters.Scan(nil, nil) {
			if err != nil {
				t.Errorf("%d octets left: %v", left, err)
			}
		}
		if err := errors.Join(people.Put("contact", "C2", []byte("text")), people.Delete("contact", "C2"), counters.Save(item)); err != nil {
			t.Errorf("%d octets left: %v", left, err)
		}
		if err := errors.Join(people.Close(), counters.Close()); err != nil || told != 2 {
			t.Errorf("%d octets left: told %d times, %v", left, told, err)
		}
	}
}
