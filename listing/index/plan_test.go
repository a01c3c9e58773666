package index

import (
	"net/netip"
	"testing"
	"time"

	"dnsbld/listing"
)

// A set that is changed while its prefix table is looked through has its
// successors profit: under a steady stream of edits no sweep would ever be
// through otherwise.
func TestPlanOutlivesChanges(t *testing.T) {
	s := NewSet()
	n := byte(0)
	with := func(s *Set) *Set {
		n++
		e := &listing.Entry{Key: listing.Key{Subject: listing.HostSubject(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: n})), Reason: listing.Manual}, Until: time.Unix(9000, 0)}
		next, err := s.With([]listing.Change{{Kind: listing.EntryChange, After: e}})
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	for _, now := range []uint32{1000, 1000 + ahead, 5000} { // nothing is known, then what is known is over
		old := with(s)
		s = with(with(old)) // while old is looked through
		old.Due(now, 10)
		if got := s.plan.resolve(); got.until != now+ahead {
			t.Errorf("at %d: planned until %d", now, got.until)
		}
		if s.plan.link.Load() != nil {
			t.Error("the plan keeps those before it")
		}
	}
}

// Of what nobody asks for not all is remembered.
func TestPlanForgets(t *testing.T) {
	p := new(plan)
	for range 3 * mostItems {
		p = p.then(nil)
	}
	links := 0
	for l := p.link.Load(); l != nil; l = l.from.link.Load() {
		links++
	}
	if links > mostItems {
		t.Errorf("%d links", links)
	}
	if p = p.then(make([]item, mostItems)); p.link.Load() != nil {
		t.Error("more is remembered than may be")
	}
}
