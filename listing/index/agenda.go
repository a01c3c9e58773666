package index

import (
	"net/netip"
	"slices"
	"sync/atomic"
)

const (
	// ahead is how many seconds an agenda is made for: the prefix table is
	// looked through once in that time, not whenever something in it ends.
	ahead = 300
	// mostItems is how much an agenda may hold. It is for a shorter time then.
	mostItems = 1 << 16
)

// agenda is what ends next in a prefix table, so that a sweep need not look
// for it. It never changes.
type agenda struct {
	until uint32   // every entry with an end of its own before that is in it
	items [][]item // an item counts if the table still has it
	sum   int      // of items
}

// item is the end of an entry.
type item struct {
	prefix netip.Prefix
	until  uint32
	class  uint16
}

// noAgenda says nothing: the table must be looked through.
var noAgenda agenda

// with is the agenda and what came into the table since.
func (a *agenda) with(came [][]item) *agenda {
	next := agenda{until: a.until, items: slices.Clip(a.items), sum: a.sum}
	for _, items := range came {
		near := slices.DeleteFunc(slices.Clone(items), func(i item) bool { return i.until >= a.until })
		if len(near) > 0 {
			next.items = append(next.items, near)
			next.sum += len(near)
		}
	}
	if next.sum > mostItems {
		return &noAgenda
	}
	return &next
}

// plan is what is known of the ends in one prefix table: an agenda, or how to
// come by it from that of the table before. To find out is knowledge and no
// change. So a set may be changed while its table is looked through, and what
// that finds is good for the sets that came of it.
type plan struct {
	agenda atomic.Pointer[agenda]
	link   atomic.Pointer[link]
	cost   int // of the links that lead to here
}

// link leads from the plan of one table to that of the next.
type link struct {
	from *plan
	came []item // into the table
}

// then is the plan of a table after some more came into it.
func (p *plan) then(came []item) *plan {
	next := &plan{cost: len(came) + 1}
	if p.agenda.Load() == nil {
		next.cost += p.cost
	}
	if next.cost > mostItems {
		return new(plan)
	}
	next.link.Store(&link{p, came})
	return next
}

// resolve is the agenda.
func (p *plan) resolve() *agenda {
	var came [][]item
	for at := p; ; {
		l, a := at.link.Load(), at.agenda.Load() // in this order: settle goes the other way
		switch {
		case a != nil:
			if len(came) > 0 {
				a = a.with(came)
				p.settle(a)
			}
			return a
		case l == nil:
			return &noAgenda
		}
		came, at = append(came, l.came), l.from
	}
}

// settle makes an agenda the plan's, which then needs no link.
func (p *plan) settle(a *agenda) {
	p.agenda.Store(a)
	p.link.Store(nil)
}

// newAgenda is one to be filled.
func newAgenda(now uint32) *agenda {
	return &agenda{until: now + min(ahead, forever-now), items: make([][]item, 1)}
}

// add takes in an end if it is near. Of too many, later ones are left out.
func (a *agenda) add(i item, now uint32) {
	if i.until >= a.until {
		return
	}
	items := append(a.items[0], i)
	for len(items) > mostItems && a.until > now+1 {
		a.until = now + (a.until-now)/2
		items = slices.DeleteFunc(items, func(i item) bool { return i.until >= a.until })
	}
	a.items[0], a.sum = items, len(items)
}
