package main

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/db"
	"dnsbld/listing"
)

// The note of the last backup is replaced whole: a crash while it is written leaves the
// one before, and no list that seems to have no backup.
func TestLastBackupIsReplaced(t *testing.T) {
	dir := t.TempDir()
	store, err := db.Open(filepath.Join(dir, "listings.db"), db.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	d := &dnsbld{store: store, log: slog.New(slog.DiscardHandler)}
	d.book = listing.NewBook(store, nil, listing.Rules{}, time.Now)
	d.cfg.Store(&config.Config{Data: dir})
	var notes []os.FileInfo
	for range 2 {
		if _, err := d.backup(t.Context(), io.Discard); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, lastBackup))
		if err != nil {
			t.Fatal(err)
		}
		notes = append(notes, info)
		if err := os.Link(filepath.Join(dir, lastBackup), filepath.Join(t.TempDir(), "kept")); err != nil { // so that no other file has its inode
			t.Fatal(err)
		}
	}
	if os.SameFile(notes[0], notes[1]) {
		t.Error("the note is written over")
	}
}
