package sighting

import (
	"container/list"
	"iter"
	"slices"
	"time"

	"dnsbld/listing"
)

// record is what is in memory of one place: all its days that are kept.
type record struct {
	place  place
	days   []*day     // rising
	cost   int        // bytes, as last estimated
	bogus  bool       // has a bogus session: kept longer than others
	fresh  bool       // has days that are not stored
	saving bool       // on its way to the archive: not to be forgotten
	in     *list.List // of the engine's, by newest session; nil: none
	at     *list.Element
}

func (n *record) day(number uint32) *day {
	i, found := slices.BinarySearchFunc(n.days, number, func(d *day, number uint32) int { return int(d.number) - int(number) })
	if !found {
		n.days = slices.Insert(n.days, i, &day{number: number})
	}
	return n.days[i]
}

// size estimates the bytes that the record takes in memory, its place in the
// maps included.
func (n *record) size() int {
	total := 200
	for _, d := range n.days {
		if d.dirty || d.cost == 0 {
			d.cost = d.size()
		}
		total += 16 + d.cost
	}
	return total
}

// trim lets go of days before first.
func (n *record) trim(first uint32) {
	n.days = slices.DeleteFunc(n.days, func(d *day) bool { return d.number < first })
}

func (n *record) cells() iter.Seq[*cell] {
	return func(yield func(*cell) bool) {
		for _, d := range n.days {
			for i := range d.cells {
				if !yield(&d.cells[i]) {
					return
				}
			}
		}
	}
}

// since yields the cells of days that may hold what is at or after an instant.
func (n *record) since(seconds int64) iter.Seq[*cell] {
	return func(yield func(*cell) bool) {
		for _, d := range n.days {
			if int64(d.number+1)*secondsADay <= seconds {
				continue
			}
			for i := range d.cells {
				if !yield(&d.cells[i]) {
					return
				}
			}
		}
	}
}

// filter says which cells count.
type filter func(*cell) bool

// newest is the time of the unit's newest session that counts, or 0.
func (n *record) newest(u unit, counts filter) int64 {
	for i := len(n.days) - 1; i >= 0; i-- {
		at := int64(0)
		for j := range n.days[i].cells {
			if c := &n.days[i].cells[j]; counts(c) && u.has(c) {
				at = max(at, c.at)
			}
		}
		if at > 0 {
			return at
		}
	}
	return 0
}

// counters are those of a unit in the window that ends at its newest counted
// session.
func (n *record) counters(u unit, ended endings, counts filter) Counters {
	end := n.newest(u, counts)
	c := Counters{Subject: n.place.subject(u), Reasons: map[listing.Reason]Tally{}}
	if end == 0 {
		return c
	}
	c.End = time.Unix(end, 0).UTC()
	start := end - windowSeconds // not in it
	var in []*cell
	for cell := range n.since(start) {
		if cell.at > start && counts(cell) && u.has(cell) {
			in = append(in, cell)
		}
	}
	for r := range eachCounted {
		if t := tally(in, r, ended); t.Sessions > 0 && (r != listing.Rotating || t.Targets > 1) {
			t.Fixed = n.fixed(u, r, counts)
			c.Reasons[r] = t
		}
	}
	return c
}

// fixed reports whether what a reason is about has been put right since the
// unit's last session that spoke for it. That can be known of reverse DNS alone,
// of which one session shows the truth for all of an address.
func (n *record) fixed(u unit, r listing.Reason, counts filter) bool {
	if u.all || r != listing.NoReverse && r != listing.Unconfirmed {
		return false
	}
	var bad, good int64
	for c := range n.cells() {
		switch {
		case !counts(c) || !u.has(c):
		case c.flags&flagRDNS != 0:
			good = max(good, c.at)
		case c.against(r):
			bad = max(bad, c.at)
		}
	}
	return good > bad
}

