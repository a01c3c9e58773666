package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// Parts of a backup that was killed go with the next to the same file; those of one that
// is being written, and files of others, stay.
func TestPartsOfKilledBackups(t *testing.T) {
	file := filepath.Join(t.TempDir(), "list.backup")
	for _, name := range []string{".1234.part", ".5.part", ".part", ".mine.part", ".12.part.gz", "2.12.part"} {
		if err := os.WriteFile(file+name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writing, err := os.Open(file + ".5.part")
	if err == nil {
		err = syscall.Flock(int(writing.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer writing.Close()
	removeParts(file)
	if _, err := os.Stat(file + ".1234.part"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the part of a killed backup: %v", err)
	}
	for _, name := range []string{".5.part", ".part", ".mine.part", ".12.part.gz", "2.12.part"} {
		if _, err := os.Stat(file + name); err != nil {
			t.Error(err)
		}
	}
}

// Backups to one file at the same instant leave each other's parts alone.
func TestPartsOfBackupsAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "list.backup")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				f, err := newPart(file)
				if err != nil {
					t.Error(err)
					return
				}
				removeParts(file) // as others do
				is, err := f.Stat()
				if named, gone := os.Lstat(f.Name()); err != nil || gone != nil || !os.SameFile(is, named) {
					t.Errorf("%v, %v", err, gone)
				}
				if err := errors.Join(os.Remove(f.Name()), f.Close()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}
