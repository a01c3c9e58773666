package sighting

import (
	"time"

	"dnsbld/listing/helo"
)

// receivers numbers those that report, and knows when each did last.
type receivers struct {
	Names []string `json:"names"` // the number is the position, from 1
	Last  []int64  `json:"last"`  // Unix seconds, by the engine's clock
}

// number finds a receiver's number; 0 when there are too many.
func (r *receivers) number(alias string) uint8 {
	alias = helo.Escape(alias, maxAlias)
	for i, name := range r.Names {
		if name == alias {
			return uint8(i + 1)
		}
	}
	if len(r.Names) >= 255 {
		return 0
	}
	r.Names = append(r.Names, alias)
	r.Last = append(r.Last, 0)
	return uint8(len(r.Names))
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

// recent are the receivers with a session in the last seven days.
func (r *receivers) recent(now time.Time) []string {
	var names []string
	for i, last := range r.Last {
		if last > now.Add(-soleSpan).Unix() {
			names = append(names, r.Names[i])
		}
	}
	return names
}

// sole reports whether thresholds that ask for several receivers cannot be met.
func (r *receivers) sole(now time.Time) bool { return len(r.recent(now)) < 2 }

// name is the alias of a number; 0 stands for all that came after the 255th.
func (r *receivers) name(number uint8) string {
	if number == 0 || int(number) > len(r.Names) {
		return "another receiver"
	}
	return r.Names[number-1]
}
