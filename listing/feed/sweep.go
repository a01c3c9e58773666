package feed

import (
	"fmt"
	"slices"

	"dnsbld/listing"
)

// Formats that say only whether an address is listed, or what for, are made by
// a sweep over the entries in the order of their subjects. It keeps the
// prefixes that are open at the moment, each inside the one before, and knows
// for each what its addresses are listed for: per reason and source the most
// specific entry stands, an exception of this list's own ends what sources
// list that is as wide or wider, and what is hidden is not listed.

// node is an open prefix.
type node struct {
	subject listing.Subject
	hidden  bool             // by itself or from above
	listed  bool             // an entry lists exactly this prefix
	except  bool             // an entry is an exception of exactly this prefix
	around  []listing.Served // per reason and source the most specific entry
	wins    []listing.Served // what its addresses are listed for, but for prefixes within; one per reason, strongest first
}

// visitor is told of prefixes as they open and close; what it does not want to
// know is nil. parent is nil outside all others.
type visitor struct {
	enter, leave func(n, parent *node) error
	finish       func() error
}

type sweep struct {
	reasons *listing.Reasons
	hide    []listing.Subject // sorted, those to come
	stack   []node
	group   []listing.Served // entries at one subject
	to      visitor
}

// newSweep makes an encoder that tells a visitor of prefixes. Hidden ones are
// merged in at their places.
func newSweep(o *output, to visitor) *sweep {
	hide := slices.Clone(o.Hide)
	slices.SortFunc(hide, listing.Subject.Compare)
	return &sweep{reasons: o.Reasons, hide: slices.Compact(hide), to: to}
}

func (s *sweep) write(e *listing.Entry) error {
	if len(s.group) > 0 {
		switch c := e.Subject.Compare(s.group[0].Subject); {
		case c < 0:
			return fmt.Errorf("writing %s after %s: entries must come in order: %w", e.Subject, s.group[0].Subject, listing.ErrInvalid)
		case c > 0:
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	s.group = append(s.group, e.Served())
	return nil
}

func (s *sweep) close() error {
	if err := s.flush(); err != nil {
		return err
	}
	for _, h := range s.hide {
		if err := s.push(h, nil, true); err != nil {
			return err
		}
	}
	if err := s.pop(listing.Subject{}); err != nil || s.to.finish == nil {
		return err
	}
	return s.to.finish()
}

// flush opens the prefix that the last entries are of, and hidden ones that
// come before it.
func (s *sweep) flush() error {
	if len(s.group) == 0 {
		return nil
	}
	at, hidden := s.group[0].Subject, false
	for len(s.hide) > 0 && s.hide[0].Compare(at) <= 0 {
		h := s.hide[0]
		s.hide = s.hide[1:]
		if h == at {
			hidden = true
		} else if err := s.push(h, nil, true); err != nil {
			return err
		}
	}
	err := s.push(at, s.group, hidden)
	s.group = s.group[:0]
	return err
}

func (s *sweep) push(at listing.Subject, entries []listing.Served, hidden bool) error {
	if err := s.pop(at); err != nil {
		return err
	}
	n := len(s.stack)
	if n < cap(s.stack) { // what an earlier node at this depth used is used again
		s.stack = s.stack[:n+1]
	} else {
		s.stack = append(s.stack, node{})
	}
	var parent *node
	if n > 0 {
		parent = &s.stack[n-1]
	}
	s.stack[n].open(at, entries, hidden, parent, s.reasons)
	if s.to.enter == nil {
		return nil
	}
	return s.to.enter(&s.stack[n], parent)
}

// pop closes the prefixes that do not hold a subject; the zero subject is in
// none.
func (s *sweep) pop(at listing.Subject) error {
	for n := len(s.stack) - 1; n >= 0 && !s.stack[n].subject.Covers(at); n-- {
		var parent *node
		if n > 0 {
			parent = &s.stack[n-1]
		}
		if s.to.leave != nil {
			if err := s.to.leave(&s.stack[n], parent); err != nil {
				return err
			}
		}
		s.stack = s.stack[:n]
	}
	return nil
}

func (n *node) open(at listing.Subject, entries []listing.Served, hidden bool, parent *node, reasons *listing.Reasons) {
	*n = node{subject: at, hidden: hidden, around: n.around[:0], wins: n.wins[:0]}
	if parent != nil {
		n.hidden = hidden || parent.hidden
		n.around = append(n.around, parent.around...)
	}
	for _, e := range entries {
		n.listed, n.except = n.listed || !e.Except, n.except || e.Except
		same := func(x listing.Served) bool { return x.Reason == e.Reason && x.Source == e.Source }
		if i := slices.IndexFunc(n.around, same); i >= 0 {
			n.around[i] = e
		} else {
			n.around = append(n.around, e)
		}
	}
	if !n.hidden {
		n.decide(reasons)
	}
}

// decide finds what the prefix is listed for, as listing.Instant does.
func (n *node) decide(reasons *listing.Reasons) {
	for i := range n.around {
		e := &n.around[i]
		if e.Except || n.ended(e) {
			continue
		}
		same := slices.IndexFunc(n.wins, func(x listing.Served) bool { return x.Reason == e.Reason })
		switch {
		case same < 0:
			n.wins = append(n.wins, *e)
		case e.ComparePrecedence(&n.wins[same]) < 0:
			n.wins[same] = *e
		}
	}
	slices.SortFunc(n.wins, func(a, b listing.Served) int { return reasons.Compare(a.Reason, b.Reason) })
}

// ended reports whether an exception of this list's own ends what a source
// lists.
func (n *node) ended(e *listing.Served) bool {
	return e.Source != "" && slices.ContainsFunc(n.around, func(x listing.Served) bool {
		return x.Source == "" && x.Except && x.Reason == e.Reason && x.Subject.Bits() >= e.Subject.Bits()
	})
}

func (n *node) isListed() bool { return n != nil && len(n.wins) > 0 }
