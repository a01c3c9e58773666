package sighting

import (
	"maps"
	"slices"
	"time"

	"dnsbld/listing"
)

// Found is a decision about a subject.
type Found struct {
	Subject listing.Subject `json:"prefix"`
	Decision
}

// maxShadows is how many decisions for shadow reasons are remembered.
const maxShadows = 10_000

// shadow takes note of a decision for a shadow reason.
func (j *judging) shadow(k listing.Key, d Decision) {
	if _, known := j.shadows[k]; known || len(j.shadows) < maxShadows {
		j.shadows[k] = Found{k.Subject, d}
	}
}

// shadowed reports whether a host or its /64 is found against a shadow reason.
func (e *Engine) shadowed(p place, host uint64) bool {
	if len(e.shadows) == 0 {
		return false
	}
	for r := listing.Rotating; r <= listing.RcptBogus; r++ {
		for _, u := range []unit{{host: host}, {all: p.six}} {
			if _, found := e.shadows[listing.Key{Subject: p.subject(u), Reason: r}]; found {
				return true
			}
		}
	}
	return false
}

// tidy lets go, once an hour, of what has no effect any more.
func (e *Engine) tidy(now time.Time) {
	if now.Before(e.tidied) {
		return
	}
	e.tidied = nextHour(now)
	clear(e.deferred)
	for k, edit := range e.inFlight {
		if now.Sub(edit.at) >= patience {
			delete(e.inFlight, k)
		}
	}
	for k, f := range e.shadows {
		if now.Sub(f.Last) > countable {
			delete(e.shadows, k)
		}
	}
	maps.DeleteFunc(e.withheld, func(_ listing.Key, w Withheld) bool { return now.Sub(w.Last) > countable })
	for p, es := range e.ends {
		if !slices.ContainsFunc(es, func(o ending) bool { return now.Sub(o.at) <= window+countable }) {
			delete(e.ends, p)
		}
	}
}