// tally is what cells hold for a reason, those before its latest end left out.
func tally(in []*cell, r listing.Reason, ended endings) (t Tally) {
	if !slices.ContainsFunc(in, func(c *cell) bool { return c.against(r) }) {
		return t
	}
	hours, targets, hosts := map[int64]bool{}, map[uint32]bool{}, map[uint64]bool{}
	var receivers [256]bool
	last := int64(0)
	for _, c := range in {
		if ended.after(c, r) {
			continue
		}
		t.All += int(c.n)
		if !c.against(r) {
			continue
		}
		t.Sessions += int(c.n)
		hours[c.at/3600], targets[c.target], hosts[c.host], receivers[c.receiver] = true, true, true, true
		last = max(last, c.at)
	}
	for _, seen := range receivers {
		if seen {
			t.Receivers++
		}
	}
	t.Hours, t.Targets, t.Hosts = len(hours), len(targets), len(hosts)
	if last > 0 {
		t.Last = time.Unix(last, 0).UTC()
	}
	return t
}

// last is the unit's newest counted session that speaks for a reason.
func (n *record) last(u unit, r listing.Reason, ended endings, counts filter) (at time.Time) {
	for c := range n.cells() {
		if counts(c) && u.has(c) && c.against(r) && c.time().After(at) && !ended.after(c, r) {
			at = c.time()
		}
	}
	return at
}

// endings are the ends of listings of a place that may still matter.
type endings []ending

type ending struct {
	reason listing.Reason
	unit   unit
	at     time.Time
}

// after reports whether a listing of the cell's host for the reason ended
// after its sessions: these never bring it back.
func (es endings) after(c *cell, r listing.Reason) bool {
	for _, e := range es {
		if e.reason == r && e.unit.has(c) && c.time().Before(e.at) {
			return true
		}
	}
	return false
}

// health is what heals a listing: the figures since the last bogus session.
type health struct {
	last      int64 // the last bogus session; 0: none is known
	clean     int64 // the last clean one
	confirmed int   // clean confirmed sessions since
	before    int   // sessions, exempt ones apart, in the 24 hours before it
	mixed     int   // clean confirmed ones of these
}

// health looks at those of a unit's cells that matter; what speaks for the
// reason r is bogus here too. A listing was made of a session no older than
// floor, even if that session is no longer known.
func (n *record) health(u unit, r listing.Reason, floor time.Time, matters filter) (h health) {
	if !floor.IsZero() {
		h.last = floor.Unix()
	}
	of := func(c *cell) bool { return u.has(c) && matters(c) }
	for c := range n.cells() {
		switch {
		case !of(c):
		case c.bogus() || c.against(r):
			h.last = max(h.last, c.at)
		case c.clean():
			h.clean = max(h.clean, c.at)
		}
	}
	for c := range n.since(h.last - windowSeconds) {
		if of(c) {
			h.add(c)
		}
	}
	h.before = max(0, h.before-1) // the last itself
	return h
}

// add counts a cell before or after the last bogus session.
func (h *health) add(c *cell) {
	switch {
	case c.at > h.last && c.confirmed():
		h.confirmed += int(c.n)
	case c.at <= h.last && c.at > h.last-windowSeconds: // its beginning is not in it
		h.before += int(c.n)
		if c.confirmed() {
			h.mixed += int(c.n)
		}
	}
}

// How many clean confirmed sessions end a listing early; fewer for a sender
// that had under smallSender sessions in the 24 hours before its last bogus
// one.
const (
	healAfter      = 20
	healAfterSmall = 5
	smallSender    = 20
)

// enough reports whether what was seen since outweighs what was seen before.
func (h health) enough() bool {
	return h.confirmed >= healAfter || h.before < smallSender && h.confirmed >= healAfterSmall
}

// heals reports whether a listing ends now, and if only time is missing, when.
func (h health) heals(now time.Time) (yes bool, at time.Time) {
	if !h.enough() {
		return false, time.Time{}
	}
	at = time.Unix(h.last, 0).Add(window)
	return !now.Before(at), at
}
