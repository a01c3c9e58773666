package index

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
)

// forever stands for no end.
const forever = math.MaxUint32

// seconds is t in Unix seconds, 0 for the zero time alone.
func seconds(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	return uint32(min(max(t.Unix(), 1), forever-1))
}

// class is what entries of one source and reason share. Entries refer to it by
// number.
type class struct {
	end    uint32 // of the source; forever for this list's own
	source uint16 // row of the source
	reason listing.Reason
	free   bool // refers to nothing: the number may be given again
}

// own is the row of this list's own entries.
const own = 0

// source is a feed while it lasts. One that ends and comes again gets another
// row.
type source struct {
	name  string
	until uint32
	class [256]uint16 // by reason; 0: none yet
	texts texts       // of its entries
}

// classes is the table of classes and of the sources they belong to. Sets
// share one until it changes. Class 0 is never used.
type classes struct {
	rows    []class
	sources []*source         // immutable; nil: the row may be given again
	names   map[string]uint16 // row of each source
	free    []uint16          // numbers of rows that may be given again
	vacant  []uint16          // … and of sources
}

func newClasses() *classes {
	return &classes{rows: []class{{free: false}}, sources: []*source{{until: forever}}, names: map[string]uint16{"": own}}
}

func (t *classes) clone() *classes {
	return &classes{rows: slices.Clone(t.rows), sources: slices.Clone(t.sources), names: maps.Clone(t.names),
		free: slices.Clone(t.free), vacant: slices.Clone(t.vacant)}
}

var errClasses = errors.New("the list has more than 65,535 pairs of source and reason")

// addSource gives a source a row.
func (t *classes) addSource(name string, until uint32) (uint16, error) {
	row, ok := number(&t.vacant, &t.sources)
	if !ok {
		return 0, errClasses
	}
	name = strings.Clone(name) // a store may reuse what it yielded
	t.sources[row] = &source{name: name, until: until}
	t.names[name] = row
	return row, nil
}

// number is a row that may be given again, or a new one; ok is false if there are
// too many.
func number[T any](again *[]uint16, rows *[]T) (row uint16, ok bool) {
	if n := len(*again); n > 0 {
		row = (*again)[n-1]
		*again = (*again)[:n-1]
		return row, true
	}
	if len(*rows) > math.MaxUint16 {
		return 0, false
	}
	*rows = append(*rows, *new(T))
	return uint16(len(*rows) - 1), true
}

// setEnd gives a source another end.
func (t *classes) setEnd(row uint16, until uint32) {
	next := *t.sources[row]
	next.until = until
	t.sources[row] = &next
	for n := range t.rows {
		if c := &t.rows[n]; !c.free && c.source == row {
			c.end = until
		}
	}
}

// addClass gives a pair of source and reason a number.
func (t *classes) addClass(row uint16, reason listing.Reason) (uint16, error) {
	n, ok := number(&t.free, &t.rows)
	if !ok {
		return 0, errClasses
	}
	next := *t.sources[row]
	next.class[reason] = n
	t.sources[row] = &next
	t.rows[n] = class{end: next.until, source: row, reason: reason}
	return n, nil
}

// release makes the row of a source and its classes free. Nothing may refer to
// them any more.
func (t *classes) release(row uint16) {
	for n := range t.rows {
		if c := &t.rows[n]; c.source == row && n > 0 && !c.free {
			*c = class{free: true}
			t.free = append(t.free, uint16(n))
		}
	}
	t.sources[row] = nil
	t.vacant = append(t.vacant, row)
}
