package db

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"dnsbld/listing"
	"dnsbld/nice"

	bolt "go.etcd.io/bbolt"
)

// submit queues a job and waits for its verdict. When ctx ends first, the
// outcome is unknown.
func (d *DB) submit(ctx context.Context, j *job) (listing.Verdict, error) {
	j.ctx, j.done = ctx, make(chan struct{})
	err := d.changeable()
	if err == nil {
		err = d.queue.add(j)
	}
	if err != nil {
		j.release()
		return listing.Verdict{}, err
	}
	select {
	case <-j.done:
		return j.verdict, j.err
	case <-ctx.Done():
		return listing.Verdict{}, fmt.Errorf("%w: the outcome is not known: %w", listing.ErrUnavailable, ctx.Err())
	}
}

// write is the one goroutine that writes. All requests that wait are decided
// in turn in one transaction, and share its wait for the disk.
func (d *DB) write() {
	defer close(d.done)
	for {
		batch := d.queue.take()
		if batch == nil {
			return
		}
		if batch[0].alone() {
			nice.Do(func() { d.decide(batch) })
		} else {
			d.decide(batch)
		}
		runtime.Gosched() // whoever asks again at once is in the next batch
	}
}

// decide decides a batch and tells those who wait. When one of it meets damage
// in the file, the others have another chance without it.
func (d *DB) decide(batch []*job) {
	err := d.commitAll(batch)
	if errors.Is(err, listing.ErrCorrupt) && len(batch) > 1 {
		for n := range batch {
			d.decide(batch[n : n+1])
		}
		return
	}
	d.news.committed()
	for _, j := range batch {
		j.finish(err)
	}
}

// commitAll decides a batch in one transaction. An error is of all of it; after
// one that came late what was asked may yet be found done.
func (d *DB) commitAll(batch []*job) error {
	seen := d.newest.Load()
	return d.inTurn(func(tx *bolt.Tx) error { return d.decideIn(tx, seen, batch) })
}

// decideIn decides a batch and commits what it changes. What was decided before
// the file was opened is answered after a commit that reached the disk: the one
// before may have been lost by a failed fsync, and be found in the page cache.
func (d *DB) decideIn(tx *bolt.Tx, seen uint64, batch []*job) error {
	s, err := d.state(tx, seen)
	if err != nil {
		return err
	}
	w := &writing{state: s}
	for _, j := range batch {
		if err := w.handle(j); err != nil {
			return err
		}
	}
	if !w.dirty && (d.synced.Load() || !w.repeats) {
		return nil
	}
	if err := tx.Bucket(metaBucket).Put(headKey, s.head.encode()); err != nil {
		return err
	}
	d.journal.add(w.beside...)
	if err := d.commit(tx); err != nil {
		return d.uncommitted(err)
	}
	d.synced.Store(true)
	d.reached(s.head.revision)
	return nil
}

// uncommitted says of a commit that failed what is known of it. Without room
// for the pages nothing was changed. Of a failed fsync nobody knows, and the page
// cache would say that all is well: the file is not used any more.
func (d *DB) uncommitted(err error) error {
	if _, synced := err.(syscall.Errno); !synced && noRoom(err) { // bbolt passes on the error of fdatasync as it is
		return err
	}
	_ = d.health.fail(fmt.Errorf("writing %s: %w", d.path, err)) // which does not say what is known
	return &listing.Error{Kind: listing.ErrUnavailable, Code: "store-failed",
		Message: fmt.Sprintf("writing %s failed, and the outcome is not known: %v", d.path, err),
		Hint:    "DNS goes on as it was; look at the disk, then restart dnsbld and see what is listed"}
}

// writing is one transaction that decides requests.
type writing struct {
	*state
	dirty   bool
	repeats bool     // something was decided earlier
	beside  []beside // what was written that no record tells of
}

// handle decides one job. A refusal is the job's own; an error that it
// returns is of the transaction.
func (w *writing) handle(j *job) error {
	if j.ctx.Err() != nil {
		j.err = fmt.Errorf("%w: not decided: %w", listing.ErrUnavailable, j.ctx.Err())
		return nil
	}
	verdict, known, err := w.repeated(j.request)
	if known || err != nil {
		w.repeats = true
		j.verdict, j.err = verdict, err
		return fatal(err)
	}
	if j.content != nil {
		return w.replace(j)
	}
	return w.apply(j)
}

// fatal passes on an error that is no refusal.
func fatal(err error) error {
	if errors.Is(err, listing.ErrCorrupt) {
		return err
	}
	return nil
}

// keep logs what was decided and makes it the new head.
func (w *writing) keep(rec *record, r *listing.Request) error {
	raw, err := rec.encode()
	if err != nil {
		return err
	}
	w.head.revision = rec.revision
	w.head.chain = listing.Link(w.head.chain, raw)
	return w.log(raw, r)
}

// log writes the record of the head, and remembers its request.
func (w *writing) log(raw []byte, r *listing.Request) error {
	w.dirty = true
	log := w.tx.Bucket(logBucket)
	log.FillPercent = appendFill
	if err := log.Put(revisionKey(w.head.revision), append(w.head.chain[:], raw...)); err != nil {
		return err
	}
	return w.remember(r, done{revision: w.head.revision, logged: true})
}

// appendFill fills the pages of a bucket whose keys only rise.
const appendFill = 0.95

// endSource takes a source out, with all its entries, by change n of a revision.
func (w *writing) endSource(name string, revision listing.Revision, n int) error {
	if err := w.tx.Bucket(sourcesBucket).Delete([]byte(name)); err != nil {
		return err
	}
	if err := w.dropContents(name); err != nil {
		return err
	}
	deltas, err := w.tx.Bucket(deltasBucket).CreateBucketIfNotExists([]byte(name))
	if err != nil {
		return err
	}
	return deltas.Put(endKey(revision), binary.AppendUvarint(nil, uint64(n)))
}

func (w *writing) dropContents(name string) error {
	all := w.tx.Bucket(contentsBucket)
	if all.Bucket([]byte(name)) == nil {
		return nil
	}
	return all.DeleteBucket([]byte(name))
}
