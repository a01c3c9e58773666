package zone

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"
	"dnsbld/listing/wildcard"
)

// Limits of an IXFR: a secondary that is farther behind gets the whole zone.
const (
	mostChanges = 100_000
	leastNames  = 10_000 // of a difference that is worth it in the smallest zone
	logTime     = 10 * time.Second
)

// changed is what differs since the serial that a secondary has: names with what they
// owned, and with what they own.
type changed struct {
	gone, come delta
	form       form
}

// difference is what a transfer is answered with. Secondaries are told at the same
// time and have the same serial: those who ask while it is looked for share it.
func (s *Server) difference(ctx context.Context, t *transfer) *changed {
	now := t.zone.serial(t.set)
	switch {
	case t.have == nil:
		return &changed{form: whole}
	case int32(now-*t.have) <= 0: // RFC 1982
		return &changed{form: current}
	case t.zone.catalog:
		return &changed{form: whole}
	}
	shared, _, _ := s.differences.Do(fmt.Sprintf("%p %p %d", t.zone, t.set, *t.have), func() (any, error) { return s.since(ctx, t, now), nil })
	return shared.(*changed)
}

// since looks for what changed between the secondary's serial and another one.
func (s *Server) since(ctx context.Context, t *transfer, now uint32) *changed {
	old, at, err := s.before(ctx, t.set, t.set.Revision()-listing.Revision(now-*t.have))
	if err != nil {
		return &changed{form: whole}
	}
	c := &changed{gone: delta{rendering: rendering{t.zone, old}}, come: delta{rendering: t.rendering()}, form: incremental}
	stats := t.set.Stats()
	var fits bool
	c.gone.owners, c.come.owners, fits = c.gone.names().Diff(c.come.names(), at, max(leastNames, (stats.Hosts+stats.Prefixes)/2))
	if !fits {
		return &changed{form: whole}
	}
	return c
}

// delta is one side of a difference.
type delta struct {
	rendering
	owners []wildcard.Owner
}

// but yields the records that are not on the other side. They are made one name
// after the other: a difference may be large.
func (d *delta) but(other *delta, yield func(*record) bool) {
	there := make(map[string]wildcard.Answers, len(other.owners))
	for _, o := range other.owners {
		there[o.Name] = o.Says
	}
	for _, o := range d.owners {
		var stay []record
		if says, is := there[o.Name]; is {
			other.owned(wildcard.Owner{Name: o.Name, Says: says}, func(r record) bool { stay = append(stay, r); return true })
		}
		if !d.owned(o, func(r record) bool { return slices.Contains(stay, r) || yield(&r) }) {
			return
		}
	}
}

// before is the list at an earlier revision, made from a later one by taking
// back what the log has since, and the prefixes at which it differs. It fails
// if the log does not reach back to it, and if something is not to be taken
// back: the end of a source, or another configuration.
func (s *Server) before(ctx context.Context, set *index.Set, back listing.Revision) (old *index.Set, at []netip.Prefix, err error) {
	if s.log == nil || back == 0 {
		return nil, nil, errors.New("there is no log")
	}
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	undo, err := s.changesBetween(ctx, back, set.Revision())
	if err != nil {
		return nil, nil, err
	}
	for n := range undo {
		if p, ok := subjectOf(&undo[n]); ok {
			at = append(at, p)
		}
		inverse, ok := inverted(undo[n])
		if !ok {
			return nil, nil, fmt.Errorf("revision %d is not to be taken back", inverse.Revision)
		}
		undo[n] = inverse
	}
	slices.Reverse(undo)
	old, err = set.With(undo)
	return old, at, err
}

// changesBetween are those after one revision of the log, up to and with another.
// That the first is found makes sure that it is of this log, and not of one that a
// restore took back. No more of it is read: it may be an import of a million.
func (s *Server) changesBetween(ctx context.Context, from, to listing.Revision) (all []listing.Change, err error) {
	for c, err := range s.log.Changes(ctx, from-1) {
		if err != nil {
			return nil, err
		}
		if c.Revision != from {
			return nil, fmt.Errorf("the log does not have revision %d", from)
		}
		break
	}
	for c, err := range s.log.Changes(ctx, from) {
		switch {
		case err != nil:
			return nil, err
		case c.Revision > to, len(all) == mostChanges:
			return nil, fmt.Errorf("the log has no short way from revision %d to %d", from, to)
		}
		all = append(all, c)
		if c.Last && c.Revision == to {
			return all, nil
		}
	}
	return nil, errors.New("the log was not read in time")
}

// inverted takes a change back.
func inverted(c listing.Change) (listing.Change, bool) {
	c.Before, c.After = c.After, c.Before
	c.AllowBefore, c.AllowAfter = c.AllowAfter, c.AllowBefore
	c.SourceBefore, c.SourceAfter = c.SourceAfter, c.SourceBefore
	return c, c.Kind != listing.ConfigChange && (c.Kind != listing.SourceChange || c.SourceBefore != nil)
}

// subjectOf is the prefix at which a change makes a difference.
func subjectOf(c *listing.Change) (netip.Prefix, bool) {
	for _, e := range []*listing.Entry{c.Before, c.After} {
		if e != nil {
			return e.Subject.Prefix, true
		}
	}
	for _, a := range []*listing.Allow{c.AllowBefore, c.AllowAfter} {
		if a != nil {
			return a.Subject.Prefix, true
		}
	}
	return netip.Prefix{}, false
}
