package mta

import (
	"bytes"
	"slices"
	"strings"

	"dnsbld/listing/helo"
)

// Shape is a kind of line that a reader did not understand: how many there were, and the first of
// them.
type Shape struct {
	Shape  string `json:"shape"` // in words: what was wrong, or how the lines begin
	Count  int64  `json:"count"`
	Sample string `json:"sample"` // printable ASCII
}

// Limits of what is kept of lines that were not understood.
const (
	maxShapes   = 50
	otherShapes = "others"
	maxSample   = 400
	shapeWords  = 6
)

// unread counts lines that were not understood, by shape. Their number is bounded: beyond it there
// is one shape for all others.
type unread struct{ shapes []Shape }

// add counts a line. An empty shape is made of text.
func (u *unread) add(shape string, text, line []byte) {
	if shape == "" {
		shape = shapeOf(text)
	}
	i := slices.IndexFunc(u.shapes, func(s Shape) bool { return s.Shape == shape })
	if i < 0 && len(u.shapes) >= maxShapes {
		shape = otherShapes
		i = slices.IndexFunc(u.shapes, func(s Shape) bool { return s.Shape == shape })
	}
	if i < 0 {
		i = len(u.shapes)
		u.shapes = append(u.shapes, Shape{Shape: shape, Sample: helo.Escape(string(line), maxSample)})
	}
	u.shapes[i].Count++
}

// sorted are the shapes, the most frequent first.
func (u *unread) sorted() []Shape {
	list := slices.Clone(u.shapes)
	slices.SortStableFunc(list, func(a, b Shape) int { return int(b.Count - a.Count) })
	return list
}

// shapeOf is how a line begins, without what differs from line to line: a word with a digit, an @
// or a bracket becomes "*".
func shapeOf(text []byte) string {
	var words []string
	for word := range bytes.FieldsSeq(text[:min(len(text), 200)]) {
		if len(words) == shapeWords {
			break
		}
		if bytes.ContainsAny(word, `0123456789@<>[]()"\`) {
			word = []byte("*")
		}
		words = append(words, helo.Escape(string(word), 30))
	}
	return strings.Join(words, " ")
}
