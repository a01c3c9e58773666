package db

import (
	"bytes"
	"cmp"
	"slices"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// The history of a subject is found in two ways. Of this list's own entries
// the bucket "history" has, by subject and revision, the numbers of the changes
// in the record, one varint each. Of sources the deltas are searched where they
// lie, which keep the revisions of a /8 together. Nothing but what was found is
// read from the log.

// hit is a change that a history has, found and not yet read.
type hit struct {
	revision listing.Revision
	order    int        // within the revision
	change   int        // number in the record, or −1 for an entry of a source
	step     transition // of such an entry
	subject  listing.Subject
}

// history gives the changes of entries and allow entries at exactly a subject,
// those of sources too, and the end of a source while it had such an entry.
func (s *state) history(subject listing.Subject, yield func(listing.Change) bool) error {
	if checkSubject(subject) != nil {
		return nil
	}
	hits, err := s.ownHits(subject)
	if err != nil {
		return err
	}
	deltas := s.tx.Bucket(deltasBucket)
	names := deltas.Cursor()
	for name, _ := names.First(); name != nil; name, _ = names.Next() {
		found, err := s.sourceHits(deltas.Bucket(name), string(name), subject)
		if err != nil {
			return err
		}
		hits = append(hits, found...)
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.revision, b.revision), a.order-b.order)
	})
	return s.readHits(hits, yield)
}

// ownHits looks into the index of this list's own changes.
func (s *state) ownHits(subject listing.Subject) (hits []hit, err error) {
	prefix := subjectKey(subject)
	c := s.tx.Bucket(historyBucket).Cursor()
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
		revision, rest, ok := cutRevision(k[len(prefix):])
		if !ok || len(rest) > 0 {
			return nil, corruptf("history of %s", subject)
		}
		r := reader{b: v}
		for len(r.b) > 0 && !r.bad {
			n := int(r.uvarint())
			hits = append(hits, hit{revision: revision, order: n, change: n})
		}
		if err := r.err("history of " + subject.String()); err != nil {
			return nil, err
		}
	}
	return hits, nil
}

// sourceHits looks through the deltas of one source where they lie.
func (s *state) sourceHits(b *bolt.Bucket, name string, subject listing.Subject) (hits []hit, err error) {
	if b == nil {
		return nil, corruptf("deltas of source %s", name)
	}
	of, prefix := chunk{class: wideClass}, []byte{wideClass}
	if isHost4(subject) {
		top := byte(subject.V4() >> 24)
		of, prefix = chunk{class: hostClass, part: int(top)}, []byte{hostClass, top}
	}
	c := b.Cursor()
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
		d, err := of.open(v)
		if err != nil {
			return nil, err
		}
		revision, _, _ := cutRevision(k[len(prefix):])
		from, to := d.find(subject)
		for n := from; n < to; n++ {
			_, step, err := d.item(n)
			if err != nil {
				return nil, err
			}
			hits = append(hits, hit{revision: revision, order: sourceOrder + n, change: -1, step: step, subject: subject})
		}
	}
	had, err := s.hadThen(name, subject)
	if err != nil || (len(hits) == 0 && had == 0) {
		return nil, err
	}
	return withEnds(c, hits, name, had)
}

// sourceOrder puts entries after the changes of their source.
const sourceOrder = 1 << 20

// withEnds puts in the ends of the source that ended an entry. An end lists no
// entries, however many it ended, so it counts for a subject only while the
// source had an entry there: had are those from before what is kept.
func withEnds(c *bolt.Cursor, hits []hit, name string, had int) ([]hit, error) {
	var all []hit
	alive, next := had, 0 // entries that the source has there, and the first hit not yet taken in
	upTo := func(revision listing.Revision) {
		for ; next < len(hits) && hits[next].revision < revision; next++ {
			all = append(all, hits[next])
			alive += btoi(hits[next].step.hasAfter) - btoi(hits[next].step.hasBefore)
		}
	}
	for k, v := c.Seek([]byte{endClass}); bytes.HasPrefix(k, []byte{endClass}); k, v = c.Next() {
		revision, _, _ := cutRevision(k[1:])
		r := reader{b: v}
		n := int(r.uvarint())
		if err := r.err("end of source " + name); err != nil {
			return nil, err
		}
		upTo(revision)
		if alive > 0 {
			all = append(all, hit{revision: revision, order: n, change: n})
		}
		alive = 0
	}
	upTo(1<<64 - 1)
	return all, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// recentRecords is how many records are kept while histories are read: what
// was done to many addresses at once lies in few records, which are long.
const recentRecords = 8

// recent is a record that was perhaps read a moment ago.
func (s *state) recent(revision listing.Revision) (*record, error) {
	for _, rec := range s.read {
		if rec.revision == revision {
			return rec, nil
		}
	}
	rec, err := s.record(revision)
	if err != nil {
		return nil, err
	}
	if len(s.read) == recentRecords {
		s.read = append(s.read[:0], s.read[1:]...)
	}
	s.read = append(s.read, rec)
	return rec, nil
}

// readHits reads the changes that were found.
func (s *state) readHits(hits []hit, yield func(listing.Change) bool) error {
	var rec *record
	for n := range hits {
		h := &hits[n]
		if rec == nil || rec.revision != h.revision {
			var err error
			if rec, err = s.recent(h.revision); err != nil {
				return err
			}
		}
		c, err := h.read(rec)
		c.Last = false // a history has not all of a revision
		if err != nil || !yield(c) {
			return err
		}
	}
	return nil
}

func (h *hit) read(rec *record) (listing.Change, error) {
	changes := rec.verdict.Changes
	switch {
	case h.change >= len(changes):
		return listing.Change{}, corruptf("change %d of revision %d", h.change, h.revision)
	case h.change >= 0:
		return changes[h.change], nil
	}
	from := rec.slab(1)
	if from.after == nil {
		return listing.Change{}, corruptf("import at revision %d", h.revision)
	}
	return from.change(h.subject, &h.step), nil
}
