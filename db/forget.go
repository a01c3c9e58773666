package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// The log grows for ever, and with it the deltas and the history. What is older than
// it needs to be is forgotten by a compaction, in the file that nobody uses yet. Of a
// forgotten record its hash stays in the log, so that the chain can still be followed
// from a checkpoint. What the list was after the last of them becomes the base, from
// which a replay begins:
//
//	base  "at"          revision, chain, number of own entries, and the digest of the rest (JSON)
//	base  "state"       the buckets of the list as it was then, but for log, deltas and history
var (
	baseBucket  = []byte("base")
	atKey       = []byte("at")
	stateBucket = []byte("state")
)

// forgetBefore forgets the records from before a time, in a file that nobody uses;
// the last record stays whatever its age.
func forgetBefore(ctx context.Context, b *bolt.DB, before time.Time) (forgot bool, err error) {
	f := forgetting{b: b}
	if err := b.View(func(tx *bolt.Tx) error { return f.find(tx, before) }); err != nil || f.last == 0 {
		return false, err
	}
	if err := b.View(f.refer); err != nil {
		return false, err
	}
	if err := f.makeBase(ctx); err != nil {
		return false, err
	}
	for _, step := range []func(*bolt.Tx) (more bool, err error){f.records, f.deltas, f.history, f.done} {
		for more := true; more; {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			if err := b.Update(func(tx *bolt.Tx) (err error) {
				more, err = step(tx)
				return err
			}); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// forgetting is one at work.
type forgetting struct {
	b    *bolt.DB
	last listing.Revision        // to be forgotten; 0: none
	from []byte                  // where a step goes on
	seen map[listing.Digest]bool // what was seen and is still referred to
}

// find finds the last record that is old enough.
func (f *forgetting) find(tx *bolt.Tx, before time.Time) error {
	s, err := newState(tx)
	if err != nil {
		return err
	}
	c := tx.Bucket(logBucket).Cursor()
	newest, _ := c.Last()
	for k, v := c.Seek(revisionKey(s.forgotten() + 1)); k != nil && string(k) != string(newest); k, v = c.Next() {
		rec, err := decodeRecord(v[min(len(v), len(listing.Digest{})):])
		if err != nil {
			return err
		}
		if !rec.header().Time.Before(before) {
			return nil
		}
		f.last = rec.revision
	}
	return nil
}

// refer collects what entries, and the records that are kept, refer to.
func (f *forgetting) refer(tx *bolt.Tx) error {
	f.seen = map[listing.Digest]bool{}
	if err := tx.Bucket(entriesBucket).ForEach(func(k, v []byte) error {
		e, err := decodeEntry(k, v)
		f.seen[e.Evidence] = true
		return err
	}); err != nil {
		return err
	}
	c := tx.Bucket(logBucket).Cursor()
	for k, v := c.Seek(revisionKey(f.last + 1)); k != nil; k, v = c.Next() {
		rec, err := decodeRecord(v[min(len(v), len(listing.Digest{})):])
		if err != nil {
			return err
		}
		for sum := range rec.evidence() {
			f.seen[sum] = true
		}
	}
	return nil
}

// makeBase makes the list as it was after the last of them, and keeps that.
func (f *forgetting) makeBase(ctx context.Context) (err error) {
	made, err := scratch(f.b.Path())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, made.Close()) }()
	read := func(do func(*state) error) error {
		return f.b.View(func(tx *bolt.Tx) error {
			s, err := newState(tx)
			if err != nil {
				return err
			}
			return do(s)
		})
	}
	p := player{to: made, proving: true, upTo: f.last}
	if err := read(func(s *state) (err error) {
		p.next, err = s.beginWith(made)
		return err
	}); err != nil {
		return err
	}
	if err := p.playAll(ctx, read); err != nil {
		return err
	}
	return made.View(func(from *bolt.Tx) error { return f.b.Update(func(to *bolt.Tx) error { return putBase(from, to) }) })
}

// putBase makes a list the base of a file.
func putBase(from, to *bolt.Tx) error {
	if to.Bucket(baseBucket) != nil {
		if err := to.DeleteBucket(baseBucket); err != nil {
			return err
		}
	}
	all, err := to.CreateBucket(baseBucket)
	if err != nil {
		return err
	}
	kept, err := all.CreateBucket(stateBucket)
	if err != nil {
		return err
	}
	apart := [][]byte{metaBucket, deltasBucket, logBucket, historyBucket, evidenceBucket, doneBucket, agedBucket}
	for _, name := range allBuckets() {
		if slices.ContainsFunc(apart, func(other []byte) bool { return bytes.Equal(name, other) }) {
			continue
		}
		b, err := kept.CreateBucket(name)
		if err == nil {
			err = copyBucket(from.Bucket(name), b)
		}
		if err != nil {
			return err
		}
	}
	h, err := readHead(from)
	if err != nil {
		return err
	}
	sum := sha256.New()
	if err := sumBucket(sum, kept); err != nil {
		return err
	}
	at := beginning{Revision: h.revision, Chain: h.chain, Entries: h.entries, Config: string(from.Bucket(metaBucket).Get(configKey)), Sum: listing.Digest(sum.Sum(nil))}
	return putJSON(all, atKey, at)
}

// forgetSome is how many values a step changes in one transaction.
const forgetSome = 8192

// some calls each with keys of a bucket from where the step is, and then makes the
// puts that it gave.
func (f *forgetting) some(b *bolt.Bucket, each func(k, v []byte) (put, bool)) (more bool, err error) {
	var puts []put
	c := b.Cursor()
	k, v := c.Seek(f.from)
	n := 0
	for ; k != nil && n < forgetSome; k, v = c.Next() {
		if p, ok := each(k, v); ok {
			p.key = slices.Clone(p.key)
			puts = append(puts, p)
		}
		n++
	}
	if f.from = slices.Clone(k); k == nil {
		f.from = nil
	}
	for _, p := range puts {
		if err := p.into(b); err != nil {
			return false, err
		}
	}
	return k != nil, nil
}

// records leaves the hash of each record, and drops what was seen that nothing
// refers to any more.
func (f *forgetting) records(tx *bolt.Tx) (more bool, err error) {
	var gone []listing.Digest
	more, err = f.some(tx.Bucket(logBucket), func(k, v []byte) (put, bool) {
		revision, _, _ := cutRevision(k)
		if revision > f.last || len(v) <= len(listing.Digest{}) {
			return put{}, false
		}
		if rec, bad := decodeRecord(v[len(listing.Digest{}):]); bad == nil {
			gone = slices.AppendSeq(gone, rec.evidence())
		}
		return put{k, slices.Clone(v[:len(listing.Digest{})])}, true
	})
	for _, sum := range gone {
		if !f.seen[sum] {
			err = errors.Join(err, tx.Bucket(evidenceBucket).Delete(sum[:]))
		}
	}
	return more, err
}

// deltas drops the deltas of forgotten imports.
func (f *forgetting) deltas(tx *bolt.Tx) (more bool, err error) {
	all := tx.Bucket(deltasBucket)
	err = all.ForEachBucket(func(name []byte) error {
		b := all.Bucket(name)
		f.from = nil
		for more := true; more; {
			more, err = f.some(b, func(k, _ []byte) (put, bool) {
				revision, ok := deltaRevision(k)
				return put{key: k}, ok && revision <= f.last
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	f.from = nil
	return false, err
}

// deltaRevision is the revision in the key of a delta.
func deltaRevision(k []byte) (listing.Revision, bool) {
	skip := 1 // class
	if len(k) > 0 && k[0] == hostClass {
		skip = 2 // and first octet
	}
	if len(k) < skip {
		return 0, false
	}
	revision, _, ok := cutRevision(k[skip:])
	return revision, ok
}

// history drops where forgotten changes were found.
func (f *forgetting) history(tx *bolt.Tx) (more bool, err error) {
	return f.some(tx.Bucket(historyBucket), func(k, _ []byte) (put, bool) {
		_, rest, _ := cutSubject(k)
		revision, _, ok := cutRevision(rest)
		return put{key: k}, ok && revision <= f.last
	})
}

// done drops the ids of forgotten requests, if there still are any.
func (f *forgetting) done(tx *bolt.Tx) (more bool, err error) {
	byID := tx.Bucket(doneBucket)
	var gone [][]byte
	more, err = f.some(tx.Bucket(agedBucket), func(age, _ []byte) (put, bool) {
		if len(age) < 8 {
			return put{}, false
		}
		d, bad := decodeDone(byID.Get(age[8:]))
		if bad != nil || !d.logged || d.revision > f.last {
			return put{}, false
		}
		gone = append(gone, slices.Clone(age[8:]))
		return put{key: age}, true
	})
	for _, id := range gone {
		err = errors.Join(err, byID.Delete(id))
	}
	return more, err
}
