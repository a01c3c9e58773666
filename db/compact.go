package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"dnsbld/files"
	"dnsbld/listing"
	"dnsbld/nice"

	bolt "go.etcd.io/bbolt"
)

// bbolt keeps the pages that become free, and a file never shrinks. A compaction
// copies the list into a file beside and puts that into its place, while requests go
// on:
//
//  1. what is written from now on and stands in no record is noted (journal);
//  2. the file is copied as one transaction sees it;
//  3. the records that came meanwhile are replayed, until few are left;
//  4. with writers held back: the last records and the journal, one sync, the
//     rename and its sync; from then on everything is asked of the new file.
//
// Whatever cuts it short before the rename leaves the list as it was. At the rename
// the new file has all that was acknowledged, and nothing is acknowledged before the
// new name is durable.

const compactSuffix = ".compact"

// Compacted is what a compaction did.
type Compacted struct {
	Before, After int64            // octets of the file
	Forgotten     listing.Revision // up to it changes are no longer kept; 0: all are
	Held          time.Duration    // for how long writers were held back
}

// Compact gives back to the disk what the file does not need. Records from before a
// time are forgotten, but for their hashes; the zero time: none. It waits for a
// verification, or another compaction, to end.
func (d *DB) Compact(ctx context.Context, before time.Time) (c Compacted, err error) {
	if err := d.changeable(); err != nil {
		return c, err
	}
	if err := d.maintain(ctx); err != nil {
		return c, err
	}
	defer func() { <-d.upkeep }()
	if err := d.health.err(); err != nil {
		return c, err
	}
	nice.Do(func() {
		m := compaction{d: d, path: d.path + compactSuffix, done: &c}
		if err = guarded(func() error { return m.run(ctx, before) }); err != nil {
			err = fmt.Errorf("compacting: %w", errors.Join(err, guarded(m.abandon)))
		}
	})
	return c, err
}

