package sighting

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

// A receiver that has just begun to report may be set up wrongly: its log may
// not show who authenticated, its relays may not be known as trusted. So for a
// while its sessions list nobody, and what they would have listed is shown
// (Withheld). Its cells have flagProbation and its number; they count from the
// moment on at which the receiver is not new any more, because time has passed or
// an operator has accepted it. Then the places of which it told in the window
// are looked at again, as if there had been no probation.
//
// Clean sessions that no threshold asks the receiver of count at once: they can
// only end a listing.

// Receiver is one that reports.
type Receiver struct {
	Name      string     `json:"name"`
	Since     time.Time  `json:"since,omitzero"`           // when it was new; zero: accepted, or long ago
	Last      time.Time  `json:"last,omitzero"`            // its newest session
	Probation time.Time  `json:"probation_until,omitzero"` // until when its sessions list nobody; zero: they count
	Listed    int        `json:"listed_this_hour"`         // addresses on its word alone
	Full      bool       `json:"breaker_open"`             // no more of these until the next hour
	Total     int        `json:"would_list_total"`         // addresses that they would have listed but for that
	Customers int        `json:"customers"`                // of these, such that look like customers
	Withheld  []Withheld `json:"would_list"`               // the first of these, customers before others
}

// Withheld is what would be listed if no receiver were on probation.
type Withheld struct {
	Subject   listing.Subject `json:"prefix"`
	Reason    string          `json:"reason"`
	Sentence  string          `json:"sentence"`
	Last      time.Time       `json:"last"`               // session that speaks for it
	Receivers []string        `json:"receivers"`          // on probation, that saw bogus sessions of it
	Customer  Customer        `json:"customer,omitempty"` // why it looks like one
}

// Customer says by what a sender looks like a customer, and a listing of it
// like a mistake. Empty: it does not.
type Customer string

// The signs of a customer.
const (
	Authenticated Customer = "authenticated" // with the same place it has authenticated, or used submission
	TrustedRelay  Customer = "trusted"       // it is trusted by the configuration
	MostlyClean   Customer = "clean"         // many of its sessions greeted as they should
)

// manyClean is how many clean sessions make a sender look like a customer.
const manyClean = 20

// isNew reports whether a cell is a new receiver's. Of one that was blurred it is
// not known when the probation is over: it never counts.
func (e *Engine) isNew(c *cell) bool {
	return c.flags&flagProbation != 0 && (c.receiver == 0 || e.probation[c.receiver])
}

// counts reports whether a cell is held against thresholds now.
func (e *Engine) counts(c *cell) bool { return c.counted() && !e.isNew(c) }

// SetReceivers puts another time in force for which a receiver is new, and
// another bound of what one alone has listed in an hour; zero: the usual one.
func (e *Engine) SetReceivers(probation time.Duration, most int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.o.Probation, e.o.PerReceiver = probation, cmp.Or(most, perReceiver)
	e.notify()
}

// Accept ends the probation of a receiver. It reports whether there was one.
func (e *Engine) Accept(name string) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.own.Receivers.find(helo.Escape(name, maxAlias))
	if n == 0 {
		return false, &listing.Error{Kind: listing.ErrNotFound, Code: "no-receiver",
			Message: fmt.Sprintf("no receiver %s has reported yet", listing.Quote(name))}
	}
	was := e.own.Receivers.onProbation(e.o.Now(), e.o.Probation)[n]
	e.own.Receivers.Since[n-1], e.ownChanged = 0, true
	e.again[n] = e.again[n] || was
	e.notify()
	return was, nil
}

// Receivers are all that have reported, by name.
func (e *Engine) Receivers() []Receiver {
	now := e.o.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.receivers(now)
}

