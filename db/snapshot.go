package db

import (
	"cmp"
	"context"
	"iter"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// View calls f with the list as it stands; see listing.Store. f must not write
// to the store: should the file outgrow its map meanwhile, it would wait for
// itself.
func (d *DB) View(ctx context.Context, f func(listing.Snapshot) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var tx *bolt.Tx
	var s *state
	err := d.health.guarded(func() (err error) {
		seen := d.newest.Load()
		if tx, err = d.begin(false); err != nil {
			return err
		}
		s, err = d.state(tx, seen)
		return err
	})
	defer func() {
		if tx != nil {
			d.end(tx)
		}
	}()
	if err != nil {
		return err
	}
	return f(&snapshot{s})
}

// snapshot is a state for readers.
type snapshot struct{ *state }

var (
	_ listing.Snapshot = (*snapshot)(nil)
	_ listing.Packed   = (*snapshot)(nil)
)

// Revision is that of the list as it stands.
func (s *snapshot) Revision() listing.Revision { return s.head.revision }

// Past is how the last listing of a key ended; see listing.Snapshot.
func (s *snapshot) Past(k listing.Key) (listing.Past, error) {
	if checkSubject(k.Subject) != nil {
		return listing.Past{}, nil
	}
	return guardedResult(s.health, func() (listing.Past, error) { return s.state.Past(k) })
}

// Get is one entry; listing.ErrNotFound if there is none.
func (s *snapshot) Get(k listing.Key) (listing.Entry, error) {
	if checkSubject(k.Subject) != nil {
		return listing.Entry{}, listing.ErrNotFound
	}
	return guardedResult(s.health, func() (listing.Entry, error) { return s.get(k) })
}

func (s *state) get(k listing.Key) (e listing.Entry, err error) {
	if k.Source == "" {
		key := entryKey(k)
		raw := s.tx.Bucket(entriesBucket).Get(key)
		if raw == nil {
			return e, listing.ErrNotFound
		}
		return decodeEntry(key, raw)
	}
	src, found, err := s.Source(k.Source)
	if err != nil || !found {
		return e, cmp.Or(err, error(listing.ErrNotFound))
	}
	found = false
	err = s.sourced(&src, k.Subject, scanSubject, func(have listing.Entry) {
		if have.Reason == k.Reason {
			e, found = have, true
		}
	})
	if err == nil && !found {
		err = listing.ErrNotFound
	}
	return e, err
}

// Allows are all allow entries, in order of subject.
func (s *snapshot) Allows() ([]listing.Allow, error) {
	return guardedResult(s.health, func() ([]listing.Allow, error) { return allJSON[listing.Allow](s.tx.Bucket(allowsBucket)) })
}

// Sources are all sources, in order of name.
func (s *snapshot) Sources() ([]listing.Source, error) { return guardedResult(s.health, s.sources) }

// Evidence is what was seen, by its digest; listing.ErrNotFound if it is not
// kept, or was erased.
func (s *snapshot) Evidence(sum listing.Digest) (e listing.Evidence, err error) {
	err = s.health.guarded(func() error {
		found, err := getJSON(s.tx.Bucket(evidenceBucket), sum[:], &e)
		if err == nil && !found {
			err = listing.ErrNotFound
		}
		return err
	})
	return e, err
}

// Decided is what a request was answered, if its id is remembered.
func (s *snapshot) Decided(id string) (v listing.Verdict, known bool, err error) {
	err = s.health.guarded(func() (err error) {
		v, known, err = s.decided(id, func(*done) error { return nil })
		return err
	})
	return v, known, err
}

// Each yields the entries inside a prefix; see listing.Snapshot.
func (s *snapshot) Each(within listing.Subject) iter.Seq2[listing.Entry, error] {
	return stream(s.health, func(yield func(listing.Entry) bool) error { return s.each(within, yield) })
}

// Served yields what the query path needs of all entries.
func (s *snapshot) Served() iter.Seq2[listing.Served, error] { return stream(s.health, s.served) }

// Blocks yields what Served does, many entries at a time; see listing.Packed.
func (s *snapshot) Blocks() iter.Seq2[*listing.Block, error] { return stream(s.health, s.blocks) }

// History yields what happened at exactly a subject; see listing.Snapshot.
func (s *snapshot) History(subject listing.Subject) iter.Seq2[listing.Change, error] {
	return stream(s.health, func(yield func(listing.Change) bool) error { return s.history(subject, yield) })
}

// Covering are the entries whose subject holds all of one, widest first.
func (s *snapshot) Covering(subject listing.Subject) ([]listing.Entry, error) {
	if checkSubject(subject) != nil {
		return nil, nil
	}
	return guardedResult(s.health, func() ([]listing.Entry, error) { return s.covering(subject) })
}
