package sighting

import "slices"

// ring is the networks in memory in the order of their newest session.
type ring struct{ oldest, newest *network }

func (r *ring) push(n *network) {
	n.in, n.older, n.newer = r, r.newest, nil
	if r.newest != nil {
		r.newest.newer = n
	} else {
		r.oldest = n
	}
	r.newest = n
}

// leave takes the network out of the ring that it is in.
func (n *network) leave() {
	if n.in == nil {
		return
	}
	if n.older != nil {
		n.older.newer = n.newer
	} else {
		n.in.oldest = n.newer
	}
	if n.newer != nil {
		n.newer.older = n.older
	} else {
		n.in.newest = n.older
	}
	n.in, n.older, n.newer = nil, nil, nil
}

// account accounts for a network that has changed: it is the newest now.
func (e *Engine) account(n *network) {
	n.leave()
	if n.bogus {
		e.strong.push(n)
	} else {
		e.weak.push(n)
	}
	cost := n.size()
	e.bytes += cost - n.cost
	n.cost = cost
}

// touch takes note that a network has something to be stored.
func (e *Engine) touch(n *network) {
	if !n.fresh {
		n.fresh = true
		e.fresh = append(e.fresh, n)
	}
}

func (e *Engine) forget(n *network) {
	n.leave()
	e.bytes -= n.cost
	delete(e.networks, n.place)
}

func (e *Engine) full() bool { return e.bytes > e.o.Memory || e.ids.total > e.o.IDs }

// shrink forgets the oldest counters, the weak ones first, those that are
// stored before anything is stored for it: a batch costs the less the larger it
// is. If they cannot be stored they are lost, and counted.
func (e *Engine) shrink() error {
	e.flushing.Lock() // who waits for it finds room
	defer e.flushing.Unlock()
	e.mu.Lock()
	if e.bytes > e.o.Memory {
		e.evict(&e.weak, e.o.Memory-e.o.Memory/8, false)
	}
	full := e.full()
	e.mu.Unlock()
	if !full {
		return nil
	}
	err := e.flush()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.bytes > e.o.Memory {
		aim := e.o.Memory - e.o.Memory/8
		for _, r := range []*ring{&e.weak, &e.strong} {
			e.evict(r, aim, err != nil)
		}
	}
	e.fresh = slices.DeleteFunc(e.fresh, func(n *network) bool { return e.networks[n.place] != n })
	if e.ids.total > e.o.IDs {
		if err != nil {
			e.ids.lose()
		}
		e.ids.forget(e.o.IDs - e.o.IDs/8)
	}
	return err
}

func (e *Engine) evict(r *ring, aim int, lose bool) {
	for n := r.oldest; n != nil && e.bytes > aim; {
		next := n.newer
		switch {
		case n.saving || n.fresh && !lose:
		case n.fresh:
			e.lost++
			fallthrough
		default:
			e.forget(n)
		}
		n = next
	}
}
