package main

import (
	"log/slog"
	"os"
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
	log := slog.New(slog.DiscardHandler)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	if skipped, err := skipServed(t.Context(), store, file, now, log); skipped || err != nil {
		t.Errorf("never served: %t, %v", skipped, err)
	}
	if err := db.SetWatermark(file, 500); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if skipped, err := skipServed(t.Context(), store, file, now, log); skipped != want || err != nil {
			t.Errorf("served up to 500: %t, %v", skipped, err)
		}
	}
	if st, err := store.Status(t.Context()); err != nil || st.Head <= 500 {
		t.Errorf("%+v, %v", st, err)
	}
}

// A mark that nobody can read is set aside, and the list goes on so far ahead
// that no serial which was served comes again.
func TestSkipPastADamagedMark(t *testing.T) {
	file := filepath.Join(t.TempDir(), "listings.db")
	store, err := db.Open(file, db.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	log, now := slog.New(slog.DiscardHandler), time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for n, damage := range []string{"nonsense", ""} {
		if err := os.WriteFile(file+".served", []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		before, err := store.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if skipped, err := skipServed(t.Context(), store, file, now, log); !skipped || err != nil {
			t.Fatalf("damage %d: %t, %v", n, skipped, err)
		}
		after, err := store.Status(t.Context())
		if ahead := after.Head - before.Head; err != nil || ahead < afterDamage || ahead > 1<<30 {
			t.Errorf("from %d to %d, %v", before.Head, after.Head, err)
		}
		if _, err := os.Stat(file + ".served.damaged"); err != nil {
			t.Error(err)
		}
		if skipped, err := skipServed(t.Context(), store, file, now, log); skipped || err != nil {
			t.Errorf("once more: %t, %v", skipped, err)
		}
	}
}
