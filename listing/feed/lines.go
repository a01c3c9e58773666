package feed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// MaxLine is how many octets a line may have, its end not counted.
const MaxLine = 64 << 10

// lines splits a stream into lines and holds no more than one of them.
type lines struct {
	r    *bufio.Reader
	read int  // lines so far
	cut  bool // the last line has no end

	isArray bool   // of the values of a JSON array (array.go)
	begun   int    // its lines
	value   []byte // its value
}

func newLines(r io.Reader) *lines {
	const end = len("\r\n")
	return &lines{r: bufio.NewReaderSize(r, MaxLine+end)}
}

// next is the next line without its end, good until the next call. A line that
// is too long is skipped; what is returned is its beginning. io.EOF ends.
func (l *lines) next() (line []byte, tooLong bool, err error) {
	if l.isArray {
		return l.nextValue()
	}
	line, err = l.r.ReadSlice('\n')
	switch {
	case err == nil:
		line = line[:len(line)-1]
	case errors.Is(err, bufio.ErrBufferFull):
		tooLong = true
		const shown = 256
		line = bytes.Clone(line[:shown])
		if err = l.skip(); err != nil {
			return line, true, err
		}
	case errors.Is(err, io.EOF) && len(line) > 0:
		l.cut = true
	default:
		return nil, false, err
	}
	l.read++
	line = bytes.TrimSuffix(line, []byte{'\r'})
	return line, tooLong || len(line) > MaxLine, nil
}

// skip reads to the end of the line and keeps nothing.
func (l *lines) skip() error {
	for {
		_, err := l.r.ReadSlice('\n')
		switch {
		case err == nil || errors.Is(err, io.EOF):
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}
