package db

import (
	"bytes"
	"cmp"
	"slices"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// An import is worked out beside the writer, on a snapshot, while small requests
// go on (Replace). Its plan holds as long as the source is as it was then; else it
// is made again, in the writer. So what an import costs the writer is what it
// changes, not what it says.

// plan is what an import changes on disk, worked out against a source as it
// stood at one revision.
type plan struct {
	name   string
	base   listing.Revision // that last changed the source compared with; 0: with nothing
	diff   listing.Diff
	hosts  []put // blocks
	nets   []put // blocks
	deltas []chunk
}

// put is a value to be written; nil: to be deleted.
type put struct{ key, value []byte }

func (p put) into(b *bolt.Bucket) error {
	if p.value == nil {
		return b.Delete(p.key)
	}
	return b.Put(p.key, p.value)
}

// planner compares a source with what an import says of it.
type planner struct {
	*plan
	spool *spool
	said  *sorted
	add   bool  // what the import does not name stays
	part  bool  // … and what it names goes if its time has come
	sweep bool  // … unless its time has come
	now   int64 // the request's time
	old   blockReader
	next  tableBuilder[attrs] // the block as it will be
	log   deltaBuilder

	begun attrs // what since made
}

func (s *state) plan(r *listing.Request, c *contents) (*plan, error) {
	base, err := s.base(r)
	if err != nil {
		return nil, err
	}
	p := &planner{plan: &plan{name: r.Source.Name, base: base.Changed()}, spool: &c.spool, said: c.sorted(),
		add: r.Source.Add || r.Source.Part || r.Source.Sweep, part: r.Source.Part, sweep: r.Source.Sweep, now: seconds(r.Time)}
	p.next.low, p.log.keep = blockLow, c.keep
	var hosts, nets *bolt.Cursor
	if base.Revision != 0 {
		h, n, err := s.contents(p.name)
		if err != nil {
			return nil, err
		}
		hosts, nets = h.Cursor(), n.Cursor()
	}
	if err := p.compareHosts(hosts); err != nil {
		return nil, err
	}
	if err := p.compareNets(nets); err != nil {
		return nil, err
	}
	p.deltas, err = p.log.finish()
	return p.plan, err
}

// spooled adds a put to some, with its value in the spool.
func (p *planner) spooled(puts *[]put, b put) (err error) {
	if b.value != nil {
		b.value, err = p.spool.keep(b.value)
	}
	*puts = append(*puts, b)
	return err
}

// first begins a scan of what there may be.
func first(c *bolt.Cursor) (k, v []byte) {
	if c == nil {
		return nil, nil
	}
	return c.First()
}

// compareHosts goes through the blocks of both sides in order.
func (p *planner) compareHosts(c *bolt.Cursor) error {
	k, v := first(c)
	for k != nil || p.said.isHost {
		key, old := k, v
		if p.said.isHost {
			if said := hostKey(p.said.v4); compareKeys(k, said) > 0 {
				key, old = said, nil
			}
		}
		if err := p.compareBlock(key, old); err != nil {
			return err
		}
		if old != nil {
			k, v = c.Next()
		}
	}
	return nil
}

// compareKeys orders keys of two scans; nil is the end.
func compareKeys(a, b []byte) int {
	switch {
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return bytes.Compare(a, b)
}

// compareBlock makes a block anew from both sides, and a put of it if it
// differs. old is the block as it stands, nil if there is none.
func (p *planner) compareBlock(key, old []byte) error {
	base, err := blockBase(key)
	if err != nil {
		return err
	}
	p.old = blockReader{attrs: p.old.attrs}
	if !p.said.inBlock(base) && p.add && !p.sweep {
		return nil
	}
	if old != nil {
		if err := p.old.open(key, old); err != nil {
			return err
		}
	}
	if p.sweep && !slices.ContainsFunc(p.old.attrs, p.over) {
		return nil
	}
	changed, err := p.buildBlock(base)
	if err != nil || !changed {
		return err
	}
	block := put{key: bytes.Clone(key)}
	if !p.next.empty() {
		block.value = seal(key, p.next.encode((*before).attrs))
	}
	return p.spooled(&p.hosts, block)
}

// buildBlock puts into next what stands of a block afterwards.
func (p *planner) buildBlock(base uint32) (changed bool, err error) {
	p.next.reset()
	err = p.pairs(base, func(at uint32, have, want *attrs) error {
		after, differs := p.settle(have, want)
		if after != nil {
			p.next.add(at&0xffff, *after)
		}
		if !differs {
			return nil
		}
		changed = true
		return p.log.host(at, have, after)
	})
	return changed, err
}

// pairs gives the hosts of the old block and those that the import says of it,
// in order, each with what both sides say; nil where a side says nothing.
func (p *planner) pairs(base uint32, each func(at uint32, have, want *attrs) error) error {
	for i := 0; i < p.old.len() || p.said.inBlock(base); {
		var have, want *attrs
		var at, wantAt uint32
		if i < p.old.len() {
			var err error
			if at, have, err = p.old.host(i); err != nil {
				return err
			}
		}
		if p.said.inBlock(base) {
			wantAt, want = p.said.v4, &p.said.attrs
		}
		order := orderHosts(at, have, wantAt, want)
		if order < 0 {
			want = nil
		} else {
			at = wantAt
		}
		if order > 0 {
			have = nil
		} else {
			i++
		}
		if err := each(at, have, want); err != nil {
			return err
		}
		if want != nil {
			p.said.next()
		}
	}
	return nil
}

// orderHosts orders hosts by address, then reason; nil is the end.
func orderHosts(atA uint32, a *attrs, atB uint32, b *attrs) int {
	switch {
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Or(cmp.Compare(atA, atB), int(a.reason)-int(b.reason))
}

// settle says what stands of one key afterwards, nil for nothing, and counts.
func (p *planner) settle(have, want *attrs) (after *attrs, differs bool) {
	if p.part && want != nil && p.over(*want) {
		if have != nil {
			p.diff.Removed++
		}
		return nil, have != nil
	}
	switch {
	case want == nil && p.add && !(p.sweep && p.over(*have)):
		return have, false
	case want == nil:
		p.diff.Removed++
		return nil, true
	case have == nil:
		p.diff.Added++
		return p.since(want, p.now), true
	}
	after = p.since(want, have.since)
	if *after == *have {
		p.diff.Kept++
		return after, false
	}
	p.diff.Altered++
	return after, true
}

// over reports whether the time of an entry has come.
func (p *planner) over(a attrs) bool { return a.until != 0 && a.until <= p.now }

// since gives attributes that lack one a beginning. The result is good until
// the next call.
func (p *planner) since(a *attrs, begin int64) *attrs {
	if a.since != 0 {
		return a
	}
	p.begun = *a
	p.begun.since = begin
	return &p.begun
}

// compareNets goes through the other entries of both sides in order.
func (p *planner) compareNets(c *bolt.Cursor) error {
	m := netMerger{peek: p.said.net, take: p.said.next, keep: p.add && !p.sweep,
		put: func(b put) error { return p.spooled(&p.plan.nets, b) },
		settle: func(key *netKey, have *attrs, said bool) (after *attrs, differs bool, err error) {
			var want *attrs
			if said {
				want = &p.said.attrs
			}
			if after, differs = p.settle(have, want); differs {
				err = p.log.wide(key, have, after)
			}
			return after, differs, err
		}}
	return m.merge(c)
}
