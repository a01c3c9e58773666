package db

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"dnsbld/listing"
)

// Limits of what is a key on disk.
const (
	mostID   = 1 << 10
	mostName = 255
)

// Apply decides the edits of a request; see listing.Store.
func (d *DB) Apply(ctx context.Context, r listing.Request) (listing.Verdict, error) {
	r = settled(r)
	if err := checkApply(&r); err != nil {
		return listing.Verdict{}, err
	}
	raw, err := canonical(&r)
	if err != nil {
		return listing.Verdict{}, err
	}
	if err := ctx.Err(); err != nil {
		return listing.Verdict{}, err
	}
	if r.DryRun {
		return d.tryApply(r)
	}
	return d.submit(ctx, &job{request: &r, raw: raw})
}

// tryApply decides against a snapshot and keeps nothing. It is never a
// repetition: it says what a new request would do.
func (d *DB) tryApply(r listing.Request) (v listing.Verdict, err error) {
	err = d.read(func(s *state) error {
		var refused error
		v, refused = listing.Decide(s, r)
		return refused
	})
	return v, err
}

// settled is the request with its times as they are read back: in UTC, and
// without what Go's clock adds to them.
func settled(r listing.Request) listing.Request {
	plain := func(t *time.Time) { *t = t.UTC().Round(0) }
	plain(&r.Time)
	edits := make([]listing.Edit, len(r.Edits))
	for n, e := range r.Edits {
		plain(&e.Until)
		plain(&e.Seen)
		if e.Allow != nil {
			a := *e.Allow
			plain(&a.Until)
			e.Allow = &a
		}
		if e.Restore != nil {
			was := *e.Restore
			plain(&was.Since)
			plain(&was.Until)
			plain(&was.Before.Ended)
			e.Restore = &was
		}
		edits[n] = e
	}
	r.Edits = edits
	if r.Source != nil {
		s := *r.Source
		s.Until = s.Until.UTC().Truncate(time.Second)
		r.Source = &s
	}
	return r
}

func canonical(r *listing.Request) ([]byte, error) {
	raw, err := r.Canonical()
	if err != nil {
		return nil, fmt.Errorf("request %s: %w: %w", listing.Quote(r.ID), listing.ErrInvalid, err)
	}
	return raw, nil
}

func checkApply(r *listing.Request) error {
	if err := checkRequest(r); err != nil {
		return err
	}
	if r.Source != nil {
		return fmt.Errorf("edits and a source in one request: %w", listing.ErrInvalid)
	}
	for n := range r.Edits {
		if err := checkEdit(&r.Edits[n]); err != nil {
			return fmt.Errorf("edit %d: %w", n+1, err)
		}
	}
	return nil
}

func checkRequest(r *listing.Request) error {
	if len(r.ID) > mostID {
		return fmt.Errorf("request id of %d bytes, %d at the most: %w", len(r.ID), mostID, listing.ErrInvalid)
	}
	return r.Validate()
}

// checkEdit refuses what cannot stand as a key.
func checkEdit(e *listing.Edit) error {
	switch e.Op {
	case listing.OpList, listing.OpExpire, listing.OpDelist:
		return checkOwn(e.Key)
	case listing.OpRestore:
		return checkRestore(e)
	case listing.OpDocument:
		return checkDocument(e.Document)
	case listing.OpSweep:
		return checkSweep(e)
	case listing.OpAllow:
		if e.Allow == nil {
			return fmt.Errorf("nothing to allow: %w", listing.ErrInvalid)
		}
		return checkSubject(e.Allow.Subject)
	case listing.OpDisallow:
		return checkSubject(e.Subject)
	}
	return nil
}

// checkSweep looks at the one thing that a sweep names: a source, an allow
// entry by its subject, or an entry of this list's own.
func checkSweep(e *listing.Edit) error {
	switch {
	case e.Source != "":
		return nil
	case e.Subject.IsValid():
		return checkSubject(e.Subject)
	}
	return checkOwn(e.Key)
}

