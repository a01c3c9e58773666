package db

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"dnsbld/listing/sighting"

	bolt "go.etcd.io/bbolt"
)

// Sightings is the file of the counters, apart from the list: busy, and
// losable. It implements sighting.Archive. A damaged file is exchanged, so its
// methods fail only for want of room and the like.
//
//	meta       "schema"   version of this layout
//	sightings  key        value, sealed; see package sighting
//
// Version 1 had no checksums.
type Sightings struct{ helper }

var _ sighting.Archive = (*Sightings)(nil)

// sightingsSchema is the version of the layout that this code writes and reads.
const sightingsSchema = 2

var sightingsBucket = []byte("sightings")

// OpenSightings opens the file, or makes it. moved, if it is not nil, is told
// when a damaged file was moved aside, and what to. A file that another process
// has open is listing.ErrUnavailable.
func OpenSightings(path string, o Options, moved func(aside string, why error)) (*Sightings, error) {
	s := &Sightings{helper{path: path, options: o, prepare: prepareSightings, moved: moved}}
	if err := s.open(); err != nil {
		return nil, err
	}
	return s, nil
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
	meta, all := tx.Bucket(metaBucket), tx.Bucket(sightingsBucket)
	if meta == nil || all == nil {
		return corruptf("it has no sightings in it")
	}
	switch version, _ := binary.Uvarint(meta.Get(schemaKey)); version {
	case sightingsSchema:
		return nil
	case 1:
		return errors.Join(sealAll(all, nil), meta.Put(schemaKey, binary.AppendUvarint(nil, sightingsSchema)))
	default:
		return corruptf("version %d of its layout is not known", version)
	}
}

// Scan yields the items whose key begins with prefix and is greater than
// after, in order of key. Nothing of this type may be called within the loop.
func (s *Sightings) Scan(prefix, after []byte) iter.Seq2[sighting.Item, error] {
	return func(yield func(sighting.Item, error) bool) {
		err := s.use(func(b *bolt.DB) error {
			for item, err := range scanItems(b, prefix, after) {
				if err != nil {
					return err
				}
				if !yield(item, nil) {
					return nil
				}
			}
			return nil
		})
		if err != nil {
			yield(sighting.Item{}, fmt.Errorf("reading %s: %w", s.path, err))
		}
	}
}

func scanItems(b *bolt.DB, prefix, after []byte) iter.Seq2[sighting.Item, error] {
	return stream(nil, func(yield func(sighting.Item) bool) error {
		return b.View(func(tx *bolt.Tx) error {
			c := tx.Bucket(sightingsBucket).Cursor()
			from := prefix
			if bytes.Compare(after, from) > 0 {
				from = after
			}
			for k, v := c.Seek(from); bytes.HasPrefix(k, prefix) && k != nil; k, v = c.Next() {
				if after != nil && bytes.Compare(k, after) <= 0 {
					continue
				}
				value, err := unseal(k, v)
				if err != nil || !yield(sighting.Item{Key: k, Value: value}) {
					return err
				}
			}
			return nil
		})
	})
}

// Save writes all items or none. An item without a value is deleted.
func (s *Sightings) Save(items []sighting.Item) error {
	err := s.update(func(tx *bolt.Tx) error {
		in := tx.Bucket(sightingsBucket)
		for _, i := range items {
			p := put{key: i.Key}
			if i.Value != nil {
				p.value = seal(i.Key, i.Value)
			}
			if err := p.into(in); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing %s: %w", s.path, err)
	}
	return nil
}

// Bytes is the size of the file.
func (s *Sightings) Bytes() (n int64) {
	_ = s.view(func(tx *bolt.Tx) error { n = tx.Size(); return nil }) // closed: none
	return n
}
