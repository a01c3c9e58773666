package db

import (
	"context"
	"crypto/sha256"
	"fmt"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// Verified is what was found of the chain.
type Verified struct {
	Head    listing.Revision // the newest
	Chain   listing.Digest   // hash of the chain there
	Records int              // that were looked at
	Broken  listing.Revision // the first that is not as it was written; 0: none
}

// Verify walks the whole log and proves each record, and the deltas of each
// import, by the hash chain. It fails with listing.ErrCorrupt at the first
// revision that was altered, or before which one was left out or put in. It
// goes through the bytes as they are, in short transactions; changes that come
// meanwhile are looked at too.
func (d *DB) Verify(ctx context.Context) (Verified, error) {
	var v Verified
	for w := (walk{next: 1}); ; {
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
			return v, nil
		}
	}
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
	c := s.tx.Bucket(logBucket).Cursor()
	k, v := c.Seek(revisionKey(w.next))
	for n := 0; k != nil && n < atOnce; n++ {
		revision, rest, ok := cutRevision(k)
		if !ok || len(rest) > 0 {
			return broken(w.next, "the log has a key that is no revision")
		}
		w.next = revision
		if err := w.one(s, v); err != nil {
			return err
		}
		w.next, w.head = revision+1, revision
		w.records++
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

func broken(at listing.Revision, what string) error {
	return &listing.Error{Kind: listing.ErrCorrupt, Code: "chain-broken",
		Message: fmt.Sprintf("the audit chain is broken at revision %d: %s", at, what),
		Hint:    "compare with a backup: everything before that revision still stands"}
}
