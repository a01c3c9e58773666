package mta

import (
	"bytes"
	"strconv"
)

// An entry of more than one line, or longer than 870 octets, comes from Exim by syslog in parts, each
// with its number and how many there are: "[1/3] …" if the entry was cut because it was too long, and
// "[1\3] …" if a line of it ends there (Exim's specification, chapter 53, "Logging to syslog"). A
// process writes the parts one after the other, and others may write between them.

// eximParts puts entries together.
type eximParts map[string]*eximPart

// eximPart is what there is of an entry.
type eximPart struct {
	text []byte
	next int // number of the part to come
}

// maxEximParts is how many entries may be incomplete. What is lost was cut off anyhow.
const maxEximParts = 100

// add takes the text of a line of a process. It returns the entry when it is whole. A part whose
// beginning is missing is not ok.
func (p eximParts) add(from, text []byte) (entry []byte, whole, ok bool) {
	number, total, line, rest, split := cutEximPart(text)
	if !split {
		return text, true, true
	}
	if number == 1 {
		if len(p) >= maxEximParts {
			clear(p)
		}
		p[string(from)] = &eximPart{next: 1}
	}
	one := p[string(from)]
	if one == nil || one.next != number || len(one.text)+len(rest) > MaxLine {
		delete(p, string(from))
		return nil, false, false
	}
	one.text, one.next = append(one.text, rest...), number+1
	if number < total {
		if line {
			one.text = append(one.text, '\n')
		}
		return nil, false, true
	}
	delete(p, string(from))
	return one.text, true, true
}

// cutEximPart reads "[NUMBER/TOTAL] " or "[NUMBER\TOTAL] ". A line ends with the part if it is a
// backslash.
func cutEximPart(text []byte) (number, total int, line bool, rest []byte, ok bool) {
	head, _, found := bytes.Cut(text[:min(len(text), 12)], []byte("] "))
	at := bytes.IndexAny(head, `/\`)
	if !found || at < 2 || head[0] != '[' {
		return 0, 0, false, nil, false
	}
	number, err := strconv.Atoi(string(head[1:at]))
	total, wrong := strconv.Atoi(string(head[at+1:]))
	ok = err == nil && wrong == nil && number >= 1 && number <= total && total > 1
	return number, total, head[at] == '\\', text[len(head)+2:], ok
}
