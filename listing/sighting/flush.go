package sighting

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
)

// storedAtOnce is how many records are stored in one batch: the archive may take
// memory for every page of its file that a batch touches.
const storedAtOnce = 2048

// Flush stores everything that is new, in batches: of neighbouring places, so
// that each touches few pages, and of their sessions' ids, so that wherever it
// is broken off a session is stored whole or not at all. If one fails, the same
// is tried with the next Flush.
func (e *Engine) Flush() error {
	e.flushing.Lock()
	defer e.flushing.Unlock()
	return e.flush()
}

// flush is Flush with flushing held.
func (e *Engine) flush() error {
	e.mu.Lock()
	slices.SortFunc(e.fresh, func(a, b *record) int { return a.place.compare(b.place) })
	batches := max(1, (len(e.fresh)+storedAtOnce-1)/storedAtOnce) // more come meanwhile, and wait
	e.mu.Unlock()
	for range batches {
		if err := e.store(); err != nil {
			return err
		}
	}
	return nil
}

// store stores one batch.
func (e *Engine) store() error {
	e.mu.Lock()
	items, touched := e.collect()
	e.mu.Unlock()
	if len(items) == 0 {
		return nil
	}
	err := e.o.Archive.Save(items)
	e.mu.Lock()
	defer e.mu.Unlock()
	for d, n := range touched {
		n.saving = false
		if err != nil {
			d.dirty = true
			e.touch(n)
		}
	}
	e.ids.saved(err == nil)
	e.ownChanged = e.ownChanged || err != nil
	if err != nil {
		return fmt.Errorf("storing sightings: %w", err)
	}
	return nil
}

// collect makes the items of the next batch, and flags it as stored.
func (e *Engine) collect() ([]Item, map[*day]*record) {
	var items []Item
	touched := map[*day]*record{}
	first, today := e.first(), e.first()+keptDays-1
	batch := e.fresh[:min(len(e.fresh), storedAtOnce)]
	for _, n := range batch {
		n.fresh = false
		n.trim(first)
		for _, d := range n.days {
			if !d.dirty {
				continue
			}
			d.tidy(spanOf(d.number, today))
			items = append(items, Item{n.place.dayKey(d.number), d.encode()})
			d.dirty, n.saving = false, true
			touched[d] = n
		}
		cost := n.size()
		e.bytes += cost - n.cost
		n.cost = cost
	}
	e.fresh = slices.Delete(e.fresh, 0, len(batch))
	items = e.ids.save(items, func(p place) bool {
		n := e.records[p]
		return n == nil || !n.fresh
	})
	if len(items) > 0 || e.ownChanged {
		e.ownChanged = false
		if raw, err := json.Marshal(&e.own); err == nil { // it cannot fail: numbers and text
			items = append(items, Item{[]byte{engineKey}, raw})
		}
	}
	slices.SortFunc(items, func(a, b Item) int { return bytes.Compare(a.Key, b.Key) })
	return items, touched
}

// spanOf is how far apart in seconds times are kept in a day: a second while a
// window may still look at it, an hour afterwards.
func spanOf(number, today uint32) int64 {
	if number+3 >= today {
		return 1
	}
	return 3600
}

// Prune deletes what is no longer kept, looking at no more than about limit
// stored values; the next call goes on from there.
func (e *Engine) Prune(limit int) error {
	e.flushing.Lock()
	defer e.flushing.Unlock()
	e.mu.Lock()
	first, after := e.first(), e.pruned
	e.mu.Unlock()
	var old []Item
	var last []byte
	seen := 0
	for item, err := range e.o.Archive.Scan(nil, after) {
		if err != nil {
			return fmt.Errorf("pruning sightings: %w", err)
		}
		if seen++; seen > limit {
			break
		}
		last = slices.Clone(item.Key)
		if outdated(item.Key, first) {
			old = append(old, Item{Key: last})
		}
	}
	if seen <= limit {
		last = nil // from the beginning
	}
	if len(old) > 0 {
		if err := e.o.Archive.Save(old); err != nil {
			return fmt.Errorf("pruning sightings: %w", err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pruned = last
	return nil
}

// outdated reports whether a stored value is of a day before first.
func outdated(key []byte, first uint32) bool {
	switch {
	case len(key) == 9 && key[0] == idKey:
		return binary.BigEndian.Uint32(key[1:])/24 < first
	case len(key) > 0 && key[0] == placeKey:
		_, day, err := parseDayKey(key)
		return err == nil && day < first
	}
	return false
}
