package db

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// health says whether an open file can still be used. After a panic of bbolt its
// locks may be held, and after a failed fsync the page cache holds what the disk
// does not: from then on nothing of the file may be called. A nil health is that
// of a file of no such consequence.
type health struct{ why atomic.Pointer[error] }

// fail puts an end to the use of the file, and is the error of who met that: it is what
// others get from then on, for what was begun may be done or not, and of the kind of the
// reason too. The first reason stays.
func (h *health) fail(why error) error {
	if h == nil {
		return why
	}
	h.why.CompareAndSwap(nil, &why)
	return storeFailed(why, errors.Join(listing.ErrUnavailable, why))
}

// err is nil while the file can be used.
func (h *health) err() error {
	if h == nil || h.why.Load() == nil {
		return nil
	}
	return storeFailed(*h.why.Load(), listing.ErrUnavailable)
}

func storeFailed(why, kind error) error {
	return &listing.Error{Kind: kind, Code: "store-failed",
		Message: fmt.Sprintf("the list on disk has failed, and takes nothing until dnsbld is started again: %v", why),
		Hint:    "DNS goes on as it was; look at the disk and the log, then restart dnsbld"}
}

// protect calls f and makes an error of what bbolt does when the file is
// damaged, which is to panic or to touch memory that is not there. While
// *outside is set, f is in code that is not this package's: its panics pass.
func (h *health) protect(outside *bool, f func() error) (err error) {
	if err := h.err(); err != nil {
		return err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if *outside {
			return
		}
		if p := recover(); p != nil {
			err = corruptf("reading the file: %v", p)
			if _, fault := p.(interface{ Addr() uintptr }); fault { // of debug.SetPanicOnFault
				err = corruptf("a part of the file is not there or cannot be read")
			}
			err = h.fail(err)
		}
	}()
	return f()
}

// stream makes an iterator of a function that produces until yield says no.
func stream[T any](h *health, produce func(yield func(T) bool) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		outside := false
		err := h.protect(&outside, func() error {
			return produce(func(v T) bool {
				outside = true
				more := yield(v, nil)
				outside = false
				return more
			})
		})
		if err != nil {
			var none T
			yield(none, outward(err))
		}
	}
}

// guarded calls f, which is all in this package.
func (h *health) guarded(f func() error) error {
	outside := false
	return outward(h.protect(&outside, f))
}

// guardedResult is guarded of a function that has a result.
func guardedResult[T any](h *health, f func() (T, error)) (v T, err error) {
	err = h.guarded(func() (err error) {
		v, err = f()
		return err
	})
	return v, err
}

// letGo closes a file that is of no use because of an error. Where that may be a
// panic of bbolt its locks may be held, and its own close would wait for them.
func letGo(b *bolt.DB, file *os.File, why error) error {
	if errors.Is(why, listing.ErrCorrupt) {
		return file.Close() // which gives up the lock of the file
	}
	return guarded(b.Close)
}

// guarded is for files without a health.
func guarded(f func() error) error { return (*health)(nil).guarded(f) }

// outward makes an error that callers can tell the kind of.
func outward(err error) error {
	var refused *listing.Error
	switch {
	case err == nil, errors.As(err, &refused), errors.Is(err, listing.ErrCorrupt), errors.Is(err, listing.ErrNotFound),
		errors.Is(err, listing.ErrInvalid), errors.Is(err, listing.ErrUnavailable), errors.Is(err, listing.ErrCompacted):
		return err
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return errClosed()
	case noRoom(err):
		return &listing.Error{Kind: listing.ErrUnavailable, Code: "disk-full",
			Message: fmt.Sprintf("nothing was changed: no room to write it (%v)", err),
			Hint:    "make room on the file system of the data directory, then repeat the command"}
	}
	return fmt.Errorf("%w: %w", listing.ErrUnavailable, err)
}

// noRoom reports whether a write failed for want of room. Where bbolt grows
// the file it keeps but the text of the error.
func noRoom(err error) bool {
	for _, no := range [...]syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, no) || strings.HasSuffix(err.Error(), ": "+no.Error()) {
			return true
		}
	}
	return false
}

func errClosed() error {
	return &listing.Error{Kind: listing.ErrUnavailable, Code: "closed", Message: "the store is closed", Hint: "try again when dnsbld runs"}
}

// read calls f in a short read transaction.
func (d *DB) read(f func(*state) error) error {
	return d.health.guarded(func() error {
		seen := d.newest.Load()
		tx, err := d.begin(false)
		if err != nil {
			return err
		}
		defer d.end(tx)
		s, err := d.state(tx, seen)
		if err != nil {
			return err
		}
		return f(s)
	})
}

// begin begins a transaction on the file as it is now, of which a compaction makes another
// one. Where bbolt cannot read the heads of the file it panics with locks held that all
// transactions need. So they are looked at before, by a call that can fail, and one begins
// at a time: when it happens all the same nobody else is on his way, and whoever comes
// after finds the failure.
func (d *DB) begin(write bool) (*bolt.Tx, error) {
	d.gate.Lock()
	defer d.gate.Unlock()
	return guardedResult(&d.health, func() (*bolt.Tx, error) {
		if err := d.readable(); err != nil {
			return nil, err
		}
		return d.bolt.Begin(write)
	})
}

// readable looks whether the heads of the file can be read.
func (d *DB) readable() error {
	sound, err := heads(d.file)
	if errors.Is(err, os.ErrClosed) {
		return nil // bbolt says so by itself
	}
	switch {
	case errors.Is(err, io.EOF): // it was cut short; what a disk cannot read it may read the next time
		return d.health.fail(corruptf("a part of the file is not there"))
	case err == nil && !sound:
		return d.health.fail(corruptf("both heads of %s are damaged", d.path))
	}
	return err
}

// inTurn calls f in a transaction that writes, which f commits, or else nothing is
// written. Writers wait for each other here and not in bbolt, which keeps its lock when it
// panics: the next one finds the failure.
func (d *DB) inTurn(f func(*bolt.Tx) error) error {
	d.turn.Lock()
	defer d.turn.Unlock()
	tx, err := d.begin(true)
	if err != nil {
		return err
	}
	err = d.health.guarded(func() error { return f(tx) })
	d.end(tx)
	return err
}

// end ends a transaction that is not to be committed, or was. After a panic its locks may
// be held.
func (d *DB) end(tx *bolt.Tx) {
	if d.health.err() == nil {
		_ = tx.Rollback() // after Commit it does nothing
	}
}

// update calls f in a transaction that writes beside the queue.
func (d *DB) update(f func(*bolt.Tx) error) error {
	if err := d.changeable(); err != nil {
		return err
	}
	return d.inTurn(func(tx *bolt.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// state is newState of a file that had a revision already when the transaction
// began. One that is behind is another file: somebody has copied it over ours.
func (d *DB) state(tx *bolt.Tx, seen uint64) (*state, error) {
	s, err := newState(tx)
	if err != nil {
		return nil, err
	}
	s.health = &d.health
	if is := uint64(s.head.revision); is < seen {
		return nil, d.health.fail(corruptf("%s is at revision %d and was at %d: another file was put in its place", d.path, is, seen))
	}
	d.reached(s.head.revision)
	return s, nil
}

// reached notes the newest revision that was seen in the file.
func (d *DB) reached(r listing.Revision) {
	for seen := d.newest.Load(); uint64(r) > seen && !d.newest.CompareAndSwap(seen, uint64(r)); seen = d.newest.Load() {
	}
}
