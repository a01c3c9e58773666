package db

import (
	"encoding/binary"
	"fmt"
	"time"
	"unsafe"

	"dnsbld/listing"
)

// appendText appends a string with its length.
func appendText[T ~string | ~[]byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendTime appends an instant to the nanosecond; most are whole seconds and
// take five bytes, the zero time takes one. It is a varint: 0 for the zero time,
// else one more than twice the Unix seconds in zigzag, plus 1 if nanoseconds
// follow as another.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendUvarint(b, 0)
	}
	sec, nano := t.Unix(), uint64(t.Nanosecond())
	u := zigzag(sec) << 1
	if nano == 0 {
		return binary.AppendUvarint(b, u+1)
	}
	return binary.AppendUvarint(binary.AppendUvarint(b, u+2), nano)
}

// zigzag makes small numbers of either sign small ones without (as in protobuf).
func zigzag(n int64) uint64   { return uint64(n<<1) ^ uint64(n>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// reader takes apart what the append functions wrote. What is cut short or
// malformed is noticed once, by err at the end; until then zeros are read.
type reader struct {
	b     []byte
	bad   bool
	lasts bool // b stays while texts are used: they need no copy

	before // attributes that were read
}

// take cuts off n bytes; they alias the file.
func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return make([]byte, min(max(n, 0), 64)) // of the fixed lengths asked for
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

// uvarint reads a number; after one that is malformed there is nothing left.
func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads how many things follow, of at least one byte each.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n)
}

// rest is all that is left.
func (r *reader) rest() []byte { return r.take(len(r.b)) }

func (r *reader) bytes() []byte { return r.take(r.count()) }
func (r *reader) text() string  { return r.copied(r.bytes()) }

// copied is a text that was read.
func (r *reader) copied(b []byte) string {
	if r.lasts {
		return unsafe.String(unsafe.SliceData(b), len(b))
	}
	return string(b)
}

func (r *reader) time() time.Time {
	u := r.uvarint()
	if u == 0 {
		return time.Time{}
	}
	u--
	nano := uint64(0)
	if u&1 == 1 {
		nano = r.uvarint()
	}
	return time.Unix(unzigzag(u>>1), int64(nano)).UTC()
}

func (r *reader) digest() listing.Digest {
	return listing.Digest(r.take(len(listing.Digest{})))
}

// err says whether all of what was read was there, and no more.
func (r *reader) err(what string) error {
	if r.bad || len(r.b) > 0 {
		return corruptf("%s does not end where it should", what)
	}
	return nil
}

// corruptf says what is damaged. Only listing.ErrCorrupt makes a writer drop one
// request of a batch and a helper file begin again.
func corruptf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), listing.ErrCorrupt)
}