func checkRestore(e *listing.Edit) error {
	if e.Restore != nil && e.Restore.Key != e.Key {
		return fmt.Errorf("another entry to be put back than is named: %w", listing.ErrInvalid)
	}
	return checkOwn(e.Key)
}

func checkOwn(k listing.Key) error {
	if k.Source != "" {
		return fmt.Errorf("entries of source %s change by its imports alone: %w", listing.Quote(k.Source), listing.ErrInvalid)
	}
	return checkSubject(k.Subject)
}

func checkSubject(s listing.Subject) error {
	if !s.IsValid() || s.Masked() != s.Prefix || s.Addr().Is4In6() {
		return fmt.Errorf("%s is not a subject: %w", s, listing.ErrInvalid)
	}
	return nil
}

// apply decides a request and writes what it changes.
func (w *writing) apply(j *job) error {
	v, err := listing.Decide(w.state, *j.request)
	j.verdict, j.err = v, err
	switch {
	case err != nil:
		return fatal(err)
	case len(v.Changes) == 0 && j.request.Keyed:
		return w.remember(j.request, done{revision: v.Revision, named: v.Entries})
	case len(v.Changes) == 0:
		return nil
	}
	for n := range v.Changes {
		if err := w.change(&v.Changes[n], n); err != nil {
			return err
		}
	}
	if err := w.putEvidence(j.request, v.Changes); err != nil {
		return err
	}
	return w.keep(&record{revision: v.Revision, request: j.raw, verdict: v}, j.request)
}

func (w *writing) change(c *listing.Change, n int) error {
	switch c.Kind {
	case listing.EntryChange:
		return w.changeEntry(c, n)
	case listing.AllowChange:
		return w.changeAllow(c, n)
	case listing.SourceChange:
		return w.changeSource(c, n)
	case listing.DocumentChange:
		return w.changeDocument(c.DocumentBefore, c.DocumentAfter)
	}
	return w.tx.Bucket(metaBucket).Put(configKey, []byte(c.Config))
}

func (w *writing) changeEntry(c *listing.Change, n int) error {
	var entry, served put
	if e := c.After; e != nil {
		entry = put{entryKey(e.Key), encodeEntry(nil, e)}
		served = put{entry.key, seal(entry.key, encodeServed(e))}
	} else {
		entry = put{key: entryKey(c.Before.Key)}
		served = entry
	}
	key := entry.key
	if err := entry.into(w.tx.Bucket(entriesBucket)); err != nil {
		return err
	}
	if err := served.into(w.tx.Bucket(servedBucket)); err != nil {
		return err
	}
	if c.Before == nil {
		w.head.entries++
	}
	if c.After == nil {
		w.head.entries--
	}
	if past, ok := c.PastAfter(); ok {
		if err := w.tx.Bucket(pastBucket).Put(key, encodePast(nil, past)); err != nil {
			return err
		}
	}
	return w.noteHistory(key[:len(key)-1], c.Revision, n)
}

func (w *writing) changeAllow(c *listing.Change, n int) error {
	allows := w.tx.Bucket(allowsBucket)
	var key []byte
	var err error
	if c.AllowAfter != nil {
		key = subjectKey(c.AllowAfter.Subject)
		err = putJSON(allows, key, c.AllowAfter)
	} else {
		key = subjectKey(c.AllowBefore.Subject)
		err = allows.Delete(key)
	}
	if err != nil {
		return err
	}
	return w.noteHistory(key, c.Revision, n)
}

// noteHistory notes that change n of a revision is about a subject.
func (w *writing) noteHistory(subject []byte, revision listing.Revision, n int) error {
	b := w.tx.Bucket(historyBucket)
	key := appendRevision(append([]byte(nil), subject...), revision)
	have := b.Get(key)
	return b.Put(key, binary.AppendUvarint(append([]byte(nil), have...), uint64(n)))
}
