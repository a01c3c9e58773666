package sighting

import (
	"cmp"
	"slices"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

// day is what a place did in one UTC day. It is stored as one value.
type day struct {
	number  uint32 // days since 1970
	dirty   bool   // not stored as it is
	cost    int    // bytes, as last estimated
	tidied  int    // cells when they were last gathered, and
	span    int64  // to how many seconds
	cells   []cell
	greets  []greeting
	targets []named
	samples []sample
}

// greeting counts sessions of one hour with one HELO string.
type greeting struct {
	name  string // escaped
	hour  uint8
	n     uint32
	bogus uint32 // of n
}

// named is the text of a target, where it may be kept.
type named struct {
	target uint32
	reason listing.Reason
	text   string // escaped
}

// sample is one bogus session as evidence for a reason.
type sample struct {
	host   uint64
	reason listing.Reason
	id     uint64 // of the session: orders samples of one second
	listing.Sample
}

const secondsADay = 86400

func dayNumber(seconds int64) uint32 { return uint32(seconds / secondsADay) }

// add counts one session's cell.
func (d *day) add(c cell) {
	d.dirty = true
	for i := len(d.cells) - 1; i >= max(0, len(d.cells)-4); i-- {
		if alike(&d.cells[i], &c, 1) == 0 {
			d.cells[i].n = sum(d.cells[i].n, c.n)
			return
		}
	}
	if d.cells = append(d.cells, c); len(d.cells) > maxCells {
		d.cells = slices.Clip(reduce(d.cells))
	}
}

// topGreetings is how many HELO strings an hour shows; a few more are kept, so
// that the counts of those are right.
const (
	topGreetings  = 5
	keptGreetings = 8
	shownHELO     = 128 // octets of a greeting in the counters
)

// greet counts a HELO string. When there are too many, the one counted least
// gives way and leaves its count behind, so that a frequent one is never
// missed (Metwally, Agrawal, El Abbadi 2005, “Space-Saving”).
func (d *day) greet(hour uint8, raw string, bogus bool) {
	name := helo.Escape(raw, shownHELO)
	least, kept := -1, 0
	for i := range d.greets {
		g := &d.greets[i]
		if g.hour != hour {
			if g.name == name {
				name = g.name // one string for the day
			}
			continue
		}
		if g.name == name {
			g.count(bogus)
			return
		}
		if kept++; least < 0 || g.n < d.greets[least].n {
			least = i
		}
	}
	if kept < keptGreetings {
		d.greets = append(d.greets, greeting{name: name, hour: hour})
		d.greets[len(d.greets)-1].count(bogus)
		return
	}
	d.greets[least].name, d.greets[least].bogus = name, 0
	d.greets[least].count(bogus)
}

func (g *greeting) count(bogus bool) {
	g.n = sum(g.n, 1)
	if bogus {
		g.bogus = sum(g.bogus, 1)
	}
}

// maxTargets is how many texts of targets a day keeps.
const maxTargets = 32

// name keeps the text of a target. Texts beyond the number are left out: they
// are for people, and counting goes by the hash.
func (d *day) name(t named) {
	known := slices.ContainsFunc(d.targets, func(o named) bool { return o.target == t.target && o.reason == t.reason })
	if !known && len(d.targets) < maxTargets {
		d.targets = append(d.targets, t)
	}
}

// witness keeps a sample, for each reason the newest ones.
func (d *day) witness(s sample) {
	d.samples = append(d.samples, s)
	slices.SortFunc(d.samples, newestFirst)
	kept := 0
	for i, o := range d.samples {
		if o.reason != s.reason {
			continue
		}
		if kept++; kept > listing.MaxSamples {
			d.samples = slices.Delete(d.samples, i, i+1)
			return
		}
	}
}

func newestFirst(a, b sample) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.id, b.id)) }

// tidy gathers cells to spans of so many seconds.
func (d *day) tidy(seconds int64) {
	if len(d.cells) == d.tidied && d.span >= seconds {
		return
	}
	before := len(d.cells)
	d.cells = gather(d.cells, seconds)
	if len(d.cells) < before*3/4 {
		d.cells = slices.Clip(d.cells)
	}
	d.tidied, d.span = len(d.cells), max(seconds, d.span)
}

// size estimates the bytes that the day takes in memory.
func (d *day) size() int {
	n := 160 + 32*cap(d.cells) + 40*cap(d.greets) + 24*cap(d.targets) + 128*cap(d.samples)
	last := ""
	for i := range d.greets {
		if d.greets[i].name != last {
			last = d.greets[i].name
			n += len(last)
		}
	}
	for i := range d.samples {
		n += len(d.samples[i].HELO) + len(d.samples[i].DNS)
	}
	return n
}
