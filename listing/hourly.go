package listing

import (
	"slices"
	"time"
)

// Hourly counts what happens by UTC hour, and tells what is more than usual: more
// in an hour than five times the median hour of the last seven days, and than
// 100. Breakers go by it. It is kept as JSON by those who outlive a start.
type Hourly struct {
	Hour   int64           `json:"hour"`   // the present one, in hours since 1970; 0: nothing was counted yet
	Count  int             `json:"count"`  // of the present hour
	Before [usualHours]int `json:"before"` // of the hours before, by hour modulo their number
}

// Usual is usualFactor times the median, never below usualLeast an hour.
const (
	usualFactor = 5
	usualLeast  = 100
	usualHours  = 7 * 24
)

// Turn moves on to the hour of now. A clock that went back stays in the hour it
// was in: nothing is counted twice.
func (h *Hourly) Turn(now time.Time) {
	hour := now.Unix() / 3600
	if h.Hour == 0 || hour-h.Hour > usualHours {
		*h = Hourly{Hour: hour}
	}
	for ; h.Hour < hour; h.Hour++ {
		h.Before[h.Hour%usualHours] = h.Count
		h.Count = 0
	}
}

// Median is that of the hours before.
func (h *Hourly) Median() int {
	sorted := h.Before
	slices.Sort(sorted[:])
	return sorted[usualHours/2]
}

// Limit is how many of one hour are no more than usual.
func (h *Hourly) Limit() int { return max(usualLeast, usualFactor*h.Median()) }

// Fits reports whether n more are no more than usual.
func (h *Hourly) Fits(now time.Time, n int) bool {
	h.Turn(now)
	return h.Count+n <= h.Limit()
}
