package sighting

import (
	"time"

	"dnsbld/listing/helo"
)

// receivers numbers those that report, and knows when each did last.
type receivers struct {
	Names []string `json:"names"`           // the number is the position, from 1
	Last  []int64  `json:"last"`            // Unix seconds, by the engine's clock
	Since []int64  `json:"since,omitempty"` // when it was new; 0: accepted, or older than probation

	// The breaker of each receiver: how many were listed on its word alone, by
	// its number, in an hour.
	Hour   int64         `json:"hour,omitempty"`
	Listed map[uint8]int `json:"listed,omitempty"`
}

// takeAlone counts a listing that rests on one receiver alone, unless it has had
// as many as it may in this hour. Receiver 0 stands for several.
func (r *receivers) takeAlone(number uint8, now time.Time, limit int) bool {
	if hour := now.Unix() / 3600; r.Hour != hour || r.Listed == nil {
		r.Hour, r.Listed = hour, map[uint8]int{}
	}
	if number == 0 {
		return true
	}
	if r.Listed[number] >= limit {
		return false
	}
	r.Listed[number]++
	return true
}

// giveBack takes back what was taken for a listing that did not come about.
func (r *receivers) giveBack(number uint8) {
	if r.Listed[number] > 0 {
		r.Listed[number]--
	}
}

// listedAlone is how many that were in the present hour.
func (r *receivers) listedAlone(number uint8, now time.Time) int {
	if r.Hour != now.Unix()/3600 {
		return 0
	}
	return r.Listed[number]
}

// byReceiver says something of each receiver by its number; 0 stands for those
// that are too many to have one.
type byReceiver [256]bool

// number finds a receiver's number; 0 when there are too many.
func (r *receivers) number(alias string, now time.Time) uint8 {
	alias = helo.Escape(alias, maxAlias)
	if n := r.find(alias); n > 0 || len(r.Names) >= len(byReceiver{})-1 {
		return n
	}
	r.Names = append(r.Names, alias)
	r.Last = append(r.Last, 0)
	r.Since = append(r.Since, now.Unix())
	return uint8(len(r.Names))
}

// find is the number of an alias as it is kept; 0 if it is not known.
func (r *receivers) find(alias string) uint8 {
	for i, name := range r.Names {
		if name == alias {
			return uint8(i + 1)
		}
	}
	return 0
}

// reported takes note that a receiver told of a session at an instant.
func (r *receivers) reported(number uint8, at, now time.Time) {
	if at.After(now) {
		at = now
	}
	if number > 0 {
		r.Last[number-1] = max(r.Last[number-1], at.Unix())
	}
}

// onProbation are the receivers that have not reported for so long yet, and were not
// accepted.
func (r *receivers) onProbation(now time.Time, probation time.Duration) (on byReceiver) {
	for i, since := range r.Since {
		on[i+1] = since != 0 && now.Before(time.Unix(since, 0).Add(probation))
	}
	return on
}

// recent are the receivers with a session in the last seven days, but for some.
func (r *receivers) recent(now time.Time, without byReceiver) []string {
	var names []string
	for i, last := range r.Last {
		if last > now.Add(-soleSpan).Unix() && !without[i+1] {
			names = append(names, r.Names[i])
		}
	}
	return names
}

// sole reports whether thresholds that ask for several receivers cannot be met.
func (r *receivers) sole(now time.Time, without byReceiver) bool {
	return len(r.recent(now, without)) < 2
}

// name is the alias of a number; 0 stands for all that came after the 255th.
func (r *receivers) name(number uint8) string {
	if number == 0 || int(number) > len(r.Names) {
		return "another receiver"
	}
	return r.Names[number-1]
}
