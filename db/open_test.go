package db

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

func mustApply(t testing.TB, d *DB, id string, edits ...listing.Edit) listing.Verdict {
	t.Helper()
	v, err := d.Apply(t.Context(), request(id, edits...))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// someFile is a closed file with a bit of everything in it.
func someFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "listings.db")
	d := openTest(t, path)
	for n := range uint32(40) {
		mustApply(t, d, fmt.Sprint("list", n), listEdit(addr4(192<<24|2<<8|n)))
	}
	mustApply(t, d, "allow", listing.Edit{Op: listing.OpAllow, Allow: &listing.Allow{Subject: hostSubject(1), Owner: "bob"}})
	mustReplace(t, d, importing("import", "feed"), feed(clustered(2000)))
	mustReplace(t, d, importing("again", "feed"), feed(clustered(1500)))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantRefused(t *testing.T, path string, kind error, code string) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, Options{Timeout: time.Millisecond})
	var refused *listing.Error
	if !errors.Is(err, kind) || (code != "" && (!errors.As(err, &refused) || refused.Code != code)) {
		t.Errorf("got error %v, want kind %v, code %q", err, kind, code)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed (%v)", err)
	}
}

func TestOpenInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "listings.db")
	d := openTest(t, path)
	wantRefused(t, path, listing.ErrUnavailable, "in-use")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openTest(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestOpenForeign(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, raw []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	wantRefused(t, file("text", []byte("192.0.2.1\n")), listing.ErrCorrupt, "not-a-list")
	wantRefused(t, file("noise", bytes.Repeat([]byte{0xa5}, 1<<16)), listing.ErrCorrupt, "not-a-list")

	whole, err := os.ReadFile(someFile(t))
	if err != nil {
		t.Fatal(err)
	}
	wantRefused(t, file("cut", whole[:12<<10]), listing.ErrCorrupt, "")

	other := filepath.Join(dir, "other")
	makeBolt(t, other, func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
	wantRefused(t, other, listing.ErrCorrupt, "not-a-list")
	if _, err := Open(dir, Options{}); !errors.Is(err, listing.ErrCorrupt) {
		t.Errorf("a directory: %v", err)
	}
}

func TestOpenNewer(t *testing.T) {
	path := someFile(t)
	makeBolt(t, path, func(tx *bolt.Tx) error {
		return tx.Bucket(metaBucket).Put(schemaKey, binary.AppendUvarint(nil, schema+1))
	})
	wantRefused(t, path, listing.ErrCorrupt, "newer-schema")
}

func TestOpenDamagedHead(t *testing.T) {
	for name, damage := range map[string]func(*bolt.Tx) error{
		"no log":          func(tx *bolt.Tx) error { return tx.DeleteBucket(logBucket) },
		"no head":         func(tx *bolt.Tx) error { return tx.Bucket(metaBucket).Delete(headKey) },
		"a record beyond": func(tx *bolt.Tx) error { return tx.Bucket(logBucket).Put(revisionKey(99), make([]byte, 50)) },
		"the last record": func(tx *bolt.Tx) error { return tx.Bucket(logBucket).Delete(revisionKey(43)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := someFile(t)
			makeBolt(t, path, damage)
			wantRefused(t, path, listing.ErrCorrupt, "")
		})
	}
}

// makeBolt writes to a file as no list is written to.
func makeBolt(t *testing.T, path string, f func(*bolt.Tx) error) {
	t.Helper()
	b, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Update(f), b.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOpenUnfinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "listings.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := openTest(t, path).Close(); err != nil {
		t.Fatal("an empty file:", err)
	}
	path = filepath.Join(t.TempDir(), "listings.db")
	makeBolt(t, path, func(*bolt.Tx) error { return nil })
	d := openTest(t, path)
	defer d.Close()
	mustApply(t, d, "first", listEdit(addr4(1)))
}

// A page of zeros anywhere in the file is an error where it matters, and never
// the end of the program or a wrong answer.
func TestDamagedPages(t *testing.T) {
	path := someFile(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := readAll(t, path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	used, found := 0, 0
	for at := 2 * page; at < min(len(whole), 600<<10); at += page {
		if bytes.Equal(whole[at:at+page], make([]byte, page)) {
			continue
		}
		used++
		damaged := bytes.Clone(whole)
		clear(damaged[at : at+page])
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readAll(t, path)
		switch {
		case errors.Is(err, listing.ErrCorrupt):
			found++
		case err != nil:
			t.Errorf("page %d: %v", at/page, err)
		case got != want:
			t.Errorf("page %d: a wrong answer, and no error", at/page)
		}
	}
	if found < used/4 {
		t.Errorf("of %d damaged pages %d were found", used, found)
	}
}

// readAll reads a file in every way and sums it up.
func readAll(t *testing.T, path string) (sum string, err error) {
	d, err := Open(path, Options{NoSync: true, InitialMmap: 64 << 20})
	if err != nil {
		return "", err
	}
	defer func() { _ = d.Close() }()
	if _, err := d.Verify(t.Context()); err != nil {
		return "", err
	}
	n := 0
	err = d.View(t.Context(), func(s listing.Snapshot) error {
		for e, err := range s.Each(listing.Subject{}) {
			if err != nil {
				return err
			}
			n++
			sum = fmt.Sprint(e.Key)
		}
		for _, err := range s.Served() {
			if err != nil {
				return err
			}
			n++
		}
		for c, err := range s.History(hostSubject(192<<24 | 2<<8 | 7)) {
			if err != nil {
				return err
			}
			n += int(c.Revision)
		}
		_, err := s.Allows()
		_, _, decided := s.Decided("list7")
		return errors.Join(err, decided)
	})
	if err != nil {
		return "", err
	}
	st, err := d.Status(t.Context())
	return fmt.Sprint(sum, n, st.Head, st.Chain), err
}
