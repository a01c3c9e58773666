package sighting

import (
	"crypto/rand"
	"iter"
	"slices"
	"time"

	"dnsbld/listing"
)

// judging is one look at a place. Engine.mu is held all the while.
type judging struct {
	*Engine
	n     *record
	now   time.Time
	rules listing.Rules
	ended map[listing.Key]time.Time // what the list answered to questions
	edits []listing.Edit
	wide  []listing.Reason // for which the whole /64 is listed or about to be
}

// newJudging begins a look at a place, with mu held unless it fails.
func (e *Engine) newJudging(p place, now time.Time) (*judging, error) {
	rules := e.o.Rules()
	for {
		e.mu.Lock()
		if n := e.records[p]; n != nil {
			j := &judging{Engine: e, n: n, now: now, rules: rules}
			for _, s := range e.entries[p] {
				if s.unit.all && !s.Except && s.active(now) {
					j.wide = append(j.wide, s.Reason)
				}
			}
			return j, nil
		}
		e.mu.Unlock()
		if err := e.read(p); err != nil {
			return nil, err
		}
	}
}

// waiting reports whether an edit of a key was given and has not shown yet.
func (j *judging) waiting(k listing.Key) bool {
	edit, ok := j.inFlight[k]
	return ok && j.now.Sub(edit.at) < patience
}

// ask gives an edit, once.
func (j *judging) ask(e listing.Edit) {
	j.inFlight[e.Key] = asked{at: j.now}
	j.edits = append(j.edits, e)
}

// maintain heals or extends the entries of a unit.
func (j *judging) maintain(u unit) {
	for _, s := range j.entries[j.n.place] {
		if s.unit != u || s.Except || !s.active(j.now) {
			continue
		}
		if !j.waiting(s.Key) && !j.heal(s) {
			j.extend(s)
		}
	}
}

// heal ends an entry that was made from sessions when its cause is gone.
func (j *judging) heal(s *ownEntry) bool {
	if s.Origin != listing.ByThreshold {
		return false
	}
	yes, at := j.n.health(s.unit, s.Reason, s.Since, j.counts).heals(j.now)
	switch yes = yes || j.n.fixed(s.unit, s.Reason, j.counts); {
	case yes:
		j.ask(listing.Edit{Op: listing.OpDelist, Key: s.Key, Expect: s.expected(), Because: listing.AutoHeal})
	case !at.IsZero() && at.Before(s.Until) && !at.Equal(s.healing):
		s.healing = at
		j.schedule.add(at, j.n.place, s.unit.host)
	}
	return yes
}

// The first extensions of an entry are made at once. Those after wait for an
// hour to pass, unless the entry is about to end: an address that goes on and
// on does not fill the audit.
const (
	freeExtensions = 8
	extendEvery    = time.Hour
)

// extend lets an entry live on after another session: until = max(until,
// session + life).
func (j *judging) extend(s *ownEntry) {
	info, known := j.rules.Reasons.Info(s.Reason)
	last := j.n.last(s.unit, s.Reason, j.ends[j.n.place], j.counts)
	if last.After(j.now) {
		last = j.now // a clock ahead
	}
	if !known || !last.After(s.floor) || j.protected(s.Key.Subject, j.rules.Policy, j.now) {
		return
	}
	life := j.life(info)
	until := last.Add(min(info.LifeAt(s.Level), life.Longest).Duration())
	if !until.After(s.Until) {
		return
	}
	next := s.last.Add(extendEvery)
	if s.extended >= freeExtensions && j.now.Before(next) && s.Until.Sub(j.now) > 2*extendEvery {
		if !next.Equal(s.growing) {
			s.growing = next
			j.schedule.add(next, j.n.place, s.unit.host)
		}
		return
	}
	j.ask(listing.Edit{Op: listing.OpList, Key: s.Key, Expect: s.expected(), Life: life, Seen: last,
		Companion: companion(info), Origin: listing.ByThreshold})
}

func (j *judging) life(info listing.ReasonInfo) listing.Lifetime {
	return listing.Lifetime{Base: info.Base, Longest: min(info.Longest, j.rules.Policy.Longest), Repeat: info.Repeat}
}

// companion is the reason that stands beside an entry from its third level on
// (listing.Repeat), for reasons whose lives grow with repetition.
func companion(info listing.ReasonInfo) listing.Reason {
	if info.Repeat > 1 {
		return listing.Repeat
	}
	return 0
}

func (j *judging) evaluate(u unit) []Decision {
	return Evaluate(j.n.counters(u, j.ends[j.n.place], j.counts), j.o.Thresholds, j.own.Receivers.sole(j.now, j.probation))
}

// crossed yields what a unit has crossed, may be listed for, and is not, with
// the entry of that key that stands: none, or an exception. Decisions that list
// nobody are noted on the way.
func (j *judging) crossed(u unit) iter.Seq2[Decision, *ownEntry] {
	return func(yield func(Decision, *ownEntry) bool) {
		for _, d := range j.evaluate(u) {
			key := listing.Key{Subject: j.n.place.subject(u), Reason: d.Reason}
			hidden := j.hidden(&d)
			if !d.Crossed {
				if hidden {
					delete(j.shadows, key)
				}
				continue
			}
			old := j.entryAt(j.n.place, u, d.Reason, j.now)
			switch {
			case !j.mayList(u, &d, key, old):
			case hidden:
				j.shadow(key, d)
			case !yield(d, old):
				return
			}
		}
	}
}

