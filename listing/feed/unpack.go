package feed

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"dnsbld/listing"
)

// packed are beginnings of files that hold a list, but packed or encoded in a
// way that is not undone here, and the command that undoes it, under the name
// by which the words for people know it (listing.Error.Names).
var packed = []struct{ magic, what, name, command string }{
	{"PK\x03\x04", "a zip archive", "UNPACK", "unzip -p FILE"},
	{"BZh", "compressed with bzip2", "UNPACK", "bzcat FILE"},
	{"\xfd7zXZ\x00", "compressed with xz", "UNPACK", "xzcat FILE"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd", "UNPACK", "zstdcat FILE"},
	{"\xff\xfe", "in UTF-16", "CONVERT", "iconv -f UTF-16 -t UTF-8 FILE"},
	{"\xfe\xff", "in UTF-16", "CONVERT", "iconv -f UTF-16 -t UTF-8 FILE"},
}

// unpack undoes gzip (RFC 1952), which is recognised by how it begins, and
// skips a byte order mark.
func unpack(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, explain(err, 0)
	}
	if string(head) == "\x1f\x8b" {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, explain(err, 0)
		}
		b = bufio.NewReaderSize(&once{r: z}, 64<<10)
	}
	head, err = b.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, explain(err, 0)
	}
	for _, p := range packed {
		if bytes.HasPrefix(head, []byte(p.magic)) {
			return nil, &listing.Error{Kind: listing.ErrInvalid, Code: "not-text", Message: "the file is " + p.what,
				Names: map[string]string{p.name: p.command}}
		}
	}
	if bytes.HasPrefix(head, []byte("\ufeff")) {
		_, err = b.Discard(len("\ufeff"))
		return b, err
	}
	return b, nil
}

// once keeps the error of a broken gzip stream: reading on is of no use.
type once struct {
	r   io.Reader
	err error
}

func (o *once) Read(p []byte) (n int, err error) {
	if o.err == nil {
		n, o.err = o.r.Read(p)
	}
	return n, o.err
}

// explain says what is wrong with a file that cannot be read to its end.
func explain(err error, line int) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &listing.Error{Kind: listing.ErrInvalid, Code: "truncated",
			Message: fmt.Sprintf("the file is cut short after line %d", line),
			Hint:    "fetch it again"}
	case errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || isCorrupt(err):
		return &listing.Error{Kind: listing.ErrInvalid, Code: "damaged",
			Message: fmt.Sprintf("the file is damaged after line %d: its compression cannot be undone", line),
			Hint:    "fetch it again"}
	}
	return fmt.Errorf("reading after line %d: %w", line, err)
}

func isCorrupt(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt)
}
