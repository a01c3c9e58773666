package removal

import "time"

// Stats are what waits at the desk, and how it did in the last 30 days. Its JSON form
// is that of `blctl ticket stats --json`.
type Stats struct {
	Open          int          `json:"open"`             // we must act
	Asked         int          `json:"asked"`            // the sender must
	OldestOpen    *time.Time   `json:"oldest_open"`      // since when the longest open ticket waits for us; nil: none waits
	Appeals       int          `json:"appeals"`          // of the open ones, for another person
	Decisions     map[Code]int `json:"decisions_30d"`    // about requests, those by rules too
	Errors        int          `json:"errors_30d"`       // listings ended as false-positive or our-error
	ErrorShare    float64      `json:"error_share_30d"`  // of the listings ended by request or by hand; 0 where there were none
	MedianRemoval *int64       `json:"median_removal_s"` // from the request to the end of the listing, in seconds; nil: none ended so
}

// Count takes in a ticket that is not over.
func (s *Stats) Count(t Ticket) {
	switch t.State {
	case Open:
		s.Open++
		if t.Appeal {
			s.Appeals++
		}
		if s.OldestOpen == nil || t.Changed.Before(*s.OldestOpen) {
			s.OldestOpen = &t.Changed
		}
	case Asked:
		s.Asked++
	}
}

// Took is how long it took from the request until the listing was ended.
func (t Ticket) Took() (time.Duration, bool) {
	for _, n := range t.Notes {
		if n.State == Granted {
			return n.Time.Sub(t.Opened), true
		}
	}
	return 0, false
}
