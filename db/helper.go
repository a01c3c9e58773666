package db

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"dnsbld/files"
	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// helper is a bbolt file beside the list that the list can do without. One that
// is damaged, or that this code does not understand, is moved aside and begun
// anew, also while it is open: it never keeps anybody from serving the list.
type helper struct {
	path    string
	options Options
	prepare func(*bolt.Tx) error          // fails with listing.ErrCorrupt on what it does not understand
	moved   func(aside string, why error) // hears of a file that was moved aside

	mu         sync.RWMutex // held for writing while the file is exchanged
	bolt       *bolt.DB     // nil after close, or if the new file could not be made
	file       *os.File     // that bolt has open
	generation uint64       // rises when the file is exchanged
	doubt      string
}

// Doubt says why the file may lack the last change before it was opened; empty: it
// does not. See listing.Status.
func (h *helper) Doubt() string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.doubt
}

// open opens the file, or makes it. A file that another process has open is
// listing.ErrUnavailable.
func (h *helper) open() error {
	if h.options.Timeout == 0 {
		h.options.Timeout = time.Second
	}
	if h.moved == nil {
		h.moved = func(string, error) {}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	err := h.openBolt()
	if errors.Is(err, listing.ErrCorrupt) {
		err = h.beginAnew(err)
	}
	return err
}

func (h *helper) openBolt() error {
	_, missing := os.Stat(h.path)
	b, file, err := openBolt(h.path, h.options, false)
	if err == nil {
		h.doubt = doubtful(file) // before it is written to
		err = guarded(func() error {
			if err := checkTree(file); err != nil {
				return err
			}
			return b.Update(h.prepare)
		})
		if err == nil && missing != nil {
			err = files.SyncDir(filepath.Dir(h.path))
		}
		if err != nil {
			err = errors.Join(err, letGo(b, file, err))
		}
	}
	if err != nil {
		return fmt.Errorf("opening %s: %w", h.path, outward(err))
	}
	h.bolt, h.file = b, file
	h.generation++
	return nil
}

// beginAnew moves the file aside and makes another. One damaged file is kept:
// the last.
func (h *helper) beginAnew(why error) error {
	if h.bolt != nil {
		_ = letGo(h.bolt, h.file, why) // it is damaged: what matters has been said
		h.bolt = nil
	}
	aside := h.path + ".damaged"
	if err := os.Rename(h.path, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("moving the damaged %s aside: %w", h.path, errors.Join(err, why))
	}
	if err := h.openBolt(); err != nil {
		return err
	}
	h.moved(aside, why)
	return nil
}

// Renew moves the file aside and starts again, because something in it cannot be
// understood.
func (h *helper) Renew(why error) error {
	h.mu.RLock()
	generation := h.generation
	h.mu.RUnlock()
	return h.renew(generation, why)
}

// renew exchanges a file, unless that was done by another already.
func (h *helper) renew(generation uint64, why error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.generation != generation {
		return nil
	}
	return h.beginAnew(why)
}

// use calls f with the file. Where that meets damage the file is exchanged, and
// what f did not get to is as good as lost.
func (h *helper) use(f func(*bolt.DB) error) error {
	h.mu.RLock()
	b, generation := h.bolt, h.generation
	err := errClosed()
	if b != nil {
		err = f(b)
	}
	h.mu.RUnlock()
	if errors.Is(err, listing.ErrCorrupt) {
		return h.renew(generation, err)
	}
	return err
}

// view calls f in a transaction that reads.
func (h *helper) view(f func(*bolt.Tx) error) error {
	return h.use(func(b *bolt.DB) error { return guarded(func() error { return b.View(f) }) })
}

// update calls f in a transaction that writes.
func (h *helper) update(f func(*bolt.Tx) error) error {
	return h.use(func(b *bolt.DB) error { return guarded(func() error { return b.Update(f) }) })
}

// Close closes the file.
func (h *helper) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.bolt == nil {
		return nil
	}
	err := guarded(h.bolt.Close)
	h.bolt = nil
	return err
}
