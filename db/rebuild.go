package db

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"dnsbld/db/backup"
	"dnsbld/files"
	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// Rebuilt is what a rebuild did.
type Rebuilt struct {
	Backup  listing.Checkpoint // what it began with; zero: with nothing, and the whole log
	Records int                // of the log that were replayed
	Next    listing.Revision   // the newest now: behind all that was served
	Aside   string             // where the list lies that was there
	LeftOut string             // what stood beside the log and could not be read: the first of it; "": nothing

	endless map[string]error // buckets that cannot be read
}

// Rebuild makes the list at a path anew from its own log: all of it, or what comes
// after a backup if one is named. It fails with listing.ErrUnavailable while a
// daemon has the list open, and with listing.ErrCorrupt where the log itself is
// damaged after what it begins with. The list that was there is kept beside it
// and never written to.
func Rebuild(ctx context.Context, path, from string, h listing.Header) (r Rebuilt, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return r, &listing.Error{Kind: listing.ErrInvalid, Code: "no-file", Message: "there is no list " + path, Hint: "`blctl restore` makes one of a backup"}
	}
	served, err := Watermark(path)
	if err != nil {
		return r, err
	}
	old, file, err := openBolt(path, Options{}, true) // which locks it
	if err != nil {
		return r, unreadable(path, err)
	}
	defer func() { err = errors.Join(err, guarded(old.Close)) }()
	if err := r.readable(file); err != nil {
		return r, unreadable(path, err)
	}
	part := path + ".part"
	if err := files.Remove(part); err != nil {
		return r, fmt.Errorf("rebuilding: %w", err)
	}
	if err = r.make(ctx, old, from, part); err == nil {
		h.Note = fmt.Sprintf("rebuilt from %d records of the log", r.Records)
		r.Next, err = behind(ctx, part, served, h)
	}
	if err == nil {
		err = giveTo(part, file)
	}
	if err == nil {
		r.Aside, err = place(part, path, h.Time, true)
	}
	if err != nil {
		return Rebuilt{}, errors.Join(err, files.Remove(part))
	}
	return r, files.SyncDir(filepath.Dir(path))
}

// readable fails if there is no end to reading the log, and leaves out what else there
// is no end to.
func (r *Rebuilt) readable(file *os.File) error {
	var err error
	r.endless, err = endlessBuckets(file)
	for _, name := range [][]byte{metaBucket, logBucket, deltasBucket, baseBucket} {
		err = errors.Join(err, r.endless[string(name)])
	}
	return err
}

