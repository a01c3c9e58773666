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

// mostOfName is how many records of one name may come and go in an IXFR.
const mostOfName = 1000

// Change takes note that a name lost records, or got some. An address
// that a name got and lost again is as it was.
func (t *Taken) Change(name string, removed bool, o Owned) error {
	s, err := where(name, o)
	if err != nil {
		return err
	}
	if t.changes == nil {
		t.changes = map[netip.Prefix]*change{}
	}
	for _, p := range s.at {
		if !p.IsValid() || !s.owns(p) {
			continue
		}
		c := t.changes[p]
		if c == nil {
			c = new(change)
			t.changes[p] = c
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
func (t *Taken) Changed() int { return len(t.changes) }

// changed is what a prefix says after a change; nil: its name owns nothing more.
func (t *Taken) changed(p netip.Prefix, says Answers, c *change) Answers {
	var o Owned
	s, marked := listing.Subject{Prefix: p}, c.marked
	for _, a := range says {
		switch text := Expand(a.Text, s.Text()); {
		case a.Reason == Marker:
			marked = marked || !c.unmarked
			continue
		case a.Text == "" && slices.Contains(c.gone.Reasons, a.Reason):
			continue // its text goes too, or there was no TXT record
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
