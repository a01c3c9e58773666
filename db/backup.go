package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// A backup is the file as it stands at one revision, which can be opened as it
// is, and behind it a line that says what it is:
//
//	dnsbld-backup 1 BYTES SHA-256 REVISION:CHAIN
//
// BYTES is the length of what comes before the line, SHA-256 its sum, the rest
// the checkpoint of the list. The line has a fixed length, blanks before its end
// filling it up.
const (
	trailerFormat = "dnsbld-backup 1 %d %s %s"
	trailerLen    = 200
)

// Trailer is what a backup says of itself.
type Trailer struct {
	Bytes int64
	Sum   listing.Digest
	At    listing.Checkpoint
}

func (t Trailer) encode() []byte {
	line := fmt.Appendf(nil, trailerFormat, t.Bytes, t.Sum, t.At)
	return append(append(line, bytes.Repeat([]byte{' '}, trailerLen-1-len(line))...), '\n')
}

// Backup writes a backup of the file as it stands at one revision, which it
// returns.
func (d *DB) Backup(ctx context.Context, to io.Writer) (revision listing.Revision, err error) {
	var t Trailer
	sum := sha256.New()
	onBulkThread(func() {
		err = d.read(func(s *state) (err error) {
			t.At = listing.Checkpoint{Revision: s.head.revision, Chain: s.head.chain}
			t.Bytes, err = s.tx.WriteTo(io.MultiWriter(stopping{ctx, to}, sum))
			return err
		})
	})
	if err == nil {
		t.Sum = listing.Digest(sum.Sum(nil))
		_, err = to.Write(t.encode())
	}
	return t.At.Revision, err
}

// CheckBackup proves that a file is a whole backup. It fails with
// listing.ErrInvalid for what is none, and with listing.ErrCorrupt for one that
// was cut short or altered.
func CheckBackup(path string) (Trailer, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Trailer{}, &listing.Error{Kind: listing.ErrInvalid, Code: "no-file", Message: "there is no backup " + path, Hint: "give the path of a backup"}
	}
	if err != nil {
		return Trailer{}, fmt.Errorf("opening the backup: %w", err)
	}
	defer f.Close()
	t, err := readTrailer(f)
	if err != nil {
		return t, err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(f, t.Bytes)); err != nil {
		return t, fmt.Errorf("reading the backup: %w", err)
	}
	if listing.Digest(sum.Sum(nil)) != t.Sum {
		return t, &listing.Error{Kind: listing.ErrCorrupt, Code: "backup-altered", Message: path + " is not as it was written: its SHA-256 is another",
			Hint: "take another backup"}
	}
	return t, nil
}

// IsBackup reports whether a file ends as a backup does. It may be opened as a
// list, but whoever changes it spoils it as a backup.
func IsBackup(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = readTrailer(f)
	return err == nil
}

// readTrailer reads the last line and goes back to the start.
func readTrailer(f *os.File) (t Trailer, err error) {
	none := &listing.Error{Kind: listing.ErrInvalid, Code: "not-a-backup", Message: f.Name() + " is not a backup of dnsbld, or was cut short",
		Hint: "`blctl backup FILE` makes one"}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() < trailerLen {
		return t, none
	}
	line := make([]byte, trailerLen)
	if _, err := f.ReadAt(line, info.Size()-trailerLen); err != nil {
		return t, fmt.Errorf("reading the backup: %w", err)
	}
	var sum, at string
	if n, err := fmt.Sscanf(string(line), trailerFormat, &t.Bytes, &sum, &at); n != 3 || err != nil {
		return t, none
	}
	if t.Sum.UnmarshalText([]byte(sum)) != nil || (t.At.UnmarshalText([]byte(at)) != nil && !bytes.HasPrefix([]byte(at), []byte("0:"))) || t.Bytes != info.Size()-trailerLen {
		return t, none
	}
	return t, nil
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
