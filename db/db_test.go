package db

import (
	"path/filepath"
	"testing"

	"dnsbld/db/dbtest"
	"dnsbld/listing"
)

func TestContract(t *testing.T) {
	dbtest.Run(t, func(t testing.TB, dir string) listing.Store {
		return openTest(t, filepath.Join(dir, "listings.db"))
	})
}

// openTest opens a file without waiting for the disk.
func openTest(t testing.TB, path string) *DB {
	t.Helper()
	d, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