// unreadable says of a list that cannot be opened what remains to be done.
func unreadable(path string, err error) error {
	if !errors.Is(err, listing.ErrCorrupt) {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	return &listing.Error{Kind: listing.ErrCorrupt, Code: "log-unreadable", Message: fmt.Sprintf("the log of %s cannot be read: %v", path, err),
		Hint: "restore a backup: `blctl restore`"}
}

// make makes the new list at a path of its own.
func (r *Rebuilt) make(ctx context.Context, old *bolt.DB, from, part string) (err error) {
	if from != "" {
		t, err := backup.Check(from)
		if err != nil {
			return err
		}
		if err := unpack(from, part, t.Bytes); err != nil {
			return err
		}
		r.Backup = t.At
	}
	b, _, err := openBolt(part, Options{NoSync: true}, false) // synced when it is whole
	if err != nil {
		return outward(err)
	}
	defer func() { err = errors.Join(outward(err), guarded(b.Close)) }()
	if from == "" {
		if err = initialize(b); err == nil {
			err = carryBase(old, b)
		}
	} else {
		err = guarded(func() error { return upgradeFile(b) })
	}
	if err != nil {
		return err
	}
	if err := r.replay(ctx, old, b); err != nil {
		return err
	}
	return errors.Join(r.saveBeside(old, b), b.Sync())
}

// replay replays the log, and proves each record first.
func (r *Rebuilt) replay(ctx context.Context, old, b *bolt.DB) error {
	at := listing.Checkpoint{}
	if err := b.View(func(tx *bolt.Tx) error {
		h, err := readHead(tx)
		at = listing.Checkpoint{Revision: h.revision, Chain: h.chain}
		return err
	}); err != nil {
		return err
	}
	p := player{to: b, next: at.Revision + 1, check: &walk{next: at.Revision + 1, head: at.Revision, chain: at.Chain}}
	err := p.playAll(ctx, func(f func(*state) error) error {
		return guarded(func() error { return old.View(func(tx *bolt.Tx) error { return f(&state{tx: tx}) }) })
	})
	r.Records = p.records
	if !errors.Is(err, listing.ErrCorrupt) {
		return err
	}
	return &listing.Error{Kind: listing.ErrCorrupt, Code: "log-damaged",
		Message: fmt.Sprintf("the log holds up to revision %d, and not from there on: %v", p.next-1, err),
		Hint:    "give a backup from after that with --backup FILE, or restore the newest one"}
}

// saveBeside takes over what stands beside the log, as far as it can be read: what
// comes before a damaged page is kept.
func (r *Rebuilt) saveBeside(old, b *bolt.DB) error {
	if err := errors.Join(r.endless[string(doneBucket)], r.endless[string(agedBucket)]); err != nil {
		r.endless[string(doneBucket)] = err
	}
	for _, part := range []struct {
		of   []byte
		save func(from, to *bolt.Tx) error
	}{{evidenceBucket, r.saveEvidence}, {doneBucket, r.saveDone}} {
		if err := r.endless[string(part.of)]; err != nil {
			r.leaveOut("all of %s: %v", part.of, err)
			continue
		}
		err := b.Update(func(to *bolt.Tx) error {
			err := guarded(func() error { return old.View(func(from *bolt.Tx) error { return part.save(from, to) }) })
			if errors.Is(err, listing.ErrCorrupt) {
				r.leaveOut("%v", err)
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Rebuilt) leaveOut(format string, about ...any) {
	if r.LeftOut == "" {
		r.LeftOut = fmt.Sprintf(format, about...)
	}
}

// saveEvidence takes over what was seen, if it has the digest that it lies under.
func (r *Rebuilt) saveEvidence(from, to *bolt.Tx) error {
	evidence := from.Bucket(evidenceBucket)
	if evidence == nil {
		r.leaveOut("all evidence")
		return nil
	}
	return evidence.ForEach(func(sum, raw []byte) error {
		var e listing.Evidence
		bad := decodeJSON(sum, raw, &e)
		if have := e.Sum(); bad != nil || !bytes.Equal(have[:], sum) {
			r.leaveOut("evidence %x", sum)
			return nil
		}
		return to.Bucket(evidenceBucket).Put(sum, raw)
	})
}

// saveDone takes over the ids of requests that changed nothing. Those of the others
// are in the log.
func (r *Rebuilt) saveDone(from, to *bolt.Tx) error {
	byID, byAge := from.Bucket(doneBucket), from.Bucket(agedBucket)
	if byID == nil || byAge == nil {
		r.leaveOut("all remembered requests")
		return nil
	}
	return byAge.ForEach(func(age, _ []byte) error {
		id := age[min(len(age), 8):]
		d, err := decodeDone(byID.Get(id))
		switch {
		case err != nil || len(id) == 0:
			r.leaveOut("the remembered request %s", listing.Quote(string(id)))
			return nil
		case d.logged:
			return nil
		}
		return errors.Join(to.Bucket(doneBucket).Put(id, byID.Get(id)), to.Bucket(agedBucket).Put(age, nil))
	})
}

// behind opens the new list, proves it, and lets it go on behind what was served.
func behind(ctx context.Context, path string, served listing.Revision, h listing.Header) (next listing.Revision, err error) {
	d, err := Open(path, Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if _, err := d.Verify(ctx); err != nil {
		return 0, err
	}
	if _, err := d.SkipServed(ctx, served, h); err != nil {
		return 0, err
	}
	st, err := d.Status(ctx)
	return st.Head, err
}

// carryBase gives a new list what the log of the old one begins with, and the hashes
// of what was forgotten.
func carryBase(old, b *bolt.DB) error {
	return guarded(func() error {
		return old.View(func(from *bolt.Tx) error {
			s := &state{tx: from}
			next, err := s.beginWith(b)
			if err != nil || next == 1 {
				return err
			}
			return b.Update(func(to *bolt.Tx) error {
				kept, err := to.CreateBucket(baseBucket)
				if err == nil {
					err = copyBucket(from.Bucket(baseBucket), kept)
				}
				c := from.Bucket(logBucket).Cursor()
				for k, v := c.First(); k != nil && err == nil && bytes.Compare(k, revisionKey(next)) < 0; k, v = c.Next() {
					err = to.Bucket(logBucket).Put(k, v)
				}
				return err
			})
		})
	})
}
