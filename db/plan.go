package db

import (
	"bytes"
	"slices"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// plan is what an import changes on disk, worked out against a source as it
// stood at one revision.
type plan struct {
	name   string
	base   listing.Revision // that last changed the source compared with; 0: with nothing
	diff   listing.Diff
	hosts  []put // blocks
	wide   []put
	deltas []chunk
}

// put is a value to be written; nil: to be deleted.
type put struct{ key, value []byte }

func putAll(b *bolt.Bucket, puts []put) error {
	for _, p := range puts {
		var err error
		if p.value == nil {
			err = b.Delete(p.key)
		} else {
			err = b.Put(p.key, p.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// planner compares a source with what an import says of it.
type planner struct {
	*plan
	new   *contents
	add   bool  // what the import does not name stays
	sweep bool  // … unless its time has come
	now   int64 // the request's time
	old   blockReader
	next  tableBuilder[attrs] // the block as it will be
	log   deltaBuilder

	begun attrs // what since made
}

func (s *state) plan(r *listing.Request, c *contents) (*plan, error) {
	base, _, err := s.base(r)
	if err != nil {
		return nil, err
	}
	p := &planner{plan: &plan{name: r.Source.Name, base: base.Changed()}, new: c,
		add: r.Source.Add || r.Source.Sweep, sweep: r.Source.Sweep, now: seconds(r.Time)}
	p.next.low = blockLow
	var hosts, wide *bolt.Cursor
	if base.Revision != 0 {
		h, w, ok := s.contents(p.name)
		if !ok {
			return nil, corruptf("source %s has no contents", p.name)
		}
		hosts, wide = h.Cursor(), w.Cursor()
	}
	if err := p.compareHosts(hosts); err != nil {
		return nil, err
	}
	if err := p.compareWide(wide); err != nil {
		return nil, err
	}
	p.deltas = p.log.finish()
	return p.plan, nil
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
	for n := 0; k != nil || n < len(p.new.hosts); {
		var key []byte
		if n < len(p.new.hosts) {
			key = hostKey(uint32(p.new.hosts[n] >> 32))
		}
		order := compareKeys(k, key)
		if order < 0 && p.add && !p.sweep {
			k, v = c.Next()
			continue
		}
		p.old = blockReader{attrs: p.old.attrs}
		var said []uint64
		if order <= 0 {
			if err := p.old.open(k, v); err != nil {
				return err
			}
			if p.sweep && !slices.ContainsFunc(p.old.attrs, p.over) {
				k, v = c.Next()
				continue
			}
			key = bytes.Clone(k)
		}
		if order >= 0 {
			said = p.new.block(n)
			n += len(said)
		}
		if err := p.compareBlock(key, said); err != nil {
			return err
		}
		if order <= 0 {
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

// compareBlock makes the block anew from both sides, and a put of it if it
// differs.
func (p *planner) compareBlock(key []byte, said []uint64) error {
	p.next.reset()
	changed := false
	for i, n := 0, 0; i < p.old.len() || n < len(said); {
		var have, want *attrs
		var haveAt, wantAt uint32
		var err error
		if i < p.old.len() {
			if haveAt, have, err = p.old.host(i); err != nil {
				return err
			}
		}
		if n < len(said) {
			wantAt, want = uint32(said[n]>>32), &p.new.said.list[uint32(said[n])]
		}
		at := haveAt
		switch order := orderHosts(haveAt, have, wantAt, want); {
		case order < 0:
			i, want = i+1, nil
		case order > 0:
			n, have, at = n+1, nil, wantAt
		default:
			i, n = i+1, n+1
		}
		after, differs := p.settle(have, want)
		if differs {
			changed = true
			p.log.host(at, have, after)
		}
		if after != nil {
			p.next.add(at&0xffff, *after)
		}
	}
	if changed {
		p.hosts = append(p.hosts, put{key, p.encodeBlock()})
	}
	return nil
}

func (p *planner) encodeBlock() []byte {
	if p.next.empty() {
		return nil
	}
	return p.next.encode(encodeAttrs)
}

// orderHosts orders hosts by address, then reason; nil is the end.
func orderHosts(atA uint32, a *attrs, atB uint32, b *attrs) int {
	switch {
	case a == nil:
		return 1
	case b == nil:
		return -1
	case atA != atB:
		if atA < atB {
			return -1
		}
		return 1
	}
	return int(a.reason) - int(b.reason)
}

// settle says what stands of one key afterwards, nil for nothing, and counts.
func (p *planner) settle(have, want *attrs) (after *attrs, differs bool) {
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

// compareWide goes through the other entries of both sides in order.
func (p *planner) compareWide(c *bolt.Cursor) error {
	k, v := first(c)
	for n := 0; k != nil || n < len(p.new.wide); {
		var key []byte
		var have, want *attrs
		if n < len(p.new.wide) {
			w := &p.new.wide[n]
			key, want = w.onDisk(), &p.new.said.list[w.said]
		}
		order := compareKeys(k, key)
		if order <= 0 {
			r := reader{b: v}
			a := r.attrs()
			if err := r.err("entry of a source"); err != nil {
				return err
			}
			have, key = &a, bytes.Clone(k)
			k, v = c.Next()
		}
		if order < 0 {
			want = nil
		} else {
			n++
		}
		p.putWide(key, have, want)
	}
	return nil
}

func (p *planner) putWide(key []byte, have, want *attrs) {
	after, differs := p.settle(have, want)
	if !differs {
		return
	}
	p.log.wide(key, have, after)
	var value []byte
	if after != nil {
		value = encodeAttrs(nil, after)
	}
	p.plan.wide = append(p.plan.wide, put{key, value})
}
