package db

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"

	"dnsbld/listing"
	"dnsbld/nice"
)

// Replace makes a source equal entries, or adds them to it; see listing.Store.
//
// Of an entry the subject, the reason, except, since, until and the texts are
// kept; source, origin, actor and revision are its source's. An entry that
// gives no since keeps the one it has, and begins with the request otherwise.
// Of two lines about one key attrs.better decides, whatever the
// order; times are kept to the second.
func (d *DB) Replace(ctx context.Context, r listing.Request, entries iter.Seq2[listing.Entry, error]) (v listing.Verdict, err error) {
	r = settled(r)
	if err := errors.Join(checkRequest(&r), checkSource(r.Source)); err != nil {
		return v, err
	}
	if len(r.Edits) > 0 {
		return v, fmt.Errorf("edits and a source in one request: %w", listing.ErrInvalid)
	}
	raw, err := canonical(&r)
	if err != nil {
		return v, err
	}
	if v, known, err := d.decided(&r); known || err != nil {
		return v, err
	}
	defer nice.Sparing()()
	j := &job{request: &r, raw: raw, content: &contents{spool: spool{path: d.path}}}
	nice.Do(func() { err = d.prepare(ctx, j, entries) })
	if err == nil && !r.DryRun {
		large := j.content.size > 0
		v, err = d.submit(ctx, j)
		if large { // what was allocated meanwhile may be more than the list; bbolt's pages lie in a pool, for two collections
			runtime.GC()
			debug.FreeOSMemory()
		}
		return v, err
	}
	defer j.release()
	if err != nil {
		return v, err
	}
	return d.tryReplace(j)
}

// decided spares the reading of an import that was decided earlier.
func (d *DB) decided(r *listing.Request) (v listing.Verdict, known bool, err error) {
	if r.DryRun || !d.synced.Load() { // the writer answers what was decided before the file was opened
		return v, false, nil
	}
	err = d.read(func(s *state) error {
		v, known, err = s.repeated(r)
		return err
	})
	return v, known, err
}

// prepare reads the entries and works out what they change, beside the writer
// and not in its way.
func (d *DB) prepare(ctx context.Context, j *job, entries iter.Seq2[listing.Entry, error]) (err error) {
	if err = j.content.gather(ctx, entries); err != nil {
		return fmt.Errorf("reading source %s: %w", j.request.Source.Name, err)
	}
	return d.read(func(s *state) error {
		j.plan, err = s.plan(j.request, j.content)
		return err
	})
}

func (d *DB) tryReplace(j *job) (v listing.Verdict, err error) {
	err = d.read(func(s *state) error {
		p, err := s.current(j)
		if err != nil {
			return err
		}
		v, err = listing.DecideSource(s, *j.request, p.diff)
		return err
	})
	return v, err
}

// current is the plan of a job if the source is as it was, else a new one.
func (s *state) current(j *job) (*plan, error) {
	base, err := s.base(j.request)
	if err != nil || base.Changed() == j.plan.base {
		return j.plan, err
	}
	return s.plan(j.request, j.content)
}

// base is the source that a request is compared with; it is the zero Source
// when there is none or its time has come.
func (s *state) base(r *listing.Request) (listing.Source, error) {
	cur, found, err := s.Source(r.Source.Name)
	if err != nil || !found || cur.Active(r.Time) {
		return cur, err
	}
	return listing.Source{}, nil
}

// replace decides an import and writes what it changes.
func (w *writing) replace(j *job) error {
	p, err := w.current(j)
	if err != nil {
		return err
	}
	v, err := listing.DecideSource(w.state, *j.request, p.diff)
	j.verdict, j.err = v, err
	if err != nil || len(v.Changes) == 0 { // a sweep that came too late
		return fatal(err)
	}
	for n := range v.Changes {
		if err := w.change(&v.Changes[n], n); err != nil {
			return err
		}
	}
	if err := w.putContents(p, v.Revision); err != nil {
		return err
	}
	rec := &record{revision: v.Revision, request: j.raw, verdict: v, deltas: p.set()}
	return w.keep(rec, j.request)
}

func (w *writing) changeSource(c *listing.Change, n int) error {
	if c.SourceAfter == nil {
		return w.endSource(c.SourceBefore.Name, c.Revision, n)
	}
	return putJSON(w.tx.Bucket(sourcesBucket), []byte(c.SourceAfter.Name), c.SourceAfter)
}

// putContents writes the blocks and entries that differ, and how.
func (w *writing) putContents(p *plan, revision listing.Revision) error {
	own, err := w.tx.Bucket(contentsBucket).CreateBucketIfNotExists([]byte(p.name))
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name []byte
		puts []put
	}{{hostsBucket, p.hosts}, {netsBucket, p.nets}} {
		b, err := own.CreateBucketIfNotExists(part.name)
		if err != nil {
			return err
		}
		if p.base == 0 {
			b.FillPercent = appendFill
		}
		for _, p := range part.puts {
			if err := p.into(b); err != nil {
				return err
			}
		}
	}
	deltas, err := w.tx.Bucket(deltasBucket).CreateBucketIfNotExists([]byte(p.name))
	if err != nil {
		return err
	}
	for _, c := range p.deltas {
		if err := deltas.Put(c.key(revision), c.raw); err != nil {
			return err
		}
	}
	return nil
}
