package db

import (
	"context"
	"iter"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// Changes yields what changed after a revision; see listing.Store. When ctx is
// done or the store closes, the last thing it yields is the error that says
// so. A reader that is ahead of the store, which was restored from a backup,
// gets listing.ErrCompacted.
func (d *DB) Changes(ctx context.Context, after listing.Revision) iter.Seq2[listing.Change, error] {
	return d.follow(ctx, follower{after: after})
}

// OwnChanges leaves out the entries of sources; see listing.Store.
func (d *DB) OwnChanges(ctx context.Context, after listing.Revision) iter.Seq2[listing.Change, error] {
	return d.follow(ctx, follower{after: after, own: true})
}

func (d *DB) follow(ctx context.Context, f follower) iter.Seq2[listing.Change, error] {
	return func(yield func(listing.Change, error) bool) {
		f := f // each use begins anew
		for {
			more := d.news.wait()
			err := f.read(ctx, d)
			for n := range f.batch {
				if !yield(f.batch[n], nil) {
					return
				}
			}
			if err == nil && len(f.batch) == 0 {
				err = d.await(ctx, more)
			}
			if err != nil {
				yield(listing.Change{}, err)
				return
			}
		}
	}
}

// await waits for a commit.
func (d *DB) await(ctx context.Context, more <-chan struct{}) error {
	select {
	case <-more:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.news.closed:
		return errClosed()
	}
}

// follower is where a reader of changes stands. It reads a batch at a time, so
// that no transaction is open while its changes are used.
type follower struct {
	after listing.Revision // all of this one has been read
	own   bool             // entries of sources are left out
	batch []listing.Change // read last

	// Within an import: its record, what is left of its delta, the first item
	// of that which has not been read, and of a chunk of hosts the dictionary.
	rec    *record
	chunks []chunk
	item   int
	steps  []transition
}

// batchSize is how many changes are read at once.
const batchSize = 2048

func (f *follower) read(ctx context.Context, d *DB) (err error) {
	clear(f.batch)
	batch := f.batch[:0]
	defer func() { f.batch = batch }()
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.read(func(s *state) error {
		if f.after > s.head.revision {
			return listing.ErrCompacted
		}
		c := s.tx.Bucket(logBucket).Cursor()
		for len(batch) < batchSize {
			if f.rec != nil {
				batch, err = f.delta(s, batch)
			} else {
				var more bool
				batch, more, err = f.record(c, batch)
				if !more {
					return err
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// record reads the next record; more is false at the end of the log.
func (f *follower) record(c *bolt.Cursor, batch []listing.Change) (_ []listing.Change, more bool, err error) {
	k, v := c.Seek(revisionKey(f.after + 1))
	if k == nil {
		return batch, false, nil
	}
	if len(v) < len(listing.Digest{}) {
		return batch, false, corruptf("log after revision %d", f.after)
	}
	rec, err := decodeRecord(v[len(listing.Digest{}):])
	if err != nil {
		return batch, false, err
	}
	batch = append(batch, rec.verdict.Changes...)
	if f.own || rec.deltas == nil || len(rec.deltas.chunks()) == 0 {
		f.after = rec.revision
		return batch, true, nil
	}
	batch[len(batch)-1].Last = false
	f.rec, f.chunks, f.item = rec, rec.deltas.chunks(), 0
	return batch, true, nil
}

// delta reads on in the delta of an import.
func (f *follower) delta(s *state, batch []listing.Change) (_ []listing.Change, err error) {
	deltas := s.tx.Bucket(deltasBucket).Bucket([]byte(f.rec.deltas.source))
	if deltas == nil {
		return batch, corruptf("deltas of source %s", f.rec.deltas.source)
	}
	raw := deltas.Get(f.chunks[0].key(f.rec.revision))
	left := 0
	if f.chunks[0].class == hostClass {
		batch, left, err = f.hosts(raw, batch)
	} else {
		batch, left, err = f.wide(raw, batch)
	}
	if err != nil || left > 0 {
		return batch, err
	}
	f.chunks, f.item = f.chunks[1:], 0
	if len(f.chunks) == 0 {
		batch[len(batch)-1].Last = true
		f.after, f.rec, f.steps = f.rec.revision, nil, nil
	}
	return batch, nil
}

// hosts reads IPv4 hosts, and says how many are left in the chunk.
func (f *follower) hosts(raw []byte, batch []listing.Change) (_ []listing.Change, left int, err error) {
	t, err := openTable(raw, deltaLow)
	if err != nil {
		return batch, 0, err
	}
	if f.item == 0 {
		if f.steps, err = readDict(&t, f.steps, (*reader).transition); err != nil {
			return batch, 0, err
		}
	}
	n := min(t.len()-f.item, batchSize)
	slab := f.slab(n)
	for range n {
		low, id := t.at(f.item)
		if int(id) >= len(f.steps) {
			return batch, 0, corruptf("delta of revision %d", f.rec.revision)
		}
		f.item++
		batch = append(batch, slab.change(hostSubject(uint32(f.chunks[0].part)<<24|low), &f.steps[id]))
	}
	return batch, t.len() - f.item, nil
}

func (f *follower) wide(raw []byte, batch []listing.Change) (_ []listing.Change, left int, err error) {
	d, err := openWide(raw)
	if err != nil {
		return batch, 0, err
	}
	n := min(d.len()-f.item, batchSize)
	slab := f.slab(n)
	for range n {
		k, step, err := d.read(f.item)
		if err != nil {
			return batch, 0, err
		}
		f.item++
		batch = append(batch, slab.change(k.Subject, &step))
	}
	return batch, d.len() - f.item, nil
}

// slab makes the entries of many changes in few pieces of memory.
type slab struct {
	rec           *record
	before, after *listing.Source
	because       listing.DelistReason
	entries       []listing.Entry
}

func (f *follower) slab(changes int) *slab {
	before, after := f.rec.sources()
	return &slab{rec: f.rec, before: before, after: after, because: f.rec.because(), entries: make([]listing.Entry, 0, changes)}
}

func (s *slab) entry(e listing.Entry) *listing.Entry {
	if len(s.entries) == cap(s.entries) { // alterations need two each
		s.entries = make([]listing.Entry, 0, max(cap(s.entries)/2, 1))
	}
	s.entries = append(s.entries, e)
	return &s.entries[len(s.entries)-1]
}

func (s *slab) change(subject listing.Subject, step *transition) listing.Change {
	c := listing.Change{Revision: s.rec.revision, Header: s.rec.header(), Kind: listing.EntryChange, Because: s.because}
	if step.hasBefore && s.before != nil {
		c.Before = s.entry(step.before.entry(subject, s.before))
	}
	if step.hasAfter && s.after != nil {
		c.After = s.entry(step.after.entry(subject, s.after))
	}
	return c
}
