package db

import (
	"context"
	"iter"

	"dnsbld/listing"
	"dnsbld/nice"

	bolt "go.etcd.io/bbolt"
)

// Changes yields what changed after a revision; see listing.Store. When ctx is
// done or the store closes, the last thing it yields is the error that says
// so. A reader that is ahead of the store, which was restored from a backup,
// gets listing.ErrCompacted.
func (d *DB) Changes(ctx context.Context, after listing.Revision) iter.Seq2[listing.Change, error] {
	return d.follow(ctx, follower{after: after})
}

// ChangesInBlocks is Changes with what an import adds in blocks; see
// listing.PackedChanges.
func (d *DB) ChangesInBlocks(ctx context.Context, after listing.Revision) iter.Seq2[listing.Change, error] {
	return d.follow(ctx, follower{after: after, blocks: true})
}

// OwnChanges leaves out the entries of sources; see listing.Store.
func (d *DB) OwnChanges(ctx context.Context, after listing.Revision) iter.Seq2[listing.Change, error] {
	return d.follow(ctx, follower{after: after, own: true})
}

func (d *DB) follow(ctx context.Context, f follower) iter.Seq2[listing.Change, error] {
	return func(yield func(listing.Change, error) bool) {
		f := f // each use starts again
		defer func() { f.spare(false) }()
		for {
			f.spare(f.rec != nil)
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

	blocks   bool // where a chunk adds alone, its entries lie in blocks
	inBlocks int  // entries in those of the batch

	// Within an import: its record, what is left of its delta, the first item
	// of that which has not been read, and of a chunk of hosts the dictionary.
	rec    *record
	chunks []chunk
	item   int
	steps  []transition
	added  adder
	spared func() // nil: not within one, or only just
}

// spare has what is made of an import's changes collected early, as long as there are
// more of them than fit a batch.
func (f *follower) spare(more bool) {
	if more && f.spared == nil {
		f.spared = nice.Sparing()
	} else if !more && f.spared != nil {
		f.spared()
		f.spared = nil
	}
}

// batchSize is how many changes, or entries in blocks, are read at once.
const batchSize = 2048

func (f *follower) read(ctx context.Context, d *DB) (err error) {
	clear(f.batch)
	batch := f.batch[:0]
	f.inBlocks = 0
	defer func() { f.batch = batch }()
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.read(func(s *state) error {
		if f.after > s.head.revision || (f.rec == nil && f.after < s.forgotten()) {
			return listing.ErrCompacted
		}
		c := s.tx.Bucket(logBucket).Cursor()
		for len(batch)+f.inBlocks < batchSize {
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
	d, err := f.open(deltas.Get(f.chunks[0].key(f.rec.revision)))
	if err != nil {
		return batch, err
	}
	if f.added.all {
		batch, err = f.addedItems(d, batch)
	} else {
		batch, err = f.items(d, batch)
	}
	if err != nil || f.item < d.len() {
		return batch, err
	}
	f.chunks, f.item = f.chunks[1:], 0
	if len(f.chunks) == 0 {
		batch[len(batch)-1].Last = true
		f.after, f.rec, f.steps, f.added = f.rec.revision, nil, nil, adder{}
	}
	return batch, nil
}

// items reads on in a chunk, a change an entry.
func (f *follower) items(d delta, batch []listing.Change) ([]listing.Change, error) {
	n := min(d.len()-f.item, batchSize)
	slab := f.rec.slab(n)
	for range n {
		subject, step, err := d.item(f.item)
		if err != nil {
			return batch, err
		}
		f.item++
		batch = append(batch, slab.change(subject, &step))
	}
	return batch, nil
}

// open opens the chunk that is read. Its dictionary is decoded once, for all
// batches: it may hold as many values as the chunk has hosts.
func (f *follower) open(raw []byte) (delta, error) {
	d, err := f.chunks[0].open(raw)
	if err != nil {
		return nil, err
	}
	p := d.packed()
	if f.item == 0 {
		err = f.added.open(f.blocks, f.rec, p)
	}
	switch {
	case err != nil || f.added.all:
	case f.item == 0:
		f.steps, err = p.decode(f.steps)
	case p != nil:
		p.all = f.steps
	}
	return d, err
}

// slab makes the entries of many changes in few pieces of memory.
type slab struct {
	rec           *record
	before, after *listing.Source
	because       listing.DelistReason
	entries       []listing.Entry
}

// slab has room for the entries of some changes of an import.
func (rec *record) slab(changes int) *slab {
	before, after := rec.sources()
	return &slab{rec: rec, before: before, after: after, because: rec.because(), entries: make([]listing.Entry, 0, changes)}
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
