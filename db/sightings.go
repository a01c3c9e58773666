package db

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/sighting"

	bolt "go.etcd.io/bbolt"
)

// Sightings is the file of the counters, apart from the list: busy, and
// losable. It implements sighting.Archive. A file that is damaged, or that this
// code does not understand, is moved aside and begun anew, also while it is
// open; so its methods fail only for want of room and the like.
//
//	meta       "schema"   version of this layout
//	sightings  key        value; see package sighting
type Sightings struct {
	path  string
	o     Options
	moved func(aside string, why error)

	mu   sync.RWMutex // held for writing while the file is exchanged
	bolt *bolt.DB     // nil after Close, or if the new file could not be made
	file uint64       // rises when the file is exchanged
}

var _ sighting.Archive = (*Sightings)(nil)

// sightingsSchema is the version of the layout that this code writes and reads.
const sightingsSchema = 1

var sightingsBucket = []byte("sightings")

// OpenSightings opens the file, or makes it. moved, if it is not nil, is told
// when a damaged file was moved aside, and what to. A file that another process
// has open is listing.ErrUnavailable.
func OpenSightings(path string, o Options, moved func(aside string, why error)) (*Sightings, error) {
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	if moved == nil {
		moved = func(string, error) {}
	}
	s := &Sightings{path: path, o: o, moved: moved}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.open()
	if errors.Is(err, listing.ErrCorrupt) {
		err = s.beginAnew(err)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Sightings) open() error {
	b, _, err := openBolt(s.path, s.o, false)
	if err == nil {
		if err = guarded(func() error { return b.Update(prepareSightings) }); err != nil {
			err = errors.Join(err, guarded(b.Close))
		}
	}
	if err != nil {
		return fmt.Errorf("opening %s: %w", s.path, outward(err))
	}
	s.bolt = b
	s.file++
	return nil
}

// prepareSightings makes the buckets of a new file, and looks whether an old
// one has what it should.
func prepareSightings(tx *bolt.Tx) error {
	if k, _ := tx.Cursor().First(); k == nil {
		meta, err := tx.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		if _, err := tx.CreateBucket(sightingsBucket); err != nil {
			return err
		}
		return meta.Put(schemaKey, binary.AppendUvarint(nil, sightingsSchema))
	}
	meta := tx.Bucket(metaBucket)
	if meta == nil || tx.Bucket(sightingsBucket) == nil {
		return corruptf("it has no sightings in it")
	}
	if version, n := binary.Uvarint(meta.Get(schemaKey)); n <= 0 || version != sightingsSchema {
		return corruptf("version %d of its layout is not known", version)
	}
	return nil
}

// beginAnew moves the file aside and makes another. One damaged file is kept:
// the last.
func (s *Sightings) beginAnew(why error) error {
	if s.bolt != nil {
		_ = guarded(s.bolt.Close) // it is damaged: what matters has been said
		s.bolt = nil
	}
	aside := s.path + ".damaged"
	if err := os.Rename(s.path, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("moving the damaged %s aside: %w", s.path, errors.Join(err, why))
	}
	if err := s.open(); err != nil {
		return err
	}
	s.moved(aside, why)
	return nil
}

// Renew moves the file aside and begins anew, because something in it cannot be
// understood.
func (s *Sightings) Renew(why error) error {
	s.mu.RLock()
	file := s.file
	s.mu.RUnlock()
	return s.renew(file, why)
}

// renew exchanges a file, unless that was done by another already.
func (s *Sightings) renew(file uint64, why error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != file {
		return nil
	}
	return s.beginAnew(why)
}

// use calls f with the file. Where that meets damage the file is exchanged, and
// what f did not get to is as good as lost.
func (s *Sightings) use(f func(*bolt.DB) error) error {
	s.mu.RLock()
	b, file := s.bolt, s.file
	err := errClosed()
	if b != nil {
		err = f(b)
	}
	s.mu.RUnlock()
	if errors.Is(err, listing.ErrCorrupt) {
		return s.renew(file, err)
	}
	return err
}

// errEnough ends a scan whose reader has enough.
var errEnough = errors.New("enough")

// Scan yields the items whose key begins with prefix and is greater than
// after, in order of key. Nothing of this type may be called within the loop.
func (s *Sightings) Scan(prefix, after []byte) iter.Seq2[sighting.Item, error] {
	return func(yield func(sighting.Item, error) bool) {
		err := s.use(func(b *bolt.DB) error { return scanSightings(b, prefix, after, yield) })
		if err != nil && !errors.Is(err, errEnough) {
			yield(sighting.Item{}, fmt.Errorf("reading %s: %w", s.path, err))
		}
	}
}

func scanSightings(b *bolt.DB, prefix, after []byte, yield func(sighting.Item, error) bool) error {
	outside := false
	return outwardUnless(errEnough, (*health)(nil).protect(&outside, func() error {
		return b.View(func(tx *bolt.Tx) error {
			c := tx.Bucket(sightingsBucket).Cursor()
			from := prefix
			if bytes.Compare(after, from) > 0 {
				from = after
			}
			for k, v := c.Seek(from); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
				if after != nil && bytes.Compare(k, after) <= 0 {
					continue
				}
				outside = true
				more := yield(sighting.Item{Key: k, Value: v}, nil)
				outside = false
				if !more {
					return errEnough
				}
			}
			return nil
		})
	}))
}

// outwardUnless is outward for all errors but one.
func outwardUnless(own, err error) error {
	if errors.Is(err, own) {
		return err
	}
	return outward(err)
}

// Save writes all items or none. An item without a value is deleted.
func (s *Sightings) Save(items []sighting.Item) error {
	err := s.use(func(b *bolt.DB) error {
		return guarded(func() error {
			return b.Update(func(tx *bolt.Tx) error { return putSightings(tx.Bucket(sightingsBucket), items) })
		})
	})
	if err != nil {
		return fmt.Errorf("writing %s: %w", s.path, err)
	}
	return nil
}

func putSightings(in *bolt.Bucket, items []sighting.Item) error {
	for _, i := range items {
		var err error
		if i.Value == nil {
			err = in.Delete(i.Key)
		} else {
			err = in.Put(i.Key, i.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Bytes is the size of the file.
func (s *Sightings) Bytes() (n int64) {
	_ = s.use(func(b *bolt.DB) error { // closed: none
		return guarded(func() error {
			return b.View(func(tx *bolt.Tx) error { n = tx.Size(); return nil })
		})
	})
	return n
}

// Close closes the file.
func (s *Sightings) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bolt == nil {
		return nil
	}
	err := guarded(s.bolt.Close)
	s.bolt = nil
	return err
}
