package db

import (
	"encoding/binary"
	"encoding/json"

	"dnsbld/listing"
)

// A change is written as
//
//	kind · why · sides · the side before, if there is one · the side after
//
// in which an entry is packed (appendFull), a document has its name before its
// body, and the rare kinds are JSON. A change of the configuration has its hash
// in place of sides.

// Kinds of change as they are written.
const (
	entryKind = 1 + iota
	allowKind
	sourceKind
	configKind
	documentKind
)

// Flags of the sides that a change has.
const (
	hasBefore = 1 << iota
	hasAfter
)

func encodeChanges(b []byte, changes []listing.Change) (_ []byte, err error) {
	b = binary.AppendUvarint(b, uint64(len(changes)))
	for n := range changes {
		if b, err = encodeChange(b, &changes[n]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func encodeChange(b []byte, c *listing.Change) ([]byte, error) {
	kind := func(k byte) []byte { return appendText(append(b, k), c.Because) }
	switch c.Kind {
	case listing.EntryChange:
		return appendSides(kind(entryKind), c.Before, c.After, appendFull)
	case listing.AllowChange:
		return appendSides(kind(allowKind), c.AllowBefore, c.AllowAfter, appendJSON)
	case listing.SourceChange:
		return appendSides(kind(sourceKind), c.SourceBefore, c.SourceAfter, appendJSON)
	case listing.DocumentChange:
		return appendSides(kind(documentKind), c.DocumentBefore, c.DocumentAfter, appendDocument)
	}
	return appendText(kind(configKind), c.Config), nil
}

// appendSides writes which sides of a change there are, and then these.
func appendSides[T any](b []byte, before, after *T, side func([]byte, *T) ([]byte, error)) (_ []byte, err error) {
	sides := len(b)
	b = append(b, 0)
	if before != nil {
		b[sides] |= hasBefore
		if b, err = side(b, before); err != nil {
			return nil, err
		}
	}
	if after != nil {
		b[sides] |= hasAfter
		if b, err = side(b, after); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// sides reads what appendSides wrote.
func sides[T any](r *reader, side func(*reader) *T) (before, after *T) {
	which := r.byte()
	if which&hasBefore != 0 {
		before = side(r)
	}
	if which&hasAfter != 0 {
		after = side(r)
	}
	return before, after
}

// appendJSON writes what is rare enough for JSON.
func appendJSON[T any](b []byte, object *T) ([]byte, error) {
	raw, err := json.Marshal(object)
	return appendText(b, raw), err
}

func readJSON[T any](r *reader) *T {
	object := new(T)
	if json.Unmarshal(r.bytes(), object) != nil {
		r.bad = true
	}
	return object
}

func (r *reader) changes(revision listing.Revision, header *listing.Header) []listing.Change {
	changes := make([]listing.Change, r.count())
	for n := range changes {
		changes[n] = r.change()
		changes[n].Revision, changes[n].Header = revision, header
	}
	if len(changes) == 0 {
		r.bad = true // there is no record without
		return nil
	}
	changes[len(changes)-1].Last = true
	return changes
}

// change reads one change; a kind that is not known is damage, for a newer
// layout is refused when the file is opened.
func (r *reader) change() listing.Change {
	kind := r.byte()
	c := listing.Change{Because: listing.DelistReason(r.text())}
	switch kind {
	case entryKind:
		c.Kind = listing.EntryChange
		c.Before, c.After = sides(r, (*reader).full)
	case allowKind:
		c.Kind = listing.AllowChange
		c.AllowBefore, c.AllowAfter = sides(r, readJSON[listing.Allow])
	case sourceKind:
		c.Kind = listing.SourceChange
		c.SourceBefore, c.SourceAfter = sides(r, readJSON[listing.Source])
	case documentKind:
		c.Kind = listing.DocumentChange
		c.DocumentBefore, c.DocumentAfter = sides(r, (*reader).document)
	case configKind:
		c.Kind, c.Config = listing.ConfigChange, r.text()
	default:
		r.bad = true
	}
	return c
}
