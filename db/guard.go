package db

import (
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"strings"
	"syscall"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// protect calls f and makes an error of what bbolt does when the file is
// damaged, which is to panic or to touch memory that is not there. While
// *outside is set, f is in code that is not this package's: its panics pass.
func protect(outside *bool, f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if *outside {
			return
		}
		if p := recover(); p != nil {
			err = corruptf("reading the file: %v", p)
		}
	}()
	return f()
}

// stream makes an iterator of a function that produces until yield says no.
func stream[T any](produce func(yield func(T) bool) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		outside := false
		err := protect(&outside, func() error {
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
func guarded(f func() error) error {
	outside := false
	return outward(protect(&outside, f))
}

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
	return guarded(func() error {
		return d.bolt.View(func(tx *bolt.Tx) error {
			s, err := newState(tx)
			if err != nil {
				return err
			}
			return f(s)
		})
	})
}