// maintain waits for its turn among what looks after the file. Who has given up gets
// none, also where it is free.
func (d *DB) maintain(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case d.upkeep <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// compaction is one at work.
type compaction struct {
	d    *DB
	path string
	to   *bolt.DB // the new file
	file *os.File // that it has open
	play player
	done *Compacted
}

func (m *compaction) run(ctx context.Context, before time.Time) error {
	if err := m.d.note(&journal{}); err != nil {
		return err
	}
	if err := m.copy(ctx, before); err != nil {
		return err
	}
	if err := m.catchUp(ctx); err != nil {
		return err
	}
	return m.d.health.guarded(m.finish)
}

// step lets tests cut a compaction short.
func (m *compaction) step(done string) error {
	if m.d.cut == nil {
		return nil
	}
	return m.d.cut(done)
}

// catchUp replays the records that came meanwhile, until few came while it did.
func (m *compaction) catchUp(ctx context.Context) error {
	const few = 64 // records that are replayed with writers held back
	if err := m.step("copied"); err != nil {
		return err
	}
	for more := true; more; {
		last := m.play.records
		if err := m.play.playAll(ctx, m.d.read); err != nil {
			return err
		}
		more = m.play.records-last > few
	}
	return nil
}

// note begins or ends a journal.
func (d *DB) note(j *journal) error {
	return d.inTurn(func(*bolt.Tx) error {
		d.journal = j
		return nil
	})
}

// copy copies the list as it stands.
func (m *compaction) copy(ctx context.Context, before time.Time) error {
	if err := m.create(); err != nil {
		return err
	}
	tx, err := m.d.begin(false)
	if err != nil {
		return err
	}
	m.done.Before = tx.Size()
	err = guarded(func() error { return copyAll(ctx, tx, m.to) })
	m.d.end(tx)
	if err != nil {
		return err
	}
	if !before.IsZero() {
		forgot, err := forgetBefore(ctx, m.to, before)
		if err == nil && forgot { // which leaves free pages behind
			err = m.again(ctx)
		}
		if err != nil {
			return err
		}
	}
	return m.to.View(func(tx *bolt.Tx) error {
		s, err := newState(tx)
		m.play = player{to: m.to, next: s.head.revision + 1}
		m.done.Forgotten = s.forgotten()
		return err
	})
}

// create makes the new file, mapped as widely as the old one.
func (m *compaction) create() (err error) {
	if err := files.Remove(m.path); err != nil {
		return err
	}
	o := m.d.options
	o.InitialMmap = mapFor(m.d.path, o)
	m.to, m.file, err = openBolt(m.path, o, false)
	return err
}

// again copies the new file into another new one.
func (m *compaction) again(ctx context.Context) error {
	from := m.to
	err := os.Rename(m.path, m.path+".part")
	if err == nil {
		err = m.step("forgot")
	}
	if err == nil {
		err = m.create()
	}
	if err == nil {
		err = from.View(func(tx *bolt.Tx) error { return copyAll(ctx, tx, m.to) })
	}
	return errors.Join(err, from.Close(), files.Remove(m.path+".part"))
}

// finish brings the new file to the last state and puts it into its place, with
// writers held back by a transaction that writes nothing.
func (m *compaction) finish() error {
	if err := m.step("caught up"); err != nil {
		return err
	}
	began := time.Now()
	seen := m.d.newest.Load()
	err := m.d.inTurn(func(tx *bolt.Tx) error { return m.exchange(tx, seen) })
	m.done.Held = time.Since(began)
	return err
}

func (m *compaction) exchange(tx *bolt.Tx, seen uint64) error {
	s, err := m.d.state(tx, seen)
	if err != nil {
		return err
	}
	m.to.NoSync = true // until all is there
	for ended := false; !ended; {
		if ended, err = m.play.some(s); err != nil {
			return err
		}
	}
	if err := m.to.Update(func(to *bolt.Tx) error { return m.d.journal.into(to, s.head) }); err != nil {
		return err
	}
	if err := m.to.Sync(); err != nil {
		return err
	}
	if err := m.step("synced"); err != nil {
		return err
	}
	m.to.NoSync = m.d.options.NoSync
	if err := os.Rename(m.path, m.d.path); err != nil {
		return err
	}
	err = m.step("renamed")
	if err == nil {
		err = files.SyncDir(filepath.Dir(m.d.path))
	}
	if err != nil { // nobody knows which of the two a start would find
		return m.d.health.fail(err)
	}
	m.done.After = size(m.to)
	m.d.replace(m.to, m.file)
	return nil
}

// replace lets everybody use another file from now on, in a turn to write, and closes the
// old one when nobody reads it any more.
func (d *DB) replace(b *bolt.DB, file *os.File) {
	d.gate.Lock()
	old := d.bolt
	d.bolt, d.file, d.journal = b, file, nil
	d.gate.Unlock()
	d.old.Go(func() { _ = d.health.guarded(old.Close) }) // all of it is in the new one
}

// abandon takes away what there is of a new file.
func (m *compaction) abandon() error {
	err := m.d.note(nil)
	if m.to != nil {
		err = errors.Join(err, m.to.Close())
	}
	return errors.Join(err, files.Remove(m.path, m.path+".part"))
}

// size is how many octets of a file are used, or have been.
func size(b *bolt.DB) (n int64) {
	_ = b.View(func(tx *bolt.Tx) error { n = tx.Size(); return nil }) // it is for people
	return n
}

// journal is what was written beside the log while the file is copied: what was
// seen, and the answers to requests that changed nothing.
type journal struct{ all []beside }

// beside is a value of a bucket that no record tells of.
type beside struct {
	bucket []byte
	put
}

func (j *journal) add(all ...beside) {
	if j != nil {
		j.all = append(j.all, all...)
	}
}

// into writes what was noted, and the head, which must be the one that the records
// lead to.
func (j *journal) into(to *bolt.Tx, want head) error {
	have, err := readHead(to)
	if err != nil {
		return err
	}
	if have.chain != want.chain || have.entries != want.entries {
		return corruptf("the copy is at revision %d with %d entries, and should be at %d with %d", have.revision, have.entries, want.revision, want.entries)
	}
	for _, b := range j.all {
		if err := b.put.into(to.Bucket(b.bucket)); err != nil {
			return err
		}
	}
	return to.Bucket(metaBucket).Put(headKey, want.encode())
}

// putBeside writes what no record tells of.
func (w *writing) putBeside(bucket []byte, p put) error {
	w.beside = append(w.beside, beside{bucket, p})
	return p.into(w.tx.Bucket(bucket))
}
