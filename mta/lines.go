package mta

import (
	"bytes"
	"errors"
	"io"
)

// lines splits what it reads into lines of at most MaxLine octets and skips longer ones. After
// io.EOF it goes on where more has been written.
type lines struct {
	src        io.Reader
	buf        []byte // MaxLine octets and a line end: full without one, the line is too long
	start, end int    // what was read and not yet returned
	searched   int    // up to where there is no line end
	used       int64  // octets that were returned or skipped
	whole      int64  // of these, in lines that have ended
	skipping   bool   // within a line that is too long
	tooLong    func() // called for each of these
}

func newLines(src io.Reader, tooLong func()) *lines {
	return &lines{src: src, buf: make([]byte, MaxLine+1), tooLong: tooLong}
}

// next returns a line without its end; it is good until the next call. A reader that gives nothing
// and no error, over and over, is an error.
func (l *lines) next() ([]byte, error) {
	for stuck := 0; stuck < 100; {
		if i := bytes.IndexByte(l.buf[l.searched:l.end], '\n'); i >= 0 {
			line := l.take(l.searched + i + 1)
			l.whole = l.used
			if !l.skipping {
				return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
			}
			l.skipping = false
			continue
		}
		l.searched = l.end
		n, err := l.fill()
		if n == 0 && err != nil {
			return nil, err
		}
		if n == 0 {
			stuck++
		}
	}
	return nil, io.ErrNoProgress
}

// fill reads more, and makes room before.
func (l *lines) fill() (int, error) {
	switch {
	case l.skipping:
		l.take(l.end)
	case l.end-l.start == len(l.buf):
		l.skipping = true
		l.tooLong()
		l.take(l.end)
	}
	if l.start > 0 {
		copy(l.buf, l.buf[l.start:l.end])
		l.start, l.end, l.searched = 0, l.end-l.start, l.searched-l.start
	}
	n, err := l.src.Read(l.buf[l.end:])
	l.end += n
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// take advances: it returns what comes before end and is done with it.
func (l *lines) take(end int) []byte {
	taken := l.buf[l.start:end]
	l.used += int64(len(taken))
	l.start, l.searched = end, end
	return taken
}

// rest returns what stands behind the last line end, as if it were a line.
func (l *lines) rest() []byte {
	rest := l.take(l.end)
	l.whole = l.used
	if l.skipping {
		rest, l.skipping = nil, false
	}
	return rest
}
