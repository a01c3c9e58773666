package db

import (
	"context"
	"crypto/sha256"
	"io"

	"dnsbld/db/backup"
	"dnsbld/listing"
	"dnsbld/nice"

	bolt "go.etcd.io/bbolt"
)

// Backup writes a backup of the file as it stands at one revision, which it
// returns.
func (d *DB) Backup(ctx context.Context, to io.Writer) (revision listing.Revision, err error) {
	var t backup.Trailer
	sum := sha256.New()
	nice.Do(func() {
		err = d.read(func(s *state) (err error) {
			t.At = listing.Checkpoint{Revision: s.head.revision, Chain: s.head.chain}
			t.Bytes, err = s.tx.WriteTo(io.MultiWriter(stopping{ctx, to}, sum))
			return err
		})
	})
	if err == nil {
		t.Sum = listing.Digest(sum.Sum(nil))
		_, err = to.Write(t.Encode())
	}
	return t.At.Revision, err
}

// stopping is a writer that fails when ctx is done.
type stopping struct {
	ctx context.Context
	to  io.Writer
}

func (s stopping) Write(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.to.Write(b)
}

// Skip makes the next revision come after one that was given out already: a
// restored file must not use revisions again. It is for a file that nobody
// follows. A revision that is not ahead changes nothing.
func (d *DB) Skip(ctx context.Context, revision listing.Revision) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.update(func(tx *bolt.Tx) error {
		h, err := readHead(tx)
		if err != nil || revision <= h.revision {
			return err
		}
		h.revision = revision
		return tx.Bucket(metaBucket).Put(headKey, h.encode())
	})
}

// SkipServed makes the list go on behind what was served from another state of
// it, and puts that on record. Revisions given out in the last moment are not
// yet marked, so there is a margin; serials are compared by sequence space
// (RFC 1982), in which it is nothing. A list that is not behind is left alone.
func (d *DB) SkipServed(ctx context.Context, served listing.Revision, h listing.Header) (skipped bool, err error) {
	const margin = 100_000
	st, err := d.Status(ctx)
	if err != nil || served <= st.Head {
		return false, err
	}
	if err := d.Skip(ctx, served+margin); err != nil {
		return false, err
	}
	_, err = d.Apply(ctx, listing.Request{Header: h, Edits: []listing.Edit{{Op: listing.OpConfigure, Config: "restored from " + st.Chain.String()}}})
	return true, err
}
