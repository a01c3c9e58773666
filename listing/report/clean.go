package report

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"dnsbld/listing"
	"dnsbld/listing/sighting"
)

// Clean is how many senders within reach of a change lately greeted as they
// should: what a listing would hit that it ought not to.
type Clean struct {
	Senders int               `json:"senders"`
	Within  listing.Life      `json:"within"` // how long ago counts
	Top     []sighting.Sender `json:"top"`    // with the most sessions
}

// shownSenders is how many clean senders are named.
const shownSenders = 10

// mostAsked is how many prefixes are asked for one by one; beyond it, all
// senders are asked for once.
const mostAsked = 100

// cleanSenders gathers the clean senders that subjects touch.
type cleanSenders struct {
	ask   Senders
	found map[listing.Subject]sighting.Sender
	asked int
	all   []sighting.Sender // by address; nil: not asked for
	err   error             // the first
}

// newCleanSenders returns a collector of what ask yields.
func newCleanSenders(ask Senders) *cleanSenders {
	return &cleanSenders{ask: ask, found: map[listing.Subject]sighting.Sender{}}
}

// touch finds the clean senders that a subject holds. A few subjects are asked
// for one by one; of many, such as an import, all clean senders are fetched
// once and searched, for there are far fewer of them than lines.
func (s *cleanSenders) touch(subject listing.Subject) {
	if s.err != nil {
		return
	}
	if s.asked++; s.asked <= mostAsked {
		for one, err := range s.ask(subject) {
			if s.err = err; err != nil {
				return
			}
			s.found[one.Subject] = one
		}
		return
	}
	if s.all == nil {
		s.askForAll()
	}
	// A /64 may stand for hosts that were too many to be told apart.
	from := subject.Addr()
	if subject.Bits() > listing.ClientBits {
		from = listing.ClientPrefix(from).Addr()
	}
	at, _ := slices.BinarySearchFunc(s.all, from, func(one sighting.Sender, a netip.Addr) int { return one.Subject.Addr().Compare(a) })
	for _, one := range s.all[at:] {
		if one.Subject.Overlaps(subject.Prefix) {
			s.found[one.Subject] = one
		} else if subject.Addr().Less(one.Subject.Addr()) {
			return
		}
	}
}

// askForAll fetches all clean senders, in order of address.
func (s *cleanSenders) askForAll() {
	s.all = []sighting.Sender{}
	for one, err := range s.ask(listing.Subject{}) {
		if s.err = err; err != nil {
			return
		}
		s.all = append(s.all, one)
	}
	slices.SortFunc(s.all, func(a, b sighting.Sender) int {
		return cmp.Or(a.Subject.Addr().Compare(b.Subject.Addr()), cmp.Compare(a.Subject.Bits(), b.Subject.Bits()))
	})
}

// result names those with the most sessions: their owners would notice first.
func (s *cleanSenders) result() (*Clean, error) {
	top := slices.SortedFunc(maps.Values(s.found), func(a, b sighting.Sender) int {
		return cmp.Or(cmp.Compare(b.Sessions, a.Sessions), a.Subject.Compare(b.Subject))
	})
	top = append([]sighting.Sender{}, top[:min(len(top), shownSenders)]...)
	return &Clean{Senders: len(s.found), Within: sighting.CleanWithin, Top: top}, s.err
}
