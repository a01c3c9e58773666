package sighting

import (
	"time"

	"dnsbld/listing"
)

// Breaker is how the circuit breaker stands.
type Breaker struct {
	Open   bool      `json:"open"`            // automatic listing has stopped; collecting goes on
	Listed int       `json:"listed"`          // automatic listings in the present UTC hour
	Limit  int       `json:"limit"`           // at which it opens
	Median int       `json:"median"`          // an hour, of the last seven days
	Closes time.Time `json:"closes,omitzero"` // when listing goes on
}

// breaker counts automatic listings, and stops more than usual.
type breaker struct{ listing.Hourly }

// take counts one listing, unless the breaker is open.
func (b *breaker) take(now time.Time) bool {
	if !b.Fits(now, 1) {
		return false
	}
	b.Count++
	return true
}

// giveBack takes back what was taken for a listing that did not come about.
func (b *breaker) giveBack() { b.Count = max(0, b.Count-1) }

func (b *breaker) status(now time.Time) Breaker {
	b.Turn(now)
	s := Breaker{Listed: b.Count, Limit: b.Limit(), Median: b.Median()}
	if s.Open = s.Listed >= s.Limit; s.Open {
		s.Closes = nextHour(now)
	}
	return s
}

func nextHour(now time.Time) time.Time { return now.Truncate(time.Hour).Add(time.Hour) }
