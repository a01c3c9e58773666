package mirror

import (
	"context"
	"time"

	"dnsbld/listing/wildcard"
)

// Form is what a primary answers with.
type Form uint8

// Forms.
const (
	Whole   Form = iota // the zone
	Changed             // what changed since
	Current             // nothing did
)

// MostFixed is how many records a zone may have that are not of a list.
const MostFixed = 1000

// Copy is what came of a zone.
type Copy struct {
	Form
	Serial uint32
	List   *wildcard.Taken // the names that are the list's: all of them, or what changed of them
	Fixed  []string        // the other records, as lines of a zone file: all of them, or those that came
	Gone   []string        // those that went
	SOA    string
	TTL    uint32 // of what the list's names own; 0: there was nothing

	Refresh, Retry, Expire time.Duration
}

// Take asks the primary for the zone: with have, of a serial that is here, for what
// changed since, where the primary can tell. What comes is whole: it fails else.
type Take func(ctx context.Context, have *uint32) (*Copy, error)

func (f Form) String() string { return [...]string{"whole", "changed", "current"}[f] }
