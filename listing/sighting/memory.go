package sighting

import (
	"container/list"
	"slices"
)

// Records are in one of two lists, weak or strong, in the order of their newest
// session, so that what is forgotten first matters least: a place without a
// bogus session, unheard of for longest.

// leave takes the record out of the order that it is in.
func (n *record) leave() {
	if n.in != nil {
		n.in.Remove(n.at)
	}
	n.in, n.at = nil, nil
}

// account accounts for a record that has changed: it is the newest now.
func (e *Engine) account(n *record) {
	order := &e.weak
	if n.bogus {
		order = &e.strong
	}
	if n.in == order {
		order.MoveToBack(n.at)
	} else {
		n.leave()
		n.in, n.at = order, order.PushBack(n)
	}
	cost := n.size()
	e.bytes += cost - n.cost
	n.cost = cost
}

// touch takes note that a record has something to be stored.
func (e *Engine) touch(n *record) {
	if !n.fresh {
		n.fresh = true
		e.fresh = append(e.fresh, n)
	}
}

func (e *Engine) forget(n *record) {
	n.leave()
	e.bytes -= n.cost
	delete(e.records, n.place)
}

func (e *Engine) full() bool { return e.bytes > e.o.Memory || e.ids.total > e.o.IDs }

// shrink forgets the oldest counters, the weak ones first, and those that are
// stored before anything is stored for it: a batch costs the less the larger it
// is. If they cannot be stored they are lost, and counted.
func (e *Engine) shrink() error {
	e.flushing.Lock() // after waiting for another flush there may be enough
	defer e.flushing.Unlock()
	aim := e.o.Memory - e.o.Memory/8
	e.mu.Lock()
	if e.bytes > e.o.Memory {
		e.evict(&e.weak, aim, false)
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
		e.evict(&e.weak, aim, err != nil)
		e.evict(&e.strong, aim, err != nil)
	}
	e.fresh = slices.DeleteFunc(e.fresh, func(n *record) bool { return e.records[n.place] != n })
	if e.ids.total > e.o.IDs {
		if err != nil {
			e.ids.lose()
		}
		e.ids.forget(e.o.IDs - e.o.IDs/8)
	}
	return err
}

// evict forgets the oldest records until no more than aim bytes are taken. What
// is not stored stays, unless it is to be lost; what is being stored stays.
func (e *Engine) evict(order *list.List, aim int, lose bool) {
	for at := order.Front(); at != nil && e.bytes > aim; {
		n := at.Value.(*record)
		at = at.Next()
		if n.saving || n.fresh && !lose {
			continue
		}
		if n.fresh {
			e.lost++
		}
		e.forget(n)
	}
}
