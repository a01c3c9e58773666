package delist

import (
	"time"

	"dnsbld/listing/sighting"
)

// Traffic is how an address greeted in a stretch of time, exempt sessions left
// out.
type Traffic struct {
	From, To time.Time
	Sessions int         // all of them
	Clean    int         // greeted properly
	Bogus    int         // greeted in a way that can list
	HELOs    []HELOCount // the most frequent greetings, five at the most
	sighting.Account
}

// HELOCount is one greeting and how often it was heard.
type HELOCount struct {
	HELO     string // printable ASCII
	Sessions int
	Bogus    int // of them
}

// Others are the sessions that greeted in a way that is not quite right and does
// no harm.
func (t Traffic) Others() int { return max(0, t.Sessions-t.Clean-t.Bogus) }
