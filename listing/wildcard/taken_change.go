package wildcard

import (
	"fmt"
	"net/netip"
	"slices"

	"dnsbld/listing"
)

// change is what an IXFR says of a name: records that are gone, and others that
// came. A marker counts as a text that nobody says.
type change struct {
	gone, come Owned
	unmarked   bool // the marker is gone
	marked     bool // one came
}

// keptEntry gathers the entries of one prefix.
type keptEntry struct {
	listing.Subject
	says Answers
}

// mostOfName is how many records of one name may come and go in an IXFR.
const mostOfName = 1000

// Change takes note that a name lost records, or got some. It comes before the
// first Keep. An address that a name got and lost again is as it was.
func (t *Taken) Change(name string, removed bool, o Owned) error {
	s, err := where(name, o)
	if err != nil {
		return err
	}
	for f, p := range s.at {
		if !p.IsValid() || !s.owns(p) {
			continue
		}
		if t.changes[f] == nil {
			t.changes[f] = map[netip.Prefix]*change{}
		}
		c := t.changes[f][p]
		if c == nil {
			c = new(change)
			t.changes[f][p] = c
		}
		c.note(removed, o)
		if c.len() > mostOfName {
			return fmt.Errorf("%s changes more than %d times", listing.Quote(name), mostOfName)
		}
	}
	return nil
}

func (c *change) len() int {
	return len(c.gone.Reasons) + len(c.gone.Texts) + len(c.come.Reasons) + len(c.come.Texts)
}

func (c *change) note(removed bool, o Owned) {
	marker := len(o.Reasons)+len(o.Texts) == 0
	switch {
	case marker && removed:
		c.unmarked, c.marked = true, false
	case marker:
		c.marked = true
	case removed:
		Move(&c.gone.Reasons, &c.come.Reasons, o.Reasons...)
		Move(&c.gone.Texts, &c.come.Texts, o.Texts...)
	default:
		Move(&c.come.Reasons, &c.gone.Reasons, o.Reasons...)
		Move(&c.come.Texts, &c.gone.Texts, o.Texts...)
	}
}

// Move adds to what is gone or to what came, and takes from the other what it had of
// that: what one sequence of an IXFR says, a later one may take back.
func Move[T comparable](to, from *[]T, some ...T) {
	for _, v := range some {
		*from = slices.DeleteFunc(*from, func(x T) bool { return x == v })
		*to = append(*to, v)
	}
}

// Changed is how many names an IXFR says something of.
func (t *Taken) Changed() int { return len(t.changes[v4]) + len(t.changes[v6]) }

// Keep puts an entry back in that was made of the zone before. They come in order
// of Key.
func (t *Taken) Keep(e *listing.Entry) {
	if e.Except && e.Reason != Marker {
		return
	}
	if e.Subject != t.kept.Subject {
		t.flush()
		t.kept.Subject = e.Subject
	}
	t.kept.says = append(t.kept.says, Answer{Reason: e.Reason, Text: e.PublicNote})
}

// flush puts in what was kept of a prefix, with what is changed of it.
func (t *Taken) flush() {
	if len(t.kept.says) == 0 {
		return
	}
	f, says := familyOf(t.kept.Prefix), t.kept.says
	t.kept.says = nil
	if c := t.changes[f][t.kept.Prefix]; c != nil {
		delete(t.changes[f], t.kept.Prefix)
		if says = t.changed(t.kept.Prefix, says, c); says == nil {
			return
		}
	}
	t.put(f, t.kept.Prefix, says)
}

// finish puts in the names that were not there before.
func (t *Taken) finish() {
	t.flush()
	for f := range t.changes {
		for p, c := range t.changes[f] {
			if says := t.changed(p, nil, c); says != nil {
				t.put(family(f), p, says)
			}
		}
		t.changes[f] = nil
	}
}

// changed is what a prefix says after a change; nil: its name owns nothing more.
func (t *Taken) changed(p netip.Prefix, says Answers, c *change) Answers {
	var o Owned
	s, marked := listing.Subject{Prefix: p}, c.marked
	for _, a := range says {
		switch text := Expand(a.Text, s.Text()); {
		case a.Reason == Marker:
			marked = marked || !c.unmarked
			continue
		case a.Text == "":
			o.Texts = append(o.Texts, t.Plain(a.Reason, s))
		default:
			o.Texts = append(o.Texts, text)
		}
		o.Reasons = append(o.Reasons, a.Reason)
	}
	o.Reasons = replaced(o.Reasons, c.gone.Reasons, c.come.Reasons)
	o.Texts = replaced(o.Texts, c.gone.Texts, c.come.Texts)
	var next Answers
	if len(o.Reasons) > 0 {
		next = t.pair(p, o)
	}
	if marked {
		next = append(next, Answer{Reason: Marker})
	}
	return next
}

// replaced is all without what is gone, and with what came, each once.
func replaced[T comparable](all, gone, come []T) []T {
	all = slices.DeleteFunc(all, func(v T) bool { return slices.Contains(gone, v) })
	for _, v := range come {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}
