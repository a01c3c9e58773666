package sighting

import (
	"iter"
	"time"

	"dnsbld/listing"
)

// maxBatch is how many edits are given at once: one request of the Book.
const maxBatch = listing.MaxEdits / 4

// maxLooks is how many places are looked at in one go.
const maxLooks = 2000

// offenders is how many addresses of an IPv6 /64 must offend for it to be
// judged as a whole.
const offenders = 3

// asked is an edit that was given.
type asked struct {
	at    time.Time
	alone uint8 // of a new listing, the receiver that it rests on; 0: several
}

// patience is how long an edit that was given is waited for to show.
const patience = 30 * time.Second

// Edits gives what is to be done to the list now, to be sent through
// [listing.Book.Do]: listings, extensions, and ends of what has healed. Each is
// given once, and expects the list as Changed told of it; what fails must be
// reported with Failed. If more is due than fits, Wake has a value again.
//
// Ended and the archive are asked without a lock: they may take their time.
func (e *Engine) Edits() ([]listing.Edit, error) {
	edits, _, err := e.someEdits()
	return edits, err
}

// look is a place to be looked at, and which of its hosts besides the whole.
type look struct {
	place
	hosts []uint64
}

func (l *look) units() []unit {
	units := []unit{{all: l.six}} // IPv4 has no other
	for _, h := range l.hosts {
		units = append(units, unit{host: h})
	}
	return units
}

func (e *Engine) someEdits() (edits []listing.Edit, more bool, err error) {
	now := e.o.Now()
	if err := e.reconsider(now); err != nil {
		return nil, true, err
	}
	for looks := range e.nextLooks(now) {
		judged, err := e.judge(looks, now)
		if edits = append(edits, judged...); err != nil {
			e.mu.Lock()
			e.schedule.addAll(now.Add(time.Second), looks.place, append(looks.hosts, manyHosts))
			e.mu.Unlock()
			return edits, true, err
		}
		if len(edits) >= maxBatch {
			break
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if more = len(e.due) > 0; more {
		e.notify()
	}
	return edits, more, nil
}

// nextLooks yields what is due at an instant, as far as it is looked at in one
// go.
func (e *Engine) nextLooks(now time.Time) iter.Seq[look] {
	e.mu.Lock()
	e.tidy(now)
	for a, ok := e.schedule.next(now); ok; a, ok = e.schedule.next(now) {
		e.plan(a.place, a.host)
	}
	e.mu.Unlock()
	next := func() (l look, ok bool) {
		e.mu.Lock()
		defer e.mu.Unlock()
		for p, hosts := range e.due {
			delete(e.due, p)
			return look{p, hosts}, true
		}
		return look{}, false
	}
	return func(yield func(look) bool) {
		for range maxLooks {
			if l, ok := next(); !ok || !yield(l) {
				return
			}
		}
	}
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
		if edit.Op == listing.OpList && edit.Note != "" { // a new listing
			e.own.Breaker.giveBack()
			e.own.Receivers.giveBack(e.inFlight[edit.Key].alone)
		}
		delete(e.inFlight, edit.Key)
		e.schedule.add(now.Add(time.Second), p, u.host)
	}
}

// judge decides about the units of a place that have had sessions.
func (e *Engine) judge(l look, now time.Time) ([]listing.Edit, error) {
	j, err := e.newJudging(l.place, now)
	if err != nil {
		return nil, err
	}
	if keys := j.questions(l.units()); len(keys) > 0 {
		e.mu.Unlock()
		ends := map[listing.Key]time.Time{}
		for _, k := range keys {
			if ends[k], err = e.o.Ended(k); err != nil {
				return nil, err
			}
		}
		if j, err = e.newJudging(l.place, now); err != nil {
			return nil, err
		}
		j.answers(ends)
	}
	defer e.mu.Unlock()
	for _, u := range l.units() {
		j.maintain(u)
		j.thresholds(u)
		j.withhold(u)
	}
	return j.edits, nil
}
