package sighting

import (
	"slices"
	"time"
)

// Breaker is how the circuit breaker stands.
type Breaker struct {
	Open   bool      `json:"open"`            // automatic listing has stopped; collecting goes on
	Listed int       `json:"listed"`          // automatic listings in the present UTC hour
	Limit  int       `json:"limit"`           // at which it opens
	Median int       `json:"median"`          // an hour, of the last seven days
	Closes time.Time `json:"closes,omitzero"` // when listing goes on
}

// The breaker opens at breakerFactor times the median, never below breakerLeast
// an hour.
const (
	breakerFactor = 5
	breakerLeast  = 100
	breakerHours  = 7 * 24
)

// breaker counts automatic listings by UTC hour.
type breaker struct {
	Hour   int64             `json:"hour"`   // the present one
	Count  int               `json:"count"`  // of the present hour
	Before [breakerHours]int `json:"before"` // of the hours before, by hour modulo their number
}

// turn moves on to the hour of now.
func (b *breaker) turn(now time.Time) {
	hour := now.Unix() / 3600
	if b.Hour == 0 || hour-b.Hour > breakerHours {
		*b = breaker{Hour: hour}
	}
	for ; b.Hour < hour; b.Hour++ {
		b.Before[b.Hour%breakerHours] = b.Count
		b.Count = 0
	}
}

func (b *breaker) median() int {
	sorted := b.Before
	slices.Sort(sorted[:])
	return sorted[breakerHours/2]
}

func (b *breaker) limit() int { return max(breakerLeast, breakerFactor*b.median()) }

// take counts one listing, unless the breaker is open.
func (b *breaker) take(now time.Time) bool {
	b.turn(now)
	if b.Count >= b.limit() {
		return false
	}
	b.Count++
	return true
}

// giveBack takes back what was taken for a listing that did not come about.
func (b *breaker) giveBack() { b.Count = max(0, b.Count-1) }

func (b *breaker) status(now time.Time) Breaker {
	b.turn(now)
	s := Breaker{Listed: b.Count, Limit: b.limit(), Median: b.median()}
	if s.Open = s.Listed >= s.Limit; s.Open {
		s.Closes = nextHour(now)
	}
	return s
}

func nextHour(now time.Time) time.Time { return now.Truncate(time.Hour).Add(time.Hour) }
