package sighting

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"dnsbld/listing"
)

// Sender is an address that lately greeted as it should, borne out by DNS.
type Sender struct {
	Subject  listing.Subject `json:"prefix"`   // an address, or a /64 of too many to be told apart
	Sessions int             `json:"sessions"` // clean and confirmed
	Last     time.Time       `json:"last"`
}

// CleanWithin is how long ago a clean confirmed session counts as recent.
const CleanWithin = listing.Life(7 * listing.Day)

// Clean yields the senders within a prefix that had clean confirmed sessions
// in the last CleanWithin, in no promised order; of everywhere, if within is
// the zero subject. It stops after an error.
func (e *Engine) Clean(within listing.Subject) iter.Seq2[Sender, error] {
	return func(yield func(Sender, error) bool) {
		now := e.o.Now()
		t := tracker{within: within, since: now.Add(-CleanWithin.Duration()).Unix(), now: now.Unix()}
		found, remembered := e.cleanInMemory(&t)
		for _, s := range found {
			if !yield(s, nil) {
				return
			}
		}
		recent := func(p place, day uint32) bool {
			_, known := remembered[p]
			return !known && int64(day+1)*secondsADay > t.since && t.overlaps(p)
		}
		for n, err := range records(e.o.Archive, keysWithin(within), recent) {
			if err != nil {
				yield(Sender{}, err)
				return
			}
			if !t.senders(n, yield) {
				return
			}
		}
	}
}

// cleanInMemory looks at what need not be read, and says which places those
// are. A record in memory has all its days.
func (e *Engine) cleanInMemory(t *tracker) (found []Sender, remembered map[place]struct{}) {
	remembered = map[place]struct{}{}
	e.mu.Lock()
	defer e.mu.Unlock()
	look := func(n *record) {
		remembered[n.place] = struct{}{}
		t.senders(n, func(s Sender, _ error) bool { found = append(found, s); return true })
	}
	if p, ok := onePlace(t.within); ok {
		if n := e.records[p]; n != nil {
			look(n)
		}
		return found, remembered
	}
	for p, n := range e.records {
		if t.overlaps(p) {
			look(n)
		}
	}
	return found, remembered
}

// onePlace is the place in which all of a subject lies, if it is one.
func onePlace(s listing.Subject) (place, bool) {
	if !s.IsValid() {
		return place{}, false
	}
	p, _ := locate(s.Addr())
	return p, s.IsHost() || p.six && s.Bits() >= listing.ClientBits
}

// keysWithin is what the keys of all places within a subject begin with, and
// perhaps those of some others.
func keysWithin(s listing.Subject) []byte {
	if !s.IsValid() {
		return []byte{placeKey}
	}
	p, _ := locate(s.Addr())
	key := p.key()
	return key[:min(len(key), 2+s.Bits()/8)]
}

// tracker looks for clean senders.
type tracker struct {
	within     listing.Subject
	since, now int64
}

// overlaps reports whether a place has addresses within the prefix.
func (t *tracker) overlaps(p place) bool {
	return !t.within.IsValid() || p.subject(unit{all: true}).Overlaps(t.within.Prefix)
}

// senders yields those of a place. It returns whether to go on.
func (t *tracker) senders(n *record, yield func(Sender, error) bool) bool {
	var all []Sender
	for c := range n.since(t.since) {
		if !c.confirmed() || c.at < t.since || c.at > t.now {
			continue
		}
		s := n.place.subject(unit{host: c.host, all: c.host == manyHosts})
		if t.within.IsValid() && !s.Overlaps(t.within.Prefix) {
			continue
		}
		i := slices.IndexFunc(all, func(known Sender) bool { return known.Subject == s })
		if i < 0 {
			i = len(all)
			all = append(all, Sender{Subject: s})
		}
		all[i].Sessions += int(c.n)
		if at := c.time(); at.After(all[i].Last) {
			all[i].Last = at
		}
	}
	slices.SortFunc(all, func(a, b Sender) int { return cmp.Or(b.Sessions-a.Sessions, a.Subject.Compare(b.Subject)) })
	for _, s := range all {
		if !yield(s, nil) {
			return false
		}
	}
	return true
}
