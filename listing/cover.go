package listing

import (
	"slices"
	"sort"
)

// Cover is a set of subjects that is asked whether it covers others: sorted,
// none within another.
type Cover []Subject

// NewCover makes a Cover of subjects.
func NewCover(subjects ...Subject) Cover {
	subjects = slices.Clone(subjects)
	slices.SortFunc(subjects, Subject.Compare)
	var c Cover
	for _, s := range subjects {
		if len(c) == 0 || !c[len(c)-1].Covers(s) {
			c = append(c, s)
		}
	}
	return c
}

// Addresses is how many addresses are in the subjects, each counted once.
func (c Cover) Addresses() (n float64) {
	for _, s := range c {
		n += s.Addresses()
	}
	return n
}

// Covers reports whether one of the subjects covers all of s.
func (c Cover) Covers(s Subject) bool {
	n := sort.Search(len(c), func(n int) bool { return c[n].Compare(s) > 0 })
	return n > 0 && c[n-1].Covers(s)
}
