package sighting

import (
	"time"

	"dnsbld/listing"
)

// maxBatch is how many edits are given at once: one request of the Book.
const maxBatch = listing.MaxEdits / 4

// maxLooks is how many places are looked at in one go: nothing is counted
// meanwhile.
const maxLooks = 2000

// offenders is how many addresses of an IPv6 /64 must offend for it to be
// judged as a whole.
const offenders = 3

// inFlight is how long an edit that was given is waited for to show.
const inFlight = 30 * time.Second

// Edits gives what is to be done to the list now, to be sent through
// [listing.Book.Do]: listings, extensions, and ends of what has healed. Each is
// given once, and expects the list as Changed told of it; what fails must be
// reported with Failed. If more is due than fits, Wake has a value again.
//
// Ended is called while the engine is locked: it must not call the engine.
func (e *Engine) Edits() ([]listing.Edit, error) {
	edits, _, err := e.someEdits()
	return edits, err
}

func (e *Engine) someEdits() (edits []listing.Edit, more bool, err error) {
	now := e.o.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tidy(now)
	for {
		a, ok := e.agenda.next(now)
		if !ok {
			break
		}
		e.plan(a.place, a.host)
	}
	looks := 0
	for p, hosts := range e.due {
		if looks++; looks > maxLooks || len(edits) >= maxBatch {
			e.notify()
			return edits, true, nil
		}
		delete(e.due, p)
		judged, err := e.judge(p, hosts, now)
		edits = append(edits, judged...)
		if err != nil {
			e.agenda.addAll(now.Add(time.Second), p, append(hosts, manyHosts))
			return edits, true, err
		}
	}
	return edits, false, nil
}

// Failed tells that edits could not be made. They are decided anew in a second.
func (e *Engine) Failed(edits []listing.Edit) {
	now := e.o.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, edit := range edits {
		p, u, ok := placeOf(edit.Key.Subject)
		if !ok {
			continue
		}
		delete(e.pending, edit.Key)
		e.agenda.add(now.Add(time.Second), p, u.host)
		if edit.Op == listing.OpList && edit.Note != "" { // a new listing
			e.own.Breaker.giveBack()
		}
	}
}

// judge decides about the units of a place that have had sessions.
func (e *Engine) judge(p place, hosts []uint64, now time.Time) ([]listing.Edit, error) {
	_, known := e.networks[p]
	n, err := e.network(p)
	if err != nil {
		return nil, err
	}
	if !known {
		e.settle(n)
	}
	j := &judging{Engine: e, n: n, now: now, rules: e.o.Rules()}
	units := make([]unit, 0, len(hosts)+1)
	units = append(units, unit{all: p.six}) // IPv4 has no other
	for _, h := range hosts {
		units = append(units, unit{host: h})
	}
	for _, u := range units {
		j.standing(u)
		if err := j.thresholds(u); err != nil {
			return j.edits, err
		}
	}
	return j.edits, nil
}
