package sighting

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

// Facts are all that the counters know of an address or an IPv6 /64: what
// `blctl show`, eligibility and letters go by. Unless said otherwise they are
// of the last 30 days, late sessions included, exempt ones left out.
type Facts struct {
	Subject   listing.Subject `json:"prefix"`
	Sessions  int             `json:"sessions"`
	Bogus     int             `json:"bogus"`     // verdicts medium or strong
	Clean     int             `json:"clean"`     // verdicts ok
	Confirmed int             `json:"confirmed"` // of Clean, borne out by DNS
	Exempt    int             `json:"exempt"`    // not in Sessions

	LastBogus      time.Time `json:"last_bogus,omitzero"`
	LastClean      time.Time `json:"last_clean,omitzero"`
	ConfirmedSince int       `json:"confirmed_since"` // clean confirmed since LastBogus
	Mixed          int       `json:"mixed"`           // clean confirmed in the 24 hours before LastBogus
	Before         int       `json:"before"`          // sessions in the 24 hours before LastBogus

	Decisions []Decision       `json:"decisions"`         // as the thresholds stand
	Days      []DayCount       `json:"days"`              // oldest first, 30 of them
	HELOs     []HELOCount      `json:"helos"`             // the top five, most frequent first; of the whole /64
	Targets   []Target         `json:"targets,omitempty"` // of the whole /64
	Receivers []string         `json:"receivers"`         // that saw bogus sessions
	Samples   []listing.Sample `json:"samples"`           // newest first, 20 at the most
	Diagnosis Diagnosis        `json:"diagnosis"`
}

// DayCount is one UTC day.
type DayCount struct {
	Day    time.Time         `json:"day"` // its midnight
	Bogus  int               `json:"bogus"`
	Clean  int               `json:"clean"`
	Other  int               `json:"other"`           // notes and weak verdicts
	ByCode map[helo.Code]int `json:"codes,omitempty"` // exempt ones too
}

// HELOCount is one HELO string.
type HELOCount struct {
	HELO  string `json:"helo"` // escaped, at most 128 octets
	Count int    `json:"count"`
	Bogus int    `json:"bogus"`
}

// Target is what bogus greetings pretended to be.
type Target struct {
	Reason listing.Reason `json:"reason"`
	Text   string         `json:"text"` // escaped
}

// Facts looks at a subject: an address, or an IPv6 /64.
func (e *Engine) Facts(s listing.Subject) (Facts, error) {
	p, u, ok := placeOf(s)
	if !ok {
		return Facts{}, fmt.Errorf("sightings of %s: only addresses and IPv6 /64s are counted: %w", s.Text(), listing.ErrInvalid)
	}
	n, err := e.peek(p)
	if err != nil {
		return Facts{}, err
	}
	defer e.mu.Unlock()
	f := Facts{Subject: s}
	f.days(n, u, e.first())
	now := e.o.Now()
	h := n.health(u, 0, time.Time{}, func(c *cell) bool {
		return c.strength != helo.Exempt && !c.time().After(now) && !e.isNew(c)
	})
	f.LastBogus, f.LastClean = instant(h.last), instant(h.clean)
	f.Mixed, f.Before, f.ConfirmedSince = h.mixed, h.before, h.confirmed
	f.Decisions = Evaluate(n.counters(u, e.ends[p], e.counts), e.o.Thresholds, e.own.Receivers.sole(now, e.probation))
	f.HELOs, f.Targets, f.Samples = n.top(), n.targets(), n.evidence(u, 0)
	f.Receivers = e.bogusReceivers(n, u)
	f.Diagnosis = n.diagnose(u)
	return f, nil
}

// peek gives the counters of a place, with mu held unless it fails. Those that
// must be read are not kept: a look costs nobody's place in memory.
func (e *Engine) peek(p place) (*record, error) {
	e.mu.Lock()
	n := e.records[p]
	if n != nil {
		return n, nil
	}
	e.mu.Unlock()
	read, err := load(e.o.Archive, p, e.first())
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	if n = e.records[p]; n == nil {
		n = read
	}
	return n, nil
}

func instant(seconds int64) time.Time {
	if seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// days counts what each day had. Exempt sessions have no host: they are counted
// for every unit of the place.
func (f *Facts) days(n *record, u unit, first uint32) {
	for i := range uint32(keptDays) {
		f.Days = append(f.Days, DayCount{Day: time.Unix(int64(first+i)*secondsADay, 0).UTC(), ByCode: map[helo.Code]int{}})
	}
	for _, d := range n.days {
		if d.number < first || d.number >= first+keptDays {
			continue
		}
		for i := range d.cells {
			if c := &d.cells[i]; u.has(c) || c.strength == helo.Exempt {
				f.count(c, &f.Days[d.number-first])
			}
		}
	}
}

func (f *Facts) count(c *cell, day *DayCount) {
	k := int(c.n)
	day.ByCode[c.code.code()] += k
	if c.strength == helo.Exempt {
		f.Exempt += k
		return
	}
	f.Sessions += k
	switch {
	case c.bogus():
		f.Bogus += k
		day.Bogus += k
	case c.clean():
		f.Clean += k
		day.Clean += k
	default:
		day.Other += k
	}
	if c.confirmed() {
		f.Confirmed += k
	}
}

// top are the HELO strings said most often at a place.
func (n *record) top() []HELOCount {
	at := map[string]int{}
	var all []HELOCount
	for _, d := range n.days {
		for _, g := range d.greets {
			i, known := at[g.name]
			if !known {
				i = len(all)
				at[g.name] = i
				all = append(all, HELOCount{HELO: g.name})
			}
			all[i].Count += int(g.n)
			all[i].Bogus += int(g.bogus)
		}
	}
	slices.SortFunc(all, func(a, b HELOCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.HELO, b.HELO))
	})
	return all[:min(len(all), topGreetings)]
}

// targets are what bogus greetings of a place pretended to be, each once.
func (n *record) targets() []Target {
	var all []Target
	for _, d := range n.days {
		for _, t := range d.targets {
			if x := (Target{t.reason, t.text}); !slices.Contains(all, x) {
				all = append(all, x)
			}
		}
	}
	slices.SortFunc(all, func(a, b Target) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Text, b.Text))
	})
	return all
}

// bogusReceivers are the receivers that saw bogus sessions of a unit.
func (e *Engine) bogusReceivers(n *record, u unit) []string {
	var names []string
	for c := range n.cells() {
		if name := e.own.Receivers.name(c.receiver); c.bogus() && u.has(c) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
