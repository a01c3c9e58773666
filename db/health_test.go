package db

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// failed fails unless the store has failed for good, tells so, and can be closed.
func failed(t *testing.T, d *DB, why string) {
	t.Helper()
	for range 2 {
		_, err := d.Apply(t.Context(), request("after", listEdit(addr4(9))))
		if e, ok := errors.AsType[*listing.Error](err); !ok || e.Code != "store-failed" || !errors.Is(err, listing.ErrUnavailable) {
			t.Errorf("writing: %v", err)
		}
	}
	if err := d.View(t.Context(), func(listing.Snapshot) error { t.Error("it is read"); return nil }); !errors.Is(err, listing.ErrUnavailable) {
		t.Errorf("reading: %v", err)
	}
	if st, err := d.Status(t.Context()); err != nil || !strings.Contains(st.Failed, why) || st.Path == "" {
		t.Errorf("status %+v, %v", st, err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// After a panic of bbolt its locks may be held: the store is not used again, and
// nobody hangs.
func TestPanicEndsTheStore(t *testing.T) {
	for name, meet := range map[string]func(*DB) error{
		"reading": func(d *DB) error { return d.read(func(*state) error { panic("page 7") }) },
		"a snapshot": func(d *DB) error {
			return d.View(t.Context(), func(s listing.Snapshot) error {
				return s.(*snapshot).state.health.guarded(func() error { panic("page 7") })
			})
		},
		"writing": func(d *DB) error {
			d.commit = func(*bolt.Tx) error { panic("page 7") }
			_, err := d.Apply(t.Context(), request("one", listEdit(addr4(1))))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
			mustApply(t, d, "first", listEdit(addr4(0)))
			err := meet(d) // who meets it gets what others get after him
			if e, ok := errors.AsType[*listing.Error](err); !ok || e.Code != "store-failed" || !errors.Is(err, listing.ErrUnavailable) || !errors.Is(err, listing.ErrCorrupt) {
				t.Errorf("the panic: %v", err)
			}
			failed(t, d, "page 7")
		})
	}
}

// After a failed sync nobody knows what is on the disk: nothing is acknowledged
// from then on. Want of room is another matter.
func TestFailedSync(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	full := &os.PathError{Op: "write", Path: "listings.db", Err: syscall.ENOSPC}
	d.commit = func(*bolt.Tx) error { return full }
	_, err := d.Apply(t.Context(), request("full", listEdit(addr4(1))))
	if e, ok := errors.AsType[*listing.Error](err); !ok || e.Code != "disk-full" {
		t.Errorf("no room: %v", err)
	}
	d.commit = (*bolt.Tx).Commit
	mustApply(t, d, "full", listEdit(addr4(1)))
	d.commit = func(tx *bolt.Tx) error {
		if err := tx.Commit(); err != nil {
			return err
		}
		return syscall.EIO // as bbolt passes it on from fdatasync
	}
	_, err = d.Apply(t.Context(), request("lost", listEdit(addr4(2))))
	if e, ok := errors.AsType[*listing.Error](err); !ok || e.Code != "store-failed" || !strings.Contains(e.Message, "listings.db") {
		t.Errorf("a failed fsync: %v", err)
	}
	failed(t, d, "input/output error")
}

// A request decided before the file was opened is answered only after a commit
// has reached the disk.
func TestFirstAnswerIsSynced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "listings.db")
	d := openTest(t, path)
	first := mustApply(t, d, "mail-7", listEdit(addr4(1)))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openTest(t, path)
	commits := 0
	d.commit = func(tx *bolt.Tx) error { commits++; return tx.Commit() }
	for want := range 2 {
		v, err := d.Apply(t.Context(), request("mail-7", listEdit(addr4(1))))
		if err != nil || !v.Repeated || v.Revision != first.Revision || commits != 1 {
			t.Errorf("answer %d: %+v, %v, after %d commits", want, v, err, commits)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// Another file in the place of the one that is open is noticed, and not written
// to.
func TestFilePutInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "listings.db")
	d := openTest(t, path)
	mustApply(t, d, "first", listEdit(addr4(0)))
	var old bytes.Buffer
	if err := d.read(func(s *state) error { _, err := s.tx.WriteTo(&old); return err }); err != nil {
		t.Fatal(err)
	}
	for n := range byte(5) {
		mustApply(t, d, string(rune('a'+n)), listEdit(addr4(uint32(n)+1)))
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // as cp does: the file stays, its bytes do not
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(old.Bytes()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(t.Context(), request("into the copy", listEdit(addr4(8)))); err == nil {
		t.Error("the copy is written to")
	}
	failed(t, d, "another file was put in its place")
	now, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(now[:old.Len()], old.Bytes()) {
		t.Errorf("the copy was changed, %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// Heads that are damaged while the file is open are met by many at once: all are
// told, and none waits for a lock that bbolt still holds.
func TestDamagedHeadsHangNobody(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	mustApply(t, d, "first", listEdit(addr4(0)))
	f, err := os.OpenFile(d.path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, 2*os.Getpagesize()), 0); err != nil {
		t.Fatal(err)
	}
	told := make(chan error)
	const many = 50
	begin := make(chan struct{})
	for n := range many {
		go func() {
			<-begin
			if n%10 == 0 {
				_, err := d.Apply(t.Context(), request("late", listEdit(addr4(1))))
				told <- err
				return
			}
			told <- d.View(t.Context(), func(listing.Snapshot) error { return nil })
		}()
	}
	close(begin)
	for range many {
		select {
		case err := <-told:
			if !errors.Is(err, listing.ErrCorrupt) && !errors.Is(err, listing.ErrUnavailable) {
				t.Errorf("told %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("somebody waits for ever")
		}
	}
	failed(t, d, "heads")
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// A list that was served and is gone is not begun again in silence.
func TestLostList(t *testing.T) {
	for name, lose := range map[string]func(string) error{
		"missing": os.Remove, "empty": func(p string) error { return os.Truncate(p, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "listings.db")
			d := openTest(t, path)
			mustApply(t, d, "first", listEdit(addr4(0)))
			if err := errors.Join(d.Close(), SetWatermark(path, 1), lose(path)); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path, Options{NoSync: true})
			if e, ok := errors.AsType[*listing.Error](err); !ok || e.Code != "list-lost" || !errors.Is(err, listing.ErrCorrupt) {
				t.Errorf("%v", err)
			}
			if err := os.Remove(path + ".served"); err != nil {
				t.Fatal(err)
			}
			d = openTest(t, path)
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A damaged file of people is set aside and begun again.
func TestPeopleBeginAnew(t *testing.T) {
	for name, damage := range map[string][]byte{"text": []byte("hello"), "noise": bytes.Repeat([]byte{0xa5}, 1<<15), "empty": {}} {
		path := filepath.Join(t.TempDir(), "people.db")
		if err := os.WriteFile(path, damage, 0o600); err != nil {
			t.Fatal(err)
		}
		aside := ""
		p, err := OpenPeople(path, func(to string, _ error) { aside = to })
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := p.Put("contact", "C1", []byte("x")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if kept, err := os.ReadFile(path + ".damaged"); len(damage) > 0 && (aside != path+".damaged" || !bytes.Equal(kept, damage)) {
			t.Errorf("%s: kept as %q, %v", name, aside, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A file that is cut short, or cannot be read, while it is open ends its use and not the
// program, whoever meets it first. Reads past its end are what a disk does that fails.
func TestTruncatedWhileOpen(t *testing.T) {
	whole := map[string]func(*DB) error{
		"reading": func(d *DB) error { _, err := answers(t, d); return err },
		"status": func(d *DB) error {
			st, err := d.Status(t.Context())
			if err == nil && st.Failed != "" {
				err = listing.ErrUnavailable
			}
			return err
		},
		"writing": func(d *DB) error {
			_, err := d.Apply(t.Context(), request("late", listEdit(addr4(7))))
			return err
		},
		"an import": func(d *DB) error {
			_, err := d.Replace(t.Context(), importing("late", "feed"), feed(clustered(100)))
			return err
		},
		"following": func(d *DB) error {
			for _, err := range d.Changes(t.Context(), 0) {
				return err
			}
			return nil
		},
		"verifying":  func(d *DB) error { _, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); return err },
		"compacting": func(d *DB) error { _, err := d.Compact(t.Context(), noon.Add(listing.Day)); return err },
		"a backup":   func(d *DB) error { _, err := d.Backup(t.Context(), io.Discard); return err },
		"erasing":    func(d *DB) error { return d.EraseEvidence(t.Context(), sample().Sum()) },
	}
	for _, left := range []int64{0, 3 * 4096, 12 * 4096} {
		for name, use := range whole {
			t.Run(fmt.Sprint(name, left), func(t *testing.T) {
				d := everything(t)
				mustReplace(t, d, importing("hosts", "hosts"), feed(clustered(2000)))
				mustReplace(t, d, importing("again", "hosts"), feed(clustered(4000)[2000:]))
				if err := os.Truncate(d.path, left); err != nil {
					t.Fatal(err)
				}
				met := 0
				for _, use := range []func(*DB) error{use, whole["reading"], whole["writing"], whole["compacting"], whole["verifying"]} {
					if err := use(d); errors.Is(err, listing.ErrCorrupt) || errors.Is(err, listing.ErrUnavailable) {
						met++
					} else if err != nil {
						t.Error(err)
					}
				}
				if st, err := d.Status(t.Context()); err != nil || !strings.Contains(st.Failed, "the list on disk has failed") || met < 4 {
					t.Errorf("%d of 5 met it: %+v, %v", met, st, err)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// An audit that meets what cannot be read has found damage, and is not to be tried again;
// the next one cannot be had before a restart.
func TestAuditFindsTheFault(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	mustApply(t, d, "first", listEdit(addr4(0)))
	if err := os.Truncate(d.path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Audit(t.Context(), listing.Checkpoint{}, false); !errors.Is(err, listing.ErrCorrupt) || errors.Is(err, listing.ErrUnavailable) {
		t.Errorf("the first: %v", err)
	}
	if _, err := d.Audit(t.Context(), listing.Checkpoint{}, true); errors.Is(err, listing.ErrCorrupt) || !errors.Is(err, listing.ErrUnavailable) {
		t.Errorf("the next: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// allAreTold calls each f from many at once, and fails unless all are told that the store
// has failed. meanwhile is called when they have begun.
func allAreTold(t *testing.T, meanwhile func(), f ...func() error) {
	t.Helper()
	const many = 200
	told, begin := make(chan error), make(chan bool)
	var begun sync.WaitGroup
	begun.Add(many)
	for n := range many {
		go func() {
			<-begin
			begun.Done()
			told <- f[n%len(f)]()
		}()
	}
	close(begin)
	begun.Wait()
	meanwhile()
	for range many {
		select {
		case err := <-told:
			if !errors.Is(err, listing.ErrUnavailable) {
				t.Errorf("it is said: %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("somebody waits for ever")
		}
	}
}

// A writer that panics keeps the lock of bbolt. Those who waited for their turn are told.
func TestPanicHoldsNoWriter(t *testing.T) {
	d := everything(t)
	writing, panics := make(chan bool), make(chan bool)
	d.commit = func(*bolt.Tx) error {
		close(writing)
		<-panics
		panic("page 7")
	}
	first := make(chan error, 1)
	go func() {
		_, err := d.Apply(t.Context(), request("one", listEdit(addr4(1))))
		first <- err
	}()
	<-writing
	allAreTold(t, func() { close(panics) },
		func() error { return d.EraseEvidence(t.Context(), sample().Sum()) },
		func() error { _, err := d.Compact(t.Context(), time.Time{}); return err },
		func() error { return d.note(nil) },
		func() error { _, err := d.Apply(t.Context(), request("more", listEdit(addr4(2)))); return err })
	if err := <-first; !errors.Is(err, listing.ErrUnavailable) {
		t.Errorf("he who panicked: %v", err)
	}
	failed(t, d, "page 7")
}

// Where the heads are damaged after they were looked at, bbolt panics with the locks held
// that every transaction needs. Whoever comes at the same time is told all the same.
func TestDamageBehindTheLook(t *testing.T) {
	d := everything(t)
	whole, err := os.ReadFile(d.path)
	if err != nil {
		t.Fatal(err)
	}
	looked := filepath.Join(t.TempDir(), "whole")
	if err := os.WriteFile(looked, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if d.file, err = os.Open(looked); err != nil { // the look finds all well
		t.Fatal(err)
	}
	defer d.file.Close()
	if err := os.Truncate(d.path, 0); err != nil {
		t.Fatal(err)
	}
	allAreTold(t, func() {},
		func() error { return d.View(t.Context(), func(listing.Snapshot) error { return nil }) },
		func() error { return d.EraseEvidence(t.Context(), sample().Sum()) },
		func() error { _, err := d.Compact(t.Context(), time.Time{}); return err },
		func() error { _, err := d.Apply(t.Context(), request("more", listEdit(addr4(2)))); return err })
	failed(t, d, "a part of the file is not there")
}
