package db

import (
	"bytes"
	"encoding/json"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// state is the list as one transaction sees it, for deciding and for reading.
type state struct {
	tx   *bolt.Tx
	head head

	health *health   // of the file
	read   []*record // the last that history read, oldest first
}

func newState(tx *bolt.Tx) (*state, error) {
	h, err := readHead(tx)
	return &state{tx: tx, head: h}, err
}

func (s *state) Head() listing.Revision { return s.head.revision }

func (s *state) Config() string { return string(s.tx.Bucket(metaBucket).Get(configKey)) }

func (s *state) At(subject listing.Subject) (at []listing.Entry, err error) {
	prefix := subjectKey(subject)
	c := s.tx.Bucket(entriesBucket).Cursor()
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
		e, err := decodeEntry(k, v)
		if err != nil {
			return nil, err
		}
		at = append(at, e)
	}
	return at, nil
}

func (s *state) Past(k listing.Key) (listing.Past, error) {
	raw := s.tx.Bucket(pastBucket).Get(entryKey(k))
	if raw == nil || k.Source != "" {
		return listing.Past{}, nil
	}
	r := reader{b: raw}
	p := r.past()
	return p, r.err("past of " + k.Subject.String())
}

func (s *state) Allow(subject listing.Subject) (a listing.Allow, found bool, err error) {
	found, err = getJSON(s.tx.Bucket(allowsBucket), subjectKey(subject), &a)
	return a, found, err
}

func (s *state) Source(name string) (src listing.Source, found bool, err error) {
	found, err = getJSON(s.tx.Bucket(sourcesBucket), []byte(name), &src)
	return src, found, err
}

func getJSON(b *bolt.Bucket, key []byte, into any) (found bool, err error) {
	raw := b.Get(key)
	if raw == nil {
		return false, nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return false, corruptf("object %q", key)
	}
	return true, nil
}

func putJSON(b *bolt.Bucket, key []byte, object any) error {
	raw, err := json.Marshal(object)
	if err != nil {
		return err
	}
	return b.Put(key, raw)
}

// allJSON are the objects of a bucket, in order of key.
func allJSON[T any](b *bolt.Bucket) (all []T, err error) {
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		var o T
		if err := json.Unmarshal(v, &o); err != nil {
			return nil, corruptf("object %q", k)
		}
		all = append(all, o)
	}
	return all, nil
}

// contents are the buckets of a source's entries; ok is false when it has none.
func (s *state) contents(name string) (hosts, wide *bolt.Bucket, ok bool) {
	b := s.tx.Bucket(contentsBucket).Bucket([]byte(name))
	if b == nil {
		return nil, nil, false
	}
	hosts, wide = b.Bucket(hostsBucket), b.Bucket(wideBucket)
	return hosts, wide, hosts != nil && wide != nil
}