func (e *Engine) receivers(now time.Time) []Receiver {
	r := &e.own.Receivers
	on := r.onProbation(now, e.o.Probation)
	all := make([]Receiver, 0, len(r.Names))
	for i, name := range r.Names {
		one := Receiver{Name: name, Since: instant(r.Since[i]), Last: instant(r.Last[i]), Withheld: []Withheld{}}
		one.Listed = r.listedAlone(uint8(i+1), now)
		one.Full = one.Listed >= e.o.PerReceiver
		if on[i+1] {
			one.Probation = one.Since.Add(e.o.Probation)
		}
		one.add(e.withheld)
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b Receiver) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// shownWithheld is how much of what a receiver would have listed is shown.
const shownWithheld = 100

// add counts what the receiver would have listed, and keeps the first.
func (r *Receiver) add(withheld map[listing.Key]Withheld) {
	for _, w := range withheld {
		if !slices.Contains(w.Receivers, r.Name) {
			continue
		}
		r.Withheld = append(r.Withheld, w)
		if r.Total++; w.Customer != "" {
			r.Customers++
		}
	}
	slices.SortFunc(r.Withheld, func(a, b Withheld) int {
		return cmp.Or(cmp.Compare(min(1, len(b.Customer)), min(1, len(a.Customer))), a.Subject.Compare(b.Subject), cmp.Compare(a.Reason, b.Reason))
	})
	r.Withheld = r.Withheld[:min(len(r.Withheld), shownWithheld)]
}

// withhold takes note of what a unit would be listed for but for probation, and
// of what not any more.
func (j *judging) withhold(u unit) {
	if j.probation == (byReceiver{}) {
		return
	}
	var listed []listing.Reason
	for _, d := range j.evaluate(u) {
		if d.Crossed {
			listed = append(listed, d.Reason)
		}
	}
	sole := j.own.Receivers.sole(j.now, byReceiver{})
	for _, d := range Evaluate(j.n.counters(u, j.ends[j.n.place], (*cell).counted), j.o.Thresholds, sole) {
		key := listing.Key{Subject: j.n.place.subject(u), Reason: d.Reason}
		old := j.entryAt(j.n.place, u, d.Reason, j.now)
		if !d.Crossed || slices.Contains(listed, d.Reason) || j.hidden(&d) || !j.mayList(u, &d, key, old) {
			delete(j.withheld, key)
		} else if _, known := j.withheld[key]; known || len(j.withheld) < maxShadows {
			j.withheld[key] = Withheld{key.Subject, d.Symbol(), d.Sentence, d.Last, j.newReceivers(u, d.Reason), j.n.customer(u)}
		}
	}
}

// newReceivers are the receivers on probation with sessions that speak for a
// reason.
func (j *judging) newReceivers(u unit, r listing.Reason) (names []string) {
	for c := range j.n.cells() {
		if name := j.own.Receivers.name(c.receiver); u.has(c) && c.against(r) && j.isNew(c) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// customer says by what a unit looks like a customer. Exempt sessions have no
// host: those of a /64 are everybody's there.
func (n *record) customer(u unit) Customer {
	clean, found := 0, Customer("")
	for c := range n.cells() {
		switch code := c.code.code(); {
		case code == helo.CodeExemptAuth, code == helo.CodeExemptSubmission:
			return Authenticated
		case code == helo.CodeExemptTrusted:
			found = TrustedRelay
		case u.has(c) && c.clean():
			clean += int(c.n)
		}
	}
	if found == "" && clean >= manyClean {
		found = MostlyClean
	}
	return found
}

// reconsider has the places looked at again of which receivers told within the
// window that are new, as is found after a start, or are not new any more. What
// is stored is read without a lock.
func (e *Engine) reconsider(now time.Time) error {
	e.mu.Lock()
	before := e.probation
	e.probation = e.own.Receivers.onProbation(now, e.o.Probation)
	for n := range e.again {
		e.again[n] = e.again[n] || before[n] != e.probation[n]
	}
	of := e.again
	if of == (byReceiver{}) {
		e.mu.Unlock()
		return nil
	}
	e.again = byReceiver{}
	maps.DeleteFunc(e.withheld, func(_ listing.Key, w Withheld) bool { // it is found again, or listed
		return slices.ContainsFunc(w.Receivers, func(name string) bool { return of[e.own.Receivers.find(name)] })
	})
	start := now.Add(-window).Unix()
	inMemory := map[place]struct{}{}
	for p, n := range e.records {
		inMemory[p] = struct{}{}
		e.planTold(n, start, &of)
	}
	e.mu.Unlock()
	recent := func(p place, day uint32) bool {
		_, known := inMemory[p]
		return !known && int64(day+1)*secondsADay > start
	}
	for n, err := range records(e.o.Archive, []byte{placeKey}, recent) {
		e.mu.Lock()
		if err != nil {
			e.again = of
			e.mu.Unlock()
			return err
		}
		e.planTold(n, start, &of)
		e.mu.Unlock()
	}
	return nil
}

// planTold has the hosts looked at of which some receivers told since an
// instant, while they were new.
func (e *Engine) planTold(n *record, since int64, by *byReceiver) {
	for c := range n.since(since) {
		if c.flags&flagProbation != 0 && by[c.receiver] && c.counted() {
			e.plan(n.place, c.host)
		}
	}
}
