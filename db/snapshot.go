package db

import (
	"context"
	"encoding/json"
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
		if tx, err = d.bolt.Begin(false); err != nil {
			return err
		}
		s, err = d.state(tx, seen)
		return err
	})
	defer func() {
		if tx != nil && d.health.err() == nil {
			_ = tx.Rollback() // of a transaction that only reads
		}
	}()
	if err != nil {
		return err
	}
	return f(&snapshot{s})
}

// snapshot is a state for readers.
type snapshot struct{ state *state }

var _ listing.Snapshot = (*snapshot)(nil)

func (s *snapshot) Revision() listing.Revision { return s.state.head.revision }

func (s *snapshot) Config() string { return s.state.Config() }

func (s *snapshot) Past(k listing.Key) (p listing.Past, err error) {
	if checkSubject(k.Subject) != nil {
		return p, nil
	}
	err = s.state.health.guarded(func() error {
		p, err = s.state.Past(k)
		return err
	})
	return p, err
}

func (s *snapshot) Get(k listing.Key) (e listing.Entry, err error) {
	err = listing.ErrNotFound
	if checkSubject(k.Subject) != nil {
		return e, err
	}
	missing := s.state.health.guarded(func() error {
		e, err = s.state.get(k)
		return err
	})
	return e, missing
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
	if err != nil {
		return e, err
	}
	err = listing.ErrNotFound
	if !found {
		return e, err
	}
	wrong := s.sourcedAt(&src, k.Subject, func(have listing.Entry) {
		if have.Reason == k.Reason {
			e, err = have, nil
		}
	})
	if wrong != nil {
		return listing.Entry{}, wrong
	}
	return e, err
}

// sourcedAt gives the entries of a source at exactly a subject.
func (s *state) sourcedAt(src *listing.Source, subject listing.Subject, each func(listing.Entry)) error {
	hosts, wide, ok := s.contents(src.Name)
	if !ok {
		return corruptf("source %s has no contents", src.Name)
	}
	if isHost4(subject) {
		v4 := subject.V4()
		return findHost(hosts.Get(hostKey(v4)), v4, func(a *attrs) { each(a.entry(subject, src)) })
	}
	return scanSubject(wide.Cursor(), subject, func(k, v []byte) error {
		e, err := decodeWide(k, v, src)
		if err == nil {
			each(e)
		}
		return err
	})
}

func decodeWide(k, v []byte, src *listing.Source) (listing.Entry, error) {
	key, err := parseKey(k)
	if err != nil {
		return listing.Entry{}, err
	}
	r := reader{b: v}
	a := r.attrs()
	return a.entry(key.Subject, src), r.err("entry " + key.Subject.String())
}

func (s *snapshot) Allows() (all []listing.Allow, err error) {
	err = s.state.health.guarded(func() error {
		all, err = allJSON[listing.Allow](s.state.tx.Bucket(allowsBucket))
		return err
	})
	return all, err
}

func (s *snapshot) Sources() (all []listing.Source, err error) {
	err = s.state.health.guarded(func() error {
		all, err = allJSON[listing.Source](s.state.tx.Bucket(sourcesBucket))
		return err
	})
	return all, err
}

func (s *snapshot) Evidence(sum listing.Digest) (e listing.Evidence, err error) {
	err = s.state.health.guarded(func() error {
		raw := s.state.tx.Bucket(evidenceBucket).Get(sum[:])
		if raw == nil {
			return listing.ErrNotFound
		}
		if json.Unmarshal(raw, &e) != nil {
			return corruptf("evidence %s", sum)
		}
		return nil
	})
	return e, err
}

func (s *snapshot) Decided(id string) (v listing.Verdict, known bool, err error) {
	err = s.state.health.guarded(func() error {
		raw := s.state.tx.Bucket(doneBucket).Get([]byte(id))
		if raw == nil {
			return nil
		}
		d, err := decodeDone(raw)
		if err != nil {
			return err
		}
		v, err = s.state.answer(&d)
		known = err == nil
		return err
	})
	return v, known, err
}

func (s *snapshot) Each(within listing.Subject) iter.Seq2[listing.Entry, error] {
	return stream(s.state.health, func(yield func(listing.Entry) bool) error { return s.state.each(within, yield) })
}

func (s *snapshot) Served() iter.Seq2[listing.Served, error] {
	return stream(s.state.health, s.state.served)
}

func (s *snapshot) History(subject listing.Subject) iter.Seq2[listing.Change, error] {
	return stream(s.state.health, func(yield func(listing.Change) bool) error { return s.state.history(subject, yield) })
}

func (s *snapshot) Covering(subject listing.Subject) (all []listing.Entry, err error) {
	if checkSubject(subject) != nil {
		return nil, nil
	}
	err = s.state.health.guarded(func() error {
		all, err = s.state.covering(subject)
		return err
	})
	return all, err
}
