// Package backup is what a backup says of itself, which is all that blctl needs
// to know of one that it has received; it stands apart from the engine (package
// db) for that.
//
// A backup is the file of the list as it stands at one revision, which can be
// opened as it is, and behind it a line that says what it is:
//
//	dnsbld-backup 1 BYTES SHA-256 REVISION:CHAIN
//
// BYTES is the length of what comes before the line, SHA-256 its sum, the rest
// the checkpoint of the list. The line has a fixed length, blanks before its end
// filling it up.
package backup

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"dnsbld/listing"
)

const trailerFormat = "dnsbld-backup 1 %d %s %s"

// Length of the last line, in octets.
const Length = 200

// Trailer is what a backup says of itself.
type Trailer struct {
	Bytes int64
	Sum   listing.Digest
	At    listing.Checkpoint
}

// Encode is the last line of a backup.
func (t Trailer) Encode() []byte {
	line := fmt.Appendf(nil, trailerFormat, t.Bytes, t.Sum, t.At)
	return append(append(line, bytes.Repeat([]byte{' '}, Length-1-len(line))...), '\n')
}

// Check proves that a file is a whole backup. It fails with
// listing.ErrInvalid for what is none, and with listing.ErrCorrupt for one that
// was cut short or altered.
func Check(path string) (Trailer, error) {
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

// Is reports whether a file ends as a backup does. It may be opened as a
// list, but whoever changes it spoils it as a backup.
func Is(path string) bool {
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
	if err != nil || !info.Mode().IsRegular() || info.Size() < Length {
		return t, none
	}
	line := make([]byte, Length)
	if _, err := f.ReadAt(line, info.Size()-Length); err != nil {
		return t, fmt.Errorf("reading the backup: %w", err)
	}
	var sum, at string
	if n, err := fmt.Sscanf(string(line), trailerFormat, &t.Bytes, &sum, &at); n != 3 || err != nil {
		return t, none
	}
	if t.Sum.UnmarshalText([]byte(sum)) != nil || (t.At.UnmarshalText([]byte(at)) != nil && !bytes.HasPrefix([]byte(at), []byte("0:"))) || t.Bytes != info.Size()-Length {
		return t, none
	}
	return t, nil
}
