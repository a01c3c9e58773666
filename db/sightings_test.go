package db

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dnsbld/listing"
	"dnsbld/listing/sighting"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// openSightings opens a file without waiting for the disk; aside gets why files
// were moved aside.
func openSightings(t testing.TB, path string, aside *[]error) *Sightings {
	t.Helper()
	s, err := OpenSightings(path, Options{NoSync: true}, func(name string, why error) {
		if name != path+".damaged" {
			t.Errorf("moved to %s", name)
		}
		*aside = append(*aside, why)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func keysOf(t testing.TB, s *Sightings, prefix, after string) string {
	t.Helper()
	var keys []string
	var from []byte
	if after != "" {
		from = []byte(after)
	}
	for item, err := range s.Scan([]byte(prefix), from) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, string(item.Key)+"="+string(item.Value))
	}
	return strings.Join(keys, " ")
}

func items(pairs ...string) (all []sighting.Item) {
	for _, p := range pairs {
		key, value, has := strings.Cut(p, "=")
		item := sighting.Item{Key: []byte(key)}
		if has {
			item.Value = []byte(value)
		}
		all = append(all, item)
	}
	return all
}

// Counters that were saved are there after the file was closed, in order, by prefix and
// beyond a key.
func TestSightings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sightings.db")
	var aside []error
	s := openSightings(t, path, &aside)
	for _, batch := range [][]sighting.Item{items("n2=b", "e=x", "n1=a", "n3=c"), items("n2", "n3=C", "absent")} {
		if err := s.Save(batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(items("n9=z")); !errors.Is(err, listing.ErrUnavailable) {
		t.Errorf("saved to a closed file: %v", err)
	}
	s = openSightings(t, path, &aside)
	for _, c := range []struct{ prefix, after, want string }{
		{"", "", "e=x n1=a n3=C"}, {"n", "", "n1=a n3=C"}, {"n", "n1", "n3=C"}, {"", "n3", ""}, {"n", "a", "n1=a n3=C"}, {"x", "", ""},
	} {
		if got := keysOf(t, s, c.prefix, c.after); got != c.want {
			t.Errorf("%q after %q: %s, want %s", c.prefix, c.after, got, c.want)
		}
	}
	for range s.Scan(nil, nil) {
		break
	}
	if s.Bytes() == 0 || len(aside) > 0 {
		t.Errorf("%d bytes, moved aside: %v", s.Bytes(), aside)
	}
	if _, err := OpenSightings(path, Options{Timeout: 1}, nil); !errors.Is(err, listing.ErrUnavailable) {
		t.Errorf("opened twice: %v", err)
	}
}

// The file is a map that keeps its order.
func TestSightingsAreAMap(t *testing.T) {
	var aside []error
	s := openSightings(t, filepath.Join(t.TempDir(), "sightings.db"), &aside)
	model := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		var batch []sighting.Item
		for range rapid.IntRange(1, 8).Draw(t, "batch") {
			key := fmt.Sprint("k", rapid.IntRange(0, 30).Draw(t, "key"))
			if rapid.Bool().Draw(t, "delete") {
				batch = append(batch, sighting.Item{Key: []byte(key)})
				delete(model, key)
				continue
			}
			model[key] = rapid.StringN(0, 3, 10).Draw(t, "value")
			batch = append(batch, sighting.Item{Key: []byte(key), Value: []byte(model[key])})
		}
		if err := s.Save(batch); err != nil {
			t.Fatal(err)
		}
		after := fmt.Sprint("k", rapid.IntRange(0, 30).Draw(t, "after"))
		var want, got []string
		for _, k := range slices.Sorted(maps.Keys(model)) {
			if k > after {
				want = append(want, k+model[k])
			}
		}
		for item, err := range s.Scan([]byte("k"), []byte(after)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(item.Key)+string(item.Value))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// Counters are losable: a damaged file, another's, and one of a newer program
// are moved aside, and counting starts again.
func TestSightingsThatAreDamaged(t *testing.T) {
	dir := t.TempDir()
	var none []error
	good := filepath.Join(dir, "good.db")
	if err := openSightings(t, good, &none).Save(items("n1=a")); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "listings.db")
	if err := openTest(t, list).Close(); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{
		"text": []byte(strings.Repeat("not a database\n", 1000)), "cut": whole[:3*os.Getpagesize()],
		"zeros": make([]byte, len(whole)), "a list": foreign,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sightings.db")
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			var aside []error
			s := openSightings(t, path, &aside)
			if len(aside) != 1 || !errors.Is(aside[0], listing.ErrCorrupt) {
				t.Fatalf("moved aside: %v", aside)
			}
			if kept, err := os.ReadFile(path + ".damaged"); err != nil || string(kept) != string(raw) {
				t.Errorf("the damaged file is not kept: %v", err)
			}
			if err := s.Save(items("n2=b")); err != nil || keysOf(t, s, "", "") != "n2=b" {
				t.Errorf("it is not begun again: %v, %s", err, keysOf(t, s, "", ""))
			}
		})
	}
}

// A file that cannot be understood once it is open is moved aside too, once.
func TestSightingsAreRenewed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sightings.db")
	var aside []error
	s := openSightings(t, path, &aside)
	if err := s.Save(items("n1=a")); err != nil {
		t.Fatal(err)
	}
	if err := s.use(func(*bolt.DB) error { return corruptf("a page is torn") }); err != nil {
		t.Fatal(err)
	}
	if len(aside) != 1 || keysOf(t, s, "", "") != "" {
		t.Errorf("moved aside: %v, left: %s", aside, keysOf(t, s, "", ""))
	}
	if err := s.Renew(errors.New("a day that cannot be decoded")); err != nil || len(aside) != 2 {
		t.Errorf("moved aside: %v, %v", aside, err)
	}
}
