package db

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// remembered is how long a request is known by its id, counted between the
// times of requests, so that every node forgets alike.
const remembered = 30 * listing.Day

// forgetAtOnce is how many old ids a request takes with it.
const forgetAtOnce = 8

// done is what a request was answered: fingerprint · revision · 1 if that has a
// record in the log, else 0 and the named entries. A request that changed
// nothing has no record, and is answered with the revision that it found.
type done struct {
	fingerprint listing.Digest
	revision    listing.Revision
	logged      bool
	named       []listing.Entry // when it is not in the log
}

func (d *done) encode() []byte {
	b := appendRevision(append([]byte(nil), d.fingerprint[:]...), d.revision)
	if d.logged {
		return append(b, 1)
	}
	return encodeNamed(append(b, 0), d.named, nil)
}

func decodeDone(raw []byte) (done, error) {
	r := reader{b: raw}
	d := done{fingerprint: r.digest(), revision: listing.Revision(binary.BigEndian.Uint64(r.take(8))), logged: r.byte() == 1}
	if !d.logged {
		d.named = r.named(nil)
	}
	return d, r.err("answered request")
}

// repeated looks whether a request was decided before. Its id with something
// else asked for is a conflict.
func (s *state) repeated(r *listing.Request) (v listing.Verdict, known bool, err error) {
	return s.decided(r.ID, func(d *done) error {
		if d.fingerprint == r.Fingerprint() {
			return nil
		}
		return &listing.Error{Kind: listing.ErrConflict, Code: "id-used",
			Message: fmt.Sprintf("request id %s was used for something else, at revision %d", listing.Quote(r.ID), d.revision),
			Hint:    "an idempotency key stands for one command: take another"}
	})
}

// decided is what a request was answered, if its id is remembered and check
// finds nothing wrong with that.
func (s *state) decided(id string, check func(*done) error) (v listing.Verdict, known bool, err error) {
	raw := s.tx.Bucket(doneBucket).Get([]byte(id))
	if raw == nil {
		return v, false, nil
	}
	d, err := decodeDone(raw)
	if err == nil {
		err = check(&d)
	}
	if err == nil {
		v, err = s.answer(&d)
	}
	return v, err == nil, err
}

// answer is the verdict that the request had when it was decided.
func (s *state) answer(d *done) (listing.Verdict, error) {
	if !d.logged {
		return listing.Verdict{Revision: d.revision, Entries: d.named, Repeated: true}, nil
	}
	rec, err := s.record(d.revision)
	if err != nil {
		return listing.Verdict{}, err
	}
	rec.verdict.Repeated = true
	return rec.verdict, nil
}

// record reads one revision from the log.
func (s *state) record(revision listing.Revision) (*record, error) {
	raw := s.tx.Bucket(logBucket).Get(revisionKey(revision))
	switch {
	case len(raw) == len(listing.Digest{}) && revision <= s.forgotten():
		return nil, fmt.Errorf("the record of revision %d: %w", revision, listing.ErrCompacted)
	case len(raw) < len(listing.Digest{}):
		return nil, corruptf("revision %d is not in the log", revision)
	}
	return decodeRecord(raw[len(listing.Digest{}):])
}

// remember keeps the id of a request, and forgets some that are too old.
func (w *writing) remember(r *listing.Request, d done) error {
	d.fingerprint = r.Fingerprint()
	w.dirty = true
	byID, byAge := w.tx.Bucket(doneBucket), w.tx.Bucket(agedBucket)
	id, age := put{[]byte(r.ID), d.encode()}, put{ageKey(r.Time, r.ID), []byte{}}
	if err := errors.Join(id.into(byID), age.into(byAge)); err != nil {
		return err
	}
	if !d.logged {
		w.beside = append(w.beside, beside{doneBucket, id}, beside{agedBucket, age})
	}
	return forget(byID, byAge, r.Time.Add(-remembered))
}

// forget drops the oldest ids, a few at a time: no request pays for the silence
// of a month before it.
func forget(byID, byAge *bolt.Bucket, before time.Time) error {
	limit := ageKey(before, "")
	for range forgetAtOnce {
		k, _ := byAge.Cursor().First()
		if k == nil || string(k) >= string(limit) {
			return nil
		}
		k = append([]byte(nil), k...)
		if err := byAge.Delete(k); err != nil {
			return err
		}
		if err := byID.Delete(k[8:]); err != nil {
			return err
		}
	}
	return nil
}

// ageKey sorts ids by when they were used.
func ageKey(t time.Time, id string) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(max(t.Unix(), 0))), id...)
}
