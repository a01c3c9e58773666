package db

import (
	"context"
	"io"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// Backup writes the file as it stands at one revision, which it returns. What
// it writes can be opened as it is.
func (d *DB) Backup(ctx context.Context, to io.Writer) (revision listing.Revision, err error) {
	err = d.read(func(s *state) error {
		revision = s.head.revision
		_, err := s.tx.WriteTo(stopping{ctx, to})
		return err
	})
	return revision, err
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
	return guarded(func() error {
		return d.bolt.Update(func(tx *bolt.Tx) error {
			h, err := readHead(tx)
			if err != nil || revision <= h.revision {
				return err
			}
			h.revision = revision
			return tx.Bucket(metaBucket).Put(headKey, h.encode())
		})
	})
}
