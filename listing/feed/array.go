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
	for in := (nesting{}); ; {
		c, err := l.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil, false, io.ErrUnexpectedEOF
		case err != nil:
			return nil, false, err
		case in.ends(c) && len(l.value) > 0:
			return l.value, tooLong, l.r.UnreadByte() // it is met again, before the next value
		case in.ends(c) && c == ']': // what follows is lines again
			l.isArray, l.read = false, l.begun-1
			return l.next()
		case c == '\n':
			l.begun++
		}
		if len(l.value) == 0 {
			if bytes.IndexByte([]byte(" \t\r\n,"), c) >= 0 {
				continue
			}
			l.read = l.begun
		}
		in.take(c)
		if tooLong = len(l.value) == MaxLine; !tooLong {
			l.value = append(l.value, c)
		}
	}
}

// nesting is how deep in brackets a JSON text is, and whether in a string (RFC
// 8259, sections 2 and 7).
type nesting struct {
	depth           int
	quoted, escaped bool
}

// ends reports whether an octet ends a value of the array itself.
func (n *nesting) ends(c byte) bool { return !n.quoted && n.depth <= 0 && (c == ']' || c == ',') }

func (n *nesting) take(c byte) {
	switch {
	case n.escaped:
		n.escaped = false
	case c == '"':
		n.quoted = !n.quoted
	case n.quoted:
		n.escaped = c == '\\'
	case c == '{' || c == '[':
		n.depth++
	case c == '}' || c == ']':
		n.depth--
	}
}
