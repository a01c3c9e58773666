package sighting

import (
	"crypto/rand"
	"slices"
	"time"

	"dnsbld/listing"
)

// judging is one look at a place.
type judging struct {
	*Engine
	n     *network
	now   time.Time
	rules listing.Rules
	edits []listing.Edit
	wide  []listing.Reason // for which the whole /64 is listed or about to be
}

func (j *judging) waiting(k listing.Key) bool {
	at, ok := j.pending[k]
	return ok && j.now.Sub(at) < inFlight
}

func (j *judging) ask(e listing.Edit) {
	j.pending[e.Key] = j.now
	j.edits = append(j.edits, e)
}

// standing heals or extends the entries of a unit.
func (j *judging) standing(u unit) {
	for _, s := range j.stands[j.n.place] {
		if s.unit != u || s.Except || !s.active(j.now) {
			continue
		}
		if u.all {
			j.wide = append(j.wide, s.Reason)
		}
		if !j.waiting(s.Key) && !j.heal(s) {
			j.extend(s)
		}
	}
}

// heal ends an entry that was made from sessions when its cause is gone.
func (j *judging) heal(s *standing) bool {
	if s.Origin != listing.ByThreshold {
		return false
	}
	yes, at := j.n.health(s.unit, s.Reason, s.Since, (*cell).counted).heals(j.now)
	switch yes = yes || j.n.fixed(s.unit, s.Reason); {
	case yes:
		j.ask(listing.Edit{Op: listing.OpDelist, Key: s.Key, Expect: s.expected(), Because: listing.AutoHeal})
	case !at.IsZero() && at.Before(s.Until) && !at.Equal(s.healing):
		s.healing = at
		j.agenda.add(at, j.n.place, s.unit.host)
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
func (j *judging) extend(s *standing) {
	info, known := j.rules.Reasons.Info(s.Reason)
	last := j.n.last(s.unit, s.Reason, j.ends[j.n.place])
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
			j.agenda.add(next, j.n.place, s.unit.host)
		}
		return
	}
	j.ask(listing.Edit{Op: listing.OpList, Key: s.Key, Expect: s.expected(), Life: life, Seen: last,
		Companion: companion(info), Origin: listing.ByThreshold})
}

func (j *judging) life(info listing.ReasonInfo) listing.Lifetime {
	return listing.Lifetime{Base: info.Base, Longest: min(info.Longest, j.rules.Policy.Longest), Repeat: info.Repeat}
}

func companion(info listing.ReasonInfo) listing.Reason {
	if info.Repeat > 1 {
		return listing.Repeat
	}
	return 0
}

func (j *judging) evaluate(u unit) []Decision {
	return Evaluate(j.n.counters(u, j.ends[j.n.place]), j.o.Thresholds, j.own.Receivers.sole(j.now))
}

// thresholds lists a unit for what it has crossed and is not listed for.
func (j *judging) thresholds(u unit) error {
	for _, d := range j.evaluate(u) {
		key := listing.Key{Subject: j.n.place.subject(u), Reason: d.Reason}
		hidden := d.Shadow && !slices.Contains(j.o.Named, d.Reason)
		if hidden && !d.Crossed {
			j.shadow(key, d)
		}
		if !d.Crossed || u.all && d.Hosts < offenders || !u.all && slices.Contains(j.wide, d.Reason) {
			continue
		}
		stands := j.stand(j.n.place, u, d.Reason, j.now)
		if stands != nil && !stands.Except || j.waiting(key) || j.protected(key.Subject, j.rules.Policy, j.now) {
			continue
		}
		if hidden {
			j.shadow(key, d)
			continue
		}
		if stale, err := j.stale(u, d); err != nil {
			return err
		} else if !stale {
			j.list(u, key, stands, d)
		}
	}
	return nil
}

// stale asks the list itself whether the decision rests on sessions from
// before a delisting.
func (j *judging) stale(u unit, d Decision) (bool, error) {
	if j.o.Ended == nil {
		return false, nil
	}
	at := []unit{u}
	switch {
	case u.all && j.n.place.six:
		at = append(at, j.n.offending(d.Reason)...)
	case j.n.place.six:
		at = append(at, unit{all: true})
	}
	for _, x := range at {
		ended, err := j.o.Ended(listing.Key{Subject: j.n.place.subject(x), Reason: d.Reason})
		if err != nil {
			return false, err
		}
		if !ended.IsZero() {
			j.end(j.n.place, x, d.Reason, ended, j.now)
		}
	}
	again := j.evaluate(u)
	return !slices.ContainsFunc(again, func(a Decision) bool { return a.Reason == d.Reason && a.Crossed }), nil
}

// offending are hosts with sessions that speak for a reason, not all if they
// are many.
func (n *network) offending(r listing.Reason) (hosts []unit) {
	for c := range n.cells() {
		if u := (unit{host: c.host}); c.counted() && c.against(r) && len(hosts) < maxDueHosts && !slices.Contains(hosts, u) {
			hosts = append(hosts, u)
		}
	}
	return hosts
}

// list asks for a listing, unless the breaker is open: then the place is
// looked at again when it closes.
func (j *judging) list(u unit, key listing.Key, stands *standing, d Decision) {
	info, known := j.rules.Reasons.Info(d.Reason)
	if !known {
		return
	}
	if !j.own.Breaker.take(j.now) {
		j.hold(u)
		return
	}
	if u.all {
		j.wide = append(j.wide, d.Reason)
	}
	j.ask(listing.Edit{Op: listing.OpList, Key: key, Expect: stands.expected(), Life: j.life(info), Seen: d.Last,
		Companion: companion(info), Origin: listing.ByThreshold, Note: d.Sentence, Evidence: j.evidence(u, d.Reason)})
}

// maxHeld is how many places wait for the breaker; the others wait for their
// next session.
const maxHeld = 100_000

func (j *judging) hold(u unit) {
	until := nextHour(j.now)
	if _, held := j.held[j.n.place]; held || len(j.held) >= maxHeld {
		return
	}
	j.held[j.n.place] = struct{}{}
	j.agenda.add(until, j.n.place, u.host)
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
func (n *network) evidence(u unit, r listing.Reason) []listing.Sample {
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
