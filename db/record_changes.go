package db

import (
	"encoding/binary"
	"encoding/json"

	"dnsbld/listing"
)

// Kinds of change as they are written.
const (
	entryKind = 1 + iota
	allowKind
	sourceKind
	configKind
	paperKind
)

// Which sides of a change there are.
const (
	hasBefore = 1 << iota
	hasAfter
)

func sides(before, after bool) byte {
	b := byte(0)
	if before {
		b |= hasBefore
	}
	if after {
		b |= hasAfter
	}
	return b
}

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
	switch c.Kind {
	case listing.EntryChange:
		b = append(appendText(append(b, entryKind), c.Because), sides(c.Before != nil, c.After != nil))
		for _, e := range [...]*listing.Entry{c.Before, c.After} {
			if e != nil {
				b = encodeFull(b, e)
			}
		}
		return b, nil
	case listing.AllowChange:
		return encodeObjects(append(b, allowKind), c.Because, c.AllowBefore, c.AllowAfter)
	case listing.SourceChange:
		return encodeObjects(append(b, sourceKind), c.Because, c.SourceBefore, c.SourceAfter)
	case listing.DocumentChange:
		b = append(appendText(append(b, paperKind), c.Because), sides(c.DocumentBefore != nil, c.DocumentAfter != nil))
		for _, p := range [...]*listing.Document{c.DocumentBefore, c.DocumentAfter} {
			if p != nil {
				b = appendText(appendText(appendText(b, p.Kind), p.ID), encodePaper(p))
			}
		}
		return b, nil
	}
	return appendText(appendText(append(b, configKind), c.Because), c.Config), nil
}

// encodeObjects writes the two sides of a change that is rare enough for JSON.
func encodeObjects[T any](b []byte, because listing.DelistReason, before, after *T) ([]byte, error) {
	b = append(appendText(b, because), sides(before != nil, after != nil))
	for _, o := range [...]*T{before, after} {
		if o == nil {
			continue
		}
		raw, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		b = appendText(b, raw)
	}
	return b, nil
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

func (r *reader) change() listing.Change {
	kind, because := r.byte(), listing.DelistReason(r.text())
	c := listing.Change{Because: because}
	switch kind {
	case entryKind:
		c.Kind = listing.EntryChange
		which := r.byte()
		if which&hasBefore != 0 {
			e := r.full()
			c.Before = &e
		}
		if which&hasAfter != 0 {
			e := r.full()
			c.After = &e
		}
	case allowKind:
		c.Kind = listing.AllowChange
		c.AllowBefore, c.AllowAfter = objects[listing.Allow](r)
	case sourceKind:
		c.Kind = listing.SourceChange
		c.SourceBefore, c.SourceAfter = objects[listing.Source](r)
	case paperKind:
		c.Kind = listing.DocumentChange
		c.DocumentBefore, c.DocumentAfter = r.papers()
	case configKind:
		c.Kind, c.Config = listing.ConfigChange, r.text()
	default:
		r.bad = true
	}
	return c
}

func objects[T any](r *reader) (before, after *T) {
	which := r.byte()
	read := func(flag byte) *T {
		if which&flag == 0 {
			return nil
		}
		o := new(T)
		if json.Unmarshal(r.bytes(), o) != nil {
			r.bad = true
		}
		return o
	}
	before = read(hasBefore)
	return before, read(hasAfter)
}
