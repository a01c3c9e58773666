package main

import (
	"path/filepath"
	"testing"
	"time"

	"dnsbld/db"
)

// A list that is older than what was served goes on behind that; one that is
// not stays as it is.
func TestSkipServed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "listings.db")
	store, err := db.Open(file, db.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	if skipped, err := skipServed(t.Context(), store, file, now); skipped || err != nil {
		t.Errorf("never served: %t, %v", skipped, err)
	}
	if err := db.Mark(file, 500); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if skipped, err := skipServed(t.Context(), store, file, now); skipped != want || err != nil {
			t.Errorf("served up to 500: %t, %v", skipped, err)
		}
	}
	if st, err := store.Status(t.Context()); err != nil || st.Head <= 500 {
		t.Errorf("%+v, %v", st, err)
	}
}
