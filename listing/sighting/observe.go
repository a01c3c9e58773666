package sighting

import (
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

// Observe counts one session. Outcome is empty if the archive could not be
// read, and then nothing was counted. An error beside an outcome says that the
// session was counted, but that memory could not be freed by storing.
func (e *Engine) Observe(o Observation) (Outcome, error) {
	now := e.o.Now()
	for {
		e.mu.Lock()
		out, absent := e.observe(&o, now)
		if absent == nil {
			e.totals[out]++
		}
		full := e.full()
		e.mu.Unlock()
		switch {
		case absent != nil:
			if err := e.read(absent); err != nil {
				return "", err
			}
		case full:
			return out, e.shrink()
		default:
			return out, nil
		}
	}
}

// observe is Observe with mu held. If something must be read first it counts
// nothing, and says what.
func (e *Engine) observe(o *Observation, now time.Time) (Outcome, absent) {
	if !o.valid() {
		return Invalid, nil
	}
	out := o.outcome(now)
	if out == Dropped {
		return out, nil
	}
	hour := e.ids.hour(uint32(o.Time.Unix() / 3600))
	if hour == nil {
		return "", absentHour(o.Time.Unix() / 3600)
	}
	id := e.hash("session", o.Receiver, o.ID)
	if _, again := hour.known[id]; again {
		return Duplicate, nil
	}
	if len(hour.known) >= e.o.IDs {
		return Dropped, nil // what cannot be told from a duplicate is not counted
	}
	p, host := locate(o.Client)
	n := e.records[p]
	if n == nil {
		return "", p
	}
	e.ids.add(hour, id, p)
	e.touch(n)
	e.count(n, host, id, o, out, now)
	e.account(n)
	return out, nil
}

// count puts the session into the day of its record.
func (e *Engine) count(n *record, host, id uint64, o *Observation, out Outcome, now time.Time) {
	receiver := e.own.Receivers.number(o.Receiver, now)
	e.own.Receivers.reported(receiver, o.Time, now)
	d := n.day(dayNumber(o.Time.Unix()))
	c := cell{at: o.Time.Unix(), host: host, n: 1, code: numberOf(o.Verdict.Code), strength: o.Verdict.Strength}
	if out == Exempt {
		c.at, c.host = c.span(3600), 0 // a total, nothing else
		d.add(c)
		return
	}
	target := helo.Escape(o.Verdict.Name, maxHELO) // a recipient's domain only where it is the greeting itself
	c.receiver, c.flags, c.target = receiver, o.flags(out), uint32(e.hash("target", target))|1
	if !o.Verdict.Bogus() && e.plain(&c) {
		c.receiver = 0
	} else if e.own.Receivers.onProbation(now, e.o.Probation)[receiver] {
		c.flags |= flagProbation
	}
	d.add(c)
	d.greet(uint8(o.Time.Unix()/3600%24), o.HELO, o.Verdict.Bogus())
	if r, ok := ReasonOf(o.Verdict); ok {
		n.bogus = true
		d.name(named{c.target, r, target})
		d.witness(sample{host: host, reason: r, id: id, Sample: o.Sample()})
	}
	// A clean session matters too: it may heal, and it moves the window on.
	if out == Counted && (n.bogus || !e.plain(&c) || e.mayRotate(n, &c) || len(e.entries[n.place]) > 0 || e.shadowed(n.place, host)) {
		e.plan(n.place, host)
	}
}

// plain reports whether no reason, not even a shadow one, asks who received
// the cell's sessions.
func (e *Engine) plain(c *cell) bool {
	for r := range e.o.Thresholds {
		if r != listing.Rotating && c.against(r) {
			return false
		}
	}
	return true
}

// mayRotate reports whether a cell can be one greeting too many. A place with
// few cells is not looked at for it: that would cost every clean session a look.
func (e *Engine) mayRotate(n *record, c *cell) bool {
	t, known := e.o.Thresholds[listing.Rotating]
	if !known || !c.against(listing.Rotating) {
		return false
	}
	cells := 0
	for _, d := range n.days {
		cells += len(d.cells)
	}
	return cells >= t.Targets
}

// flags are what a cell must know besides the verdict.
func (o *Observation) flags(out Outcome) (m flags) {
	if out != Counted {
		m |= flagUncounted
	}
	if o.Verdict.Confirmed() {
		m |= flagConfirmed
	}
	switch o.Verdict.RDNS {
	case helo.RDNSMissing:
		m |= flagNoPTR
	case helo.RDNSUnconfirmed:
		m |= flagPTR
	}
	if o.FCrDNS {
		m |= flagRDNS
	}
	if o.manyUnknown() {
		m |= flagRcpt
	}
	return m
}

// How many places for which nothing is listed wait to be looked at, and hosts
// of one /64 one by one. More are looked at after their next session; of the
// /64, the whole is in any case.
const (
	maxDue      = 50_000
	maxDueHosts = 64
)

// plan has a host looked at by the next Edits.
func (e *Engine) plan(p place, host uint64) {
	hosts, known := e.due[p]
	switch {
	case !known && len(e.due) >= maxDue && len(e.entries[p]) == 0:
		return
	case !p.six || host == manyHosts:
		e.due[p] = hosts
	case len(hosts) < maxDueHosts && !slices.Contains(hosts, host):
		e.due[p] = append(hosts, host)
	}
	e.notify()
}

// LatestEnd finds when the latest listing of a key ended, in a history of its
// subject, oldest first.
func LatestEnd(k listing.Key, history func(yield func(listing.Change, error) bool)) (at time.Time, err error) {
	for c, err := range history {
		if err != nil {
			return time.Time{}, err
		}
		if key, ended, ok := endOf(&c); ok && key == k && ended.After(at) {
			at = ended
		}
	}
	return at, nil
}
