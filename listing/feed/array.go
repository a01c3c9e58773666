package feed

import (
	"bytes"
	"errors"
	"io"
)

// array takes a stream for a JSON array, if it begins like one: its values are
// then what next gives, however the array is broken into lines. That goes by
// brackets and quotes alone: whether a value is good JSON is for its reader to
// say.
func (l *lines) array() {
	const most = 512
	head, _ := l.r.Peek(most)
	if blanks := len(head) - len(bytes.TrimLeft(head, " \t\r\n")); blanks < len(head) && head[blanks] == '[' {
		_, _ = l.r.Discard(blanks + 1) // it was peeked at
		l.begun = 1 + bytes.Count(head[:blanks], []byte("\n"))
		l.isArray = true
	}
}

// nextValue is next for an array. The line of a value is the one that it begins
// in. An array that does not end is cut short.
func (l *lines) nextValue() (value []byte, tooLong bool, err error) {
	l.value = l.value[:0]
	depth, quoted, escaped := 0, false, false
	for {
		c, err := l.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil, false, io.ErrUnexpectedEOF
		case err != nil:
			return nil, false, err
		case !quoted && depth <= 0 && c == ']' && len(l.value) == 0: // what follows is lines again
			l.isArray, l.read = false, l.begun-1
			return l.next()
		case !quoted && depth <= 0 && (c == ']' || c == ',') && len(l.value) > 0:
			return l.value, tooLong, l.r.UnreadByte()
		}
		if c == '\n' {
			l.begun++
		}
		if len(l.value) == 0 {
			if bytes.IndexByte([]byte(" \t\r\n,"), c) >= 0 {
				continue
			}
			l.read = l.begun
		}
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '{' || c == '['):
			depth++
		case !quoted && (c == '}' || c == ']'):
			depth--
		}
		if tooLong = len(l.value) == MaxLine; !tooLong {
			l.value = append(l.value, c)
		}
	}
}
