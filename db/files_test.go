package db

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"dnsbld/listing"
)

// A list that is opened is rid of the leftovers of processes that were killed, and of
// nothing else.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "listings.db")
	left := []string{".import-1", ".replay-4294967295", ".answer-77", ".compact", ".compact.part", ".compact.replay-12", ".part"}
	kept := []string{".served.new", ".mirror", ".before-20261129T101500Z", ".import-mine", ".import-", ".parts", ".part2",
		".compact-1", ".damaged", ".import-1.gz", "-copy", ".part.old"}
	for _, name := range append(left, kept...) {
		if err := os.WriteFile(path+name, []byte("1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	beside := []string{"other.db.part", "people.db.compact"}
	for _, name := range beside {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(path+".import-2", 0o700); err != nil {
		t.Fatal(err)
	}
	d := openTest(t, path)
	defer d.Close()
	for _, name := range left {
		if _, err := os.Lstat(path + name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there (%v)", name, err)
		}
	}
	for _, name := range append(kept, ".import-2") {
		if _, err := os.Lstat(path + name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range beside {
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// A process that cannot have the list takes nothing from the one that has it.
func TestLeftoversOfALivingOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "listings.db")
	d := openTest(t, path)
	defer d.Close()
	if err := os.WriteFile(path+compactSuffix, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{Timeout: 1}); !errors.Is(err, listing.ErrUnavailable) {
		t.Fatalf("opened twice: %v", err)
	}
	if _, err := os.Stat(path + compactSuffix); err != nil {
		t.Error(err)
	}
}

// A file without a name leaves none, holds what it is given, and can be had where the
// list is only read.
func TestNameless(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir := t.TempDir()
	path := filepath.Join(dir, "listings.db")
	if err := openTest(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func() (*DB, error){
		func() (*DB, error) { return Open(path, Options{NoSync: true}) },
		func() (*DB, error) { return OpenReadOnly(path) },
	} {
		d, err := open()
		if err != nil {
			t.Fatal(err)
		}
		f, err := d.Nameless()
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 3)
		_, wrote := f.WriteAt([]byte("abc"), 0)
		if _, err := f.ReadAt(got, 0); wrote != nil || err != nil || string(got) != "abc" {
			t.Errorf("%q, %v, %v", got, wrote, err)
		}
		for _, in := range []string{dir, os.TempDir()} {
			if names, err := filepath.Glob(filepath.Join(in, "*-*")); err != nil || len(names) > 0 {
				t.Errorf("%v, %v", names, err)
			}
		}
		if err := errors.Join(f.Close(), d.Close()); err != nil {
			t.Error(err)
		}
	}
}
