package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// Verify walks the whole log and proves each record, and the deltas of each
// import, by the hash chain. It fails with listing.ErrCorrupt at the first
// revision that was altered, or before which one was left out or put in. It
// goes through the bytes as they are, in short transactions; changes that come
// meanwhile are looked at too. Then it checks what answers are made of.
func (d *DB) Verify(ctx context.Context) (listing.Verified, error) {
	return d.VerifyFrom(ctx, listing.Checkpoint{})
}

// VerifyFrom is Verify of what comes after a checkpoint, once the chain is found
// to lead there.
func (d *DB) VerifyFrom(ctx context.Context, from listing.Checkpoint) (listing.Verified, error) {
	v := listing.Verified{Head: from.Revision, Chain: from.Chain}
	w := walk{next: from.Revision + 1, head: from.Revision, chain: from.Chain}
	if from.Revision > 0 {
		if err := d.read(func(s *state) error { return s.leadsTo(from) }); err != nil {
			v.Broken = from.Revision
			return v, err
		}
	}
	for {
		if err := ctx.Err(); err != nil {
			return v, err
		}
		err := d.read(w.some)
		v.Head, v.Chain, v.Records = w.head, w.chain, w.records
		if err != nil {
			v.Broken = w.next
			return v, err
		}
		if w.ended {
			return v, d.read(func(s *state) error {
				v.Forgotten = s.forgotten()
				return errors.Join(s.checkBase(), s.checkServed())
			})
		}
	}
}

// checkServed proves by its sums what answers are made of, and that entries of
// this list's own are served as they are kept.
func (s *state) checkServed() error {
	err := s.served(func(listing.Served) bool { return true })
	if err == nil {
		_, err = allJSON[listing.Allow](s.tx.Bucket(allowsBucket))
	}
	if err == nil {
		_, err = allJSON[listing.Evidence](s.tx.Bucket(evidenceBucket))
	}
	if err == nil {
		err = s.servedAsKept()
	}
	if err == nil {
		return nil
	}
	return &listing.Error{Kind: listing.ErrCorrupt, Code: "damaged", Message: fmt.Sprintf("the chain holds, but what answers are made of does not: %v", err),
		Hint: "restore a backup; DNS goes on with what it has loaded"}
}

// servedAsKept compares entries with what is served of them, side by side.
func (s *state) servedAsKept() error {
	c, served := s.tx.Bucket(entriesBucket).Cursor(), s.tx.Bucket(servedBucket).Cursor()
	at, of := served.First()
	for k, v := c.First(); k != nil || at != nil; k, v = c.Next() {
		if !bytes.Equal(k, at) {
			return corruptf("an entry at %x is served, and one at %x is kept", at, k)
		}
		e, err := decodeEntry(k, v)
		if err != nil {
			return err
		}
		if !bytes.Equal(of, seal(k, encodeServed(&e))) {
			return corruptf("%s is not served as it is kept", e.Subject)
		}
		at, of = served.Next()
	}
	return nil
}

// leadsTo fails unless the chain goes through a checkpoint.
func (s *state) leadsTo(c listing.Checkpoint) error {
	k, v := s.tx.Bucket(logBucket).Cursor().Seek(revisionKey(c.Revision))
	is := s.head.chain // of a revision after the last record, up to the head
	if k != nil {
		if at, _, _ := cutRevision(k); at != c.Revision || len(v) < len(is) {
			return broken(c.Revision, "the checkpoint names a revision that has no record")
		}
		is = listing.Digest(v[:len(is)])
	}
	switch {
	case c.Revision > s.head.revision:
		return broken(c.Revision, fmt.Sprintf("the list ends at revision %d, before the checkpoint: something was cut off", s.head.revision))
	case is != c.Chain:
		return broken(c.Revision, "its hash is not that of the checkpoint: it, or one before it, is not as it was then")
	}
	return nil
}

// walk is where a verification stands.
type walk struct {
	next    listing.Revision // the first not yet looked at
	head    listing.Revision
	chain   listing.Digest
	records int
	ended   bool
}

// some looks at the next records.
func (w *walk) some(s *state) error {
	const atOnce = 4096
	forgotten := s.forgotten()
	c := s.tx.Bucket(logBucket).Cursor()
	k, v := c.Seek(revisionKey(w.next))
	for n := 0; k != nil && n < atOnce; n++ {
		revision, rest, ok := cutRevision(k)
		if !ok || len(rest) > 0 {
			return broken(w.next, "the log has a key that is no revision")
		}
		w.next = revision
		if revision <= forgotten && len(v) == len(w.chain) {
			w.chain = listing.Digest(v)
		} else if err := w.one(s, v); err != nil {
			return err
		} else {
			w.records++
		}
		w.next, w.head = revision+1, revision
		k, v = c.Next()
	}
	if k != nil {
		return nil
	}
	w.ended = true
	if w.chain != s.head.chain {
		w.next = s.head.revision
		return broken(w.next, "the log does not lead to the head of the chain")
	}
	w.head = s.head.revision
	return nil
}

// one proves a record: that it follows from the chain, and that it is the one its
// key says.
func (w *walk) one(s *state, value []byte) error {
	const size = len(listing.Digest{})
	if len(value) < size+9 {
		return broken(w.next, "its record is cut short")
	}
	stated, raw := listing.Digest(value[:size]), value[size:]
	if w.chain = listing.Link(w.chain, raw); w.chain != stated {
		return broken(w.next, "it, or one before it, is not as it was written")
	}
	if named, _, _ := cutRevision(raw); named != w.next {
		return broken(w.next, fmt.Sprintf("it is the record of revision %d", named))
	}
	if raw[8] != replaceForm {
		return nil
	}
	rec, err := decodeRecord(raw)
	if err != nil {
		return err
	}
	return w.deltas(s, rec)
}

// deltas proves what an import changed.
func (w *walk) deltas(s *state, rec *record) error {
	var b *bolt.Bucket
	if b = s.tx.Bucket(deltasBucket).Bucket([]byte(rec.deltas.source)); b == nil {
		return broken(w.next, "what it changed is not there")
	}
	h := sha256.New()
	for _, c := range rec.deltas.chunks() {
		c.raw = b.Get(c.key(rec.revision))
		h.Write(c.frame())
		h.Write(c.raw)
	}
	if listing.Digest(h.Sum(nil)) != rec.deltas.digest {
		return broken(w.next, "what it changed in source "+rec.deltas.source+" is not as it was written")
	}
	return nil
}

// broken is the error about the first revision that does not fit the chain.
func broken(at listing.Revision, what string) error {
	return &listing.Error{Kind: listing.ErrCorrupt, Code: "chain-broken",
		Message: fmt.Sprintf("the audit chain is broken at revision %d: %s", at, what),
		Hint:    "compare with a backup: everything before that revision still stands"}
}
