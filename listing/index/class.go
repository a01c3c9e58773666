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
}

func newClasses() *classes {
	return &classes{rows: []class{{free: false}}, sources: []*source{{until: forever}}, names: map[string]uint16{"": own}}
}

func (t *classes) clone() *classes {
	return &classes{rows: slices.Clone(t.rows), sources: slices.Clone(t.sources), names: maps.Clone(t.names)}
}

var errClasses = errors.New("the list has more than 65,535 pairs of source and reason")

// addSource gives a source a row.
func (t *classes) addSource(name string, until uint32) (uint16, error) {
	row := slices.Index(t.sources, nil)
	if row < 0 {
		row = len(t.sources)
		t.sources = append(t.sources, nil)
	}
	if row > math.MaxUint16 {
		return 0, errClasses
	}
	name = strings.Clone(name) // a store may reuse what it yielded
	t.sources[row] = &source{name: name, until: until}
	t.names[name] = uint16(row)
	return uint16(row), nil
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
	number := slices.IndexFunc(t.rows, func(c class) bool { return c.free })
	if number < 0 {
		number = len(t.rows)
		t.rows = append(t.rows, class{})
	}
	if number > math.MaxUint16 {
		return 0, errClasses
	}
	next := *t.sources[row]
	next.class[reason] = uint16(number)
	t.sources[row] = &next
	t.rows[number] = class{end: next.until, source: row, reason: reason}
	return uint16(number), nil
}

// release makes the row of a source and its classes free. Nothing may refer to
// them any more.
func (t *classes) release(row uint16) {
	for n := range t.rows {
		if t.rows[n].source == row && n > 0 {
			t.rows[n] = class{free: true}
		}
	}
	t.sources[row] = nil
}
