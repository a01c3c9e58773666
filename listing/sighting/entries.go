package sighting

import (
	"cmp"
	"slices"
	"time"

	"dnsbld/listing"
)

// ownEntry is what must be known of an entry of this list's own, or of an
// exception.
type ownEntry struct {
	listing.Key
	unit     unit
	Except   bool
	Since    time.Time
	Until    time.Time
	Level    int
	Origin   listing.Origin
	Revision listing.Revision
	floor    time.Time // only sessions after it extend the entry
	extended int       // times since it was listed or first told of
	last     time.Time // when it was extended last
	healing  time.Time // when it is looked at because it may heal
	growing  time.Time // when it is looked at because it may be extended
}

// Changed takes note of a change of the list. Tell it of every Change, and at
// the start of each entry and allow entry that stands, as a Change without
// Header and Before.
func (e *Engine) Changed(c listing.Change) {
	now := e.o.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	switch c.Kind {
	case listing.AllowChange:
		if c.AllowBefore != nil {
			delete(e.allows, c.AllowBefore.Subject)
		}
		if c.AllowAfter != nil {
			e.allows[c.AllowAfter.Subject] = *c.AllowAfter
		}
	case listing.EntryChange:
		e.entryChanged(&c, now)
	}
}

// entryChanged takes note of a change of an entry, if it is of this list's own
// and for a reason that sessions are counted for.
func (e *Engine) entryChanged(c *listing.Change, now time.Time) {
	either := cmp.Or(c.After, c.Before)
	if either == nil || either.Source != "" || symbolOf(either.Reason) == "" {
		return
	}
	p, u, ok := placeOf(either.Subject)
	if !ok {
		return
	}
	delete(e.inFlight, either.Key)
	if key, at, ended := endOf(c); ended {
		e.end(p, u, key.Reason, at, now)
	}
	if c.After == nil {
		e.dropEntry(p, either.Key)
		return
	}
	i := slices.IndexFunc(e.entries[p], func(s *ownEntry) bool { return s.Key == either.Key })
	if i < 0 {
		i = len(e.entries[p])
		e.entries[p] = append(e.entries[p], &ownEntry{unit: u})
		if c.Before == nil && u.all {
			e.plan(p, 0)
		}
	}
	e.entries[p][i].become(c, now)
}

// dropEntry forgets an entry that has ended.
func (e *Engine) dropEntry(p place, k listing.Key) {
	left := slices.DeleteFunc(e.entries[p], func(s *ownEntry) bool { return s.Key == k })
	if e.entries[p] = left; len(left) == 0 {
		delete(e.entries, p)
	}
}

// become follows the entry through a change.
func (s *ownEntry) become(c *listing.Change, now time.Time) {
	before, a := *s, c.After
	s.Key, s.Except, s.Since, s.Until = a.Key, a.Except, a.Since, a.Until
	s.Level, s.Origin, s.Revision = a.Level, a.Origin, a.Revision
	switch {
	case c.Header == nil:
		s.floor = now // what came before has been reckoned with
	case before.Key != s.Key || before.Except:
		s.floor, s.extended, s.last = s.Since, 0, time.Time{}
	case s.Until.Before(before.Until):
		s.floor = c.Header.Time // shortened: what came before does not lengthen it again
	case s.Until.After(before.Until):
		s.extended++
		s.last = now
	}
}

// expected is the revision that an edit expects; nil stands for no entry.
func (s *ownEntry) expected() *listing.Revision {
	r := listing.Revision(0)
	if s != nil {
		r = s.Revision // as it is now, not as it will be
	}
	return &r
}

func (s *ownEntry) active(now time.Time) bool { return now.Before(s.Until) }

// endOf tells whether a change ends a listing of this list's own, or makes an
// exception, which is how a listing by a feed is ended.
func endOf(c *listing.Change) (k listing.Key, at time.Time, ok bool) {
	if c.Kind != listing.EntryChange || c.Header == nil {
		return k, at, false
	}
	listed := c.Before != nil && !c.Before.Except
	excepted := c.After != nil && c.After.Except
	switch {
	case listed && c.Before.Source == "" && (c.After == nil || excepted):
		return c.Before.Key, ownEnd(c), true
	case c.Before == nil && excepted && c.After.Source == "":
		return c.After.Key, c.Header.Time, true
	}
	return k, at, false
}

// ownEnd is when the listing before a change ended: by its own time, however
// late the sweep came to record it, or by the change.
func ownEnd(c *listing.Change) time.Time {
	if until := c.Before.Until; !until.IsZero() && until.Before(c.Header.Time) {
		return until
	}
	return c.Header.Time
}

// end remembers that a listing ended, as long as sessions before it could
// still be in a window.
func (e *Engine) end(p place, u unit, r listing.Reason, at, now time.Time) {
	es := slices.DeleteFunc(e.ends[p], func(o ending) bool {
		return o.reason == r && o.unit == u && o.at.Before(at) || now.Sub(o.at) > window+countable
	})
	if now.Sub(at) <= window+countable && !slices.ContainsFunc(es, func(o ending) bool { return o.reason == r && o.unit == u }) {
		es = append(es, ending{r, u, at})
	}
	if len(es) == 0 {
		delete(e.ends, p)
		return
	}
	e.ends[p] = es
}

// entryAt is the entry in force at exactly a unit for a reason, if there is one;
// an exception is one too.
func (e *Engine) entryAt(p place, u unit, r listing.Reason, now time.Time) *ownEntry {
	for _, s := range e.entries[p] {
		if s.unit == u && s.Reason == r && s.active(now) {
			return s
		}
	}
	return nil
}

// protected reports whether a subject may not be listed: the Book refuses it.
func (e *Engine) protected(s listing.Subject, policy listing.Policy, now time.Time) bool {
	if _, yes := policy.Protects(s); yes {
		return true
	}
	if _, yes := policy.Canary(s); yes {
		return true
	}
	for _, a := range e.allows {
		if a.Over(s, now) {
			return true
		}
	}
	return false
}