// mayList reports whether a unit that has crossed a threshold is to be listed by
// itself: a /64 if enough of its addresses offend, an address if its /64 is not
// listed; and not what is listed, about to be, or protected.
func (j *judging) mayList(u unit, d *Decision, key listing.Key, old *ownEntry) bool {
	if u.all && d.Hosts < offenders || !u.all && slices.Contains(j.wide, d.Reason) {
		return false
	}
	return (old == nil || old.Except) && !j.waiting(key) && !j.protected(key.Subject, j.rules.Policy, j.now)
}

// hidden reports whether a decision is found and shown, and lists nobody.
func (j *judging) hidden(d *Decision) bool {
	return d.Shadow && !slices.Contains(j.o.Named, d.Reason)
}

// questions are what the list must be asked before units can be listed: when
// the latest listing of each key ended. What Changed told of does not reach
// behind the start.
func (j *judging) questions(units []unit) (keys []listing.Key) {
	if j.o.Ended == nil {
		return nil
	}
	for _, u := range units {
		for d := range j.crossed(u) {
			for _, x := range j.related(u, d.Reason) {
				if k := (listing.Key{Subject: j.n.place.subject(x), Reason: d.Reason}); !slices.Contains(keys, k) {
					keys = append(keys, k)
				}
			}
		}
	}
	return keys
}

// related are the units whose listings for a reason, once ended, make sessions
// of u void.
func (j *judging) related(u unit, r listing.Reason) []unit {
	switch {
	case u.all && j.n.place.six:
		return append([]unit{u}, j.n.offending(r)...)
	case j.n.place.six:
		return []unit{u, {all: true}}
	}
	return []unit{u}
}

// answers takes note of what the list answered.
func (j *judging) answers(ended map[listing.Key]time.Time) {
	j.ended = ended
	for k, at := range ended {
		if p, u, ok := placeOf(k.Subject); ok && !at.IsZero() {
			j.end(p, u, k.Reason, at, j.now)
		}
	}
}

// thresholds lists a unit for what it has crossed and is not listed for. What
// was crossed while the list was asked waits for the next look.
func (j *judging) thresholds(u unit) {
	for d, old := range j.crossed(u) {
		key := listing.Key{Subject: j.n.place.subject(u), Reason: d.Reason}
		if _, asked := j.ended[key]; !asked && j.o.Ended != nil {
			j.plan(j.n.place, u.number())
			continue
		}
		j.list(u, key, old, d)
	}
}

// offending are hosts with sessions that speak for a reason, not all if they
// are many.
func (n *record) offending(r listing.Reason) (hosts []unit) {
	for c := range n.cells() {
		if u := (unit{host: c.host}); c.counted() && c.against(r) && len(hosts) < maxDueHosts && !slices.Contains(hosts, u) {
			hosts = append(hosts, u)
		}
	}
	return hosts
}

// list asks for a listing, unless the breaker is open, or that of the receiver
// on whose word alone it rests: then the place is looked at again when it closes.
func (j *judging) list(u unit, key listing.Key, old *ownEntry, d Decision) {
	info, known := j.rules.Reasons.Info(d.Reason)
	if !known {
		return
	}
	alone := j.alone(u, d.Reason)
	if !j.own.Receivers.takeAlone(alone, j.now, j.o.PerReceiver) {
		j.postpone(u)
		return
	}
	if !j.own.Breaker.take(j.now) {
		j.own.Receivers.giveBack(alone)
		j.postpone(u)
		return
	}
	if u.all {
		j.wide = append(j.wide, d.Reason)
	}
	j.ask(listing.Edit{Op: listing.OpList, Key: key, Expect: old.expected(), Life: j.life(info), Seen: d.Last,
		Companion: companion(info), Origin: listing.ByThreshold, Note: d.Sentence, Evidence: j.evidence(u, d.Reason)})
	j.inFlight[key] = asked{j.now, alone}
}

// alone is the receiver on whose word alone a unit is listed; 0: there are
// several, or it is one of too many to have a number.
func (j *judging) alone(u unit, r listing.Reason) uint8 {
	number, seen := uint8(0), false
	for c := range j.n.since(j.n.newest(u, j.counts) - windowSeconds) {
		if !u.has(c) || !j.counts(c) || !c.against(r) {
			continue
		}
		if seen && c.receiver != number {
			return 0
		}
		number, seen = c.receiver, true
	}
	return number
}

// maxDeferred is how many places wait for the breaker; the others wait for their
// next session.
const maxDeferred = 100_000

func (j *judging) postpone(u unit) {
	until := nextHour(j.now)
	if _, held := j.deferred[j.n.place]; held || len(j.deferred) >= maxDeferred {
		return
	}
	j.deferred[j.n.place] = struct{}{}
	j.schedule.add(until, j.n.place, u.host)
}

// evidence is the newest samples of a unit for a reason, salted.
func (j *judging) evidence(u unit, r listing.Reason) *listing.Evidence {
	samples := j.n.evidence(u, r)
	if len(samples) == 0 {
		return nil
	}
	salt := make([]byte, 16)
	rand.Read(salt) // never fails (crypto/rand)
	return &listing.Evidence{Salt: salt, Samples: samples}
}

// evidence is the newest samples of a unit, newest first; reason 0 means all.
func (n *record) evidence(u unit, r listing.Reason) []listing.Sample {
	var all []sample
	for _, d := range n.days {
		for _, s := range d.samples {
			if (r == 0 || s.reason == r) && (u.all || s.host == u.host) {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, newestFirst)
	all = all[:min(len(all), listing.MaxSamples)]
	samples := make([]listing.Sample, len(all))
	for i, s := range all {
		samples[i] = s.Sample
	}
	return samples
}
