package sighting

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

// Stored is what an archive holds of one place.
type Stored struct{ n *record }

// Recall yields all that an archive holds, place by place.
func Recall(a Archive) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		for n, err := range records(a, []byte{placeKey}, func(place, uint32) bool { return true }) {
			if !yield(Stored{n}, err) {
				return
			}
		}
	}
}

// Simulated is a subject that would be listed under one set of thresholds.
type Simulated struct {
	Subject   listing.Subject `json:"prefix"`
	Reason    listing.Reason  `json:"reason"`
	At        time.Time       `json:"at"`        // when it would have been first
	Confirmed int             `json:"confirmed"` // its clean confirmed sessions
	Sentence  string          `json:"sentence"`
}

// Simulation is what other thresholds would have done.
type Simulation struct {
	Networks int         `json:"networks"`
	Kept     int         `json:"kept"`    // listed under both
	Added    []Simulated `json:"added"`   // listed under the other ones only
	Removed  []Simulated `json:"removed"` // listed under the present ones only
	Clean    int         `json:"clean"`   // of Added, those with clean confirmed sessions
}

// Simulate replays what is stored under the thresholds in force and under
// others: every window that ends at a bogus session is held against both.
// Delistings, the never-list and shadow reasons play no part. Times older than
// three days are known to the hour.
func Simulate(stored iter.Seq2[Stored, error], present, other Thresholds, sole bool) (Simulation, error) {
	s := Simulation{}
	for st, err := range stored {
		if err != nil {
			return s, err
		}
		s.Networks++
		before, after := st.n.replay(present, sole), st.n.replay(other, sole)
		for k, v := range after {
			if _, both := before[k]; both {
				s.Kept++
				continue
			}
			s.Added = append(s.Added, v)
			if v.Confirmed > 0 {
				s.Clean++
			}
		}
		for k, v := range before {
			if _, both := after[k]; !both {
				s.Removed = append(s.Removed, v)
			}
		}
	}
	for _, list := range [][]Simulated{s.Added, s.Removed} {
		slices.SortFunc(list, func(a, b Simulated) int {
			return cmp.Or(a.Subject.Compare(b.Subject), cmp.Compare(a.Reason, b.Reason))
		})
	}
	return s, nil
}

// replay finds what thresholds list of a place, and when first.
func (n *record) replay(ts Thresholds, sole bool) map[listing.Key]Simulated {
	listed := map[listing.Key]Simulated{}
	var counted []*cell
	for c := range n.cells() {
		if c.counted() {
			counted = append(counted, c)
		}
	}
	slices.SortStableFunc(counted, func(a, b *cell) int { return cmp.Compare(a.at, b.at) })
	start := 0
	for i, end := range counted {
		for counted[start].at <= end.at-windowSeconds {
			start++
		}
		r, bogus := ReasonOf(helo.Verdict{Code: end.code.code(), Strength: end.strength})
		if !bogus {
			continue
		}
		for j := i + 1; j < len(counted) && counted[j].at == end.at; j++ {
			i = j
		}
		n.held(listed, counted[start:i+1], end, r, ts, sole)
	}
	return listed
}

// held holds one window against the threshold for the reason of its last
// session, for the whole place and for the host of that session.
func (n *record) held(listed map[listing.Key]Simulated, in []*cell, end *cell, r listing.Reason, ts Thresholds, sole bool) {
	units := []unit{{host: end.host}}
	if n.place.six {
		units = []unit{{all: true}, {host: end.host}}
	}
	for _, u := range units {
		k := listing.Key{Subject: n.place.subject(u), Reason: r}
		if _, known := listed[k]; known {
			return
		}
		of := in
		if n.place.six && !u.all {
			of = slices.DeleteFunc(slices.Clone(in), func(c *cell) bool { return !u.has(c) })
		}
		c := Counters{Subject: k.Subject, End: end.time(), Reasons: map[listing.Reason]Tally{r: tally(of, r, nil)}}
		for _, d := range Evaluate(c, ts, sole) {
			if d.Crossed && (!u.all || d.Hosts >= offenders) {
				listed[k] = Simulated{k.Subject, r, d.Last, n.confirmed(u), d.Sentence}
				return
			}
		}
	}
}

func (n *record) confirmed(u unit) (total int) {
	for c := range n.cells() {
		if c.confirmed() && u.has(c) {
			total += int(c.n)
		}
	}
	return total
}
