package index

import (
	"fmt"

	"dnsbld/listing"
)

// FromSnapshot is the set of one snapshot of a store. Memory beyond the set's
// own stays small if Served comes in runs of rising addresses; any order is
// right.
func FromSnapshot(snap listing.Snapshot) (*Set, error) {
	b := newBuilder(NewSet())
	b.revision = snap.Revision()
	sources, err := snap.Sources()
	if err != nil {
		return nil, fmt.Errorf("reading sources: %w", err)
	}
	for _, s := range sources {
		b.putSource(s.Name, seconds(s.Until))
	}
	allows, err := snap.Allows()
	if err != nil {
		return nil, fmt.Errorf("reading allow entries: %w", err)
	}
	for _, a := range allows {
		b.putAllow(a)
	}
	for e, err := range snap.Served() {
		if err != nil {
			return nil, fmt.Errorf("reading entries: %w", err)
		}
		b.put(e)
	}
	return b.finish()
}
