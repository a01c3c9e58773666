package db

import (
	"encoding/json"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// state is the list as one transaction sees it, for deciding (listing.State) and
// for reading. Its methods are called within health.guarded: bbolt panics on
// damaged pages.
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
	err = scanSubject(keyCursor{s.tx.Bucket(entriesBucket).Cursor()}, subject, func(k, v []byte) error {
		e, err := decodeEntry(k, v)
		at = append(at, e)
		return err
	})
	return at, err
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

// sources are all sources, in order of name.
func (s *state) sources() ([]listing.Source, error) {
	return allJSON[listing.Source](s.tx.Bucket(sourcesBucket))
}

// getJSON reads an object that is rare enough for JSON: allow entries, sources,
// evidence.
func getJSON(b *bolt.Bucket, key []byte, into any) (found bool, err error) {
	raw := b.Get(key)
	if raw == nil {
		return false, nil
	}
	return true, decodeJSON(key, raw, into)
}

func putJSON(b *bolt.Bucket, key []byte, object any) error {
	raw, err := json.Marshal(object)
	if err != nil {
		return err
	}
	return b.Put(key, seal(key, raw))
}

func decodeJSON(key, sealed []byte, into any) error {
	raw, err := unseal(key, sealed)
	if err == nil && json.Unmarshal(raw, into) != nil {
		err = corruptf("object %q", key)
	}
	return err
}

// allJSON are the objects of a bucket, in order of key.
func allJSON[T any](b *bolt.Bucket) (all []T, err error) {
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		var o T
		if err := decodeJSON(k, v, &o); err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// contents are the buckets of a source's entries. Each source has both.
func (s *state) contents(name string) (hosts, nets *bolt.Bucket, err error) {
	if b := s.tx.Bucket(contentsBucket).Bucket([]byte(name)); b != nil {
		hosts, nets = b.Bucket(hostsBucket), b.Bucket(netsBucket)
	}
	if hosts == nil || nets == nil {
		return nil, nil, corruptf("source %s has no contents", name)
	}
	return hosts, nets, nil
}

// sourced gives the entries of a source at a subject (scanSubject) or around it
// (scanCovering).
func (s *state) sourced(src *listing.Source, subject listing.Subject, scan scanner, each func(listing.Entry)) error {
	hosts, nets, err := s.contents(src.Name)
	if err != nil {
		return err
	}
	if isHost4(subject) {
		v4 := subject.V4()
		if err := findHost(hosts.Get(hostKey(v4)), v4, func(a *attrs) { each(a.entry(subject, src)) }); err != nil {
			return err
		}
	}
	return scan(&netCursor{blocks: nets.Cursor()}, subject, func(k, v []byte) error {
		e, err := decodeWide(k, v, src)
		if err == nil {
			each(e)
		}
		return err
	})
}

// scanner finds keys by subject: scanSubject or scanCovering.
type scanner func(c cursor, s listing.Subject, each func(k, v []byte) error) error

func decodeWide(k, v []byte, src *listing.Source) (listing.Entry, error) {
	key, err := parseKey(k)
	if err != nil {
		return listing.Entry{}, err
	}
	a, err := decodeAttrs(v)
	return a.entry(key.Subject, src), err
}
