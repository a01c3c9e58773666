package db

import (
	"bytes"
	"context"
	"encoding/json"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// putEvidence keeps what the request brought along and a change refers to.
func (w *writing) putEvidence(r *listing.Request, changes []listing.Change) error {
	var named map[listing.Digest]bool
	for _, e := range r.Edits {
		if e.Evidence == nil || len(e.Evidence.Samples) == 0 {
			continue
		}
		if named == nil {
			named = digests(changes)
		}
		sum := e.Evidence.Sum()
		if !named[sum] {
			continue
		}
		kept := listing.Evidence{Salt: e.Evidence.Salt, Samples: e.Evidence.Samples, Sessions: e.Evidence.Sessions}
		raw, err := json.Marshal(kept)
		if err != nil {
			return err
		}
		if err := w.putBeside(evidenceBucket, put{bytes.Clone(sum[:]), seal(sum[:], raw)}); err != nil {
			return err
		}
	}
	return nil
}

// digests are those that changes refer to.
func digests(changes []listing.Change) map[listing.Digest]bool {
	named := map[listing.Digest]bool{}
	for _, c := range changes {
		if c.After != nil {
			named[c.After.Evidence] = true
		}
	}
	return named
}

// EraseEvidence removes evidence for good. The changes that it led to keep its
// digest, so the chain still verifies. Its bytes may stand in free pages of
// the file until these are used again.
func (d *DB) EraseEvidence(ctx context.Context, digests ...listing.Digest) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.update(func(tx *bolt.Tx) error {
		for _, sum := range digests {
			gone := beside{evidenceBucket, put{key: sum[:]}}
			if err := gone.into(tx.Bucket(evidenceBucket)); err != nil {
				return err
			}
			d.journal.add(gone)
		}
		return nil
	})
}
