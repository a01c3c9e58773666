package sighting

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"dnsbld/listing"
)

// absent is something that is not in memory: the counters of a place, or the
// session ids of an hour. The lock is never held while it is read: a slow disk
// must not hold up sessions of others.
type absent interface {
	key() []byte         // under which the archive has it
	isIn(e *Engine) bool // by now; with mu held
	// read reads it, and gives what puts it into memory with mu held.
	read(e *Engine) (keep func(), err error)
}

// read brings something into memory. One goroutine reads it at a time, so that
// nothing that was counted meanwhile is overwritten by what was read before;
// the others wait. It may be gone again when read returns: look, and call read
// again.
func (e *Engine) read(what absent) error {
	key := string(what.key())
	e.mu.Lock()
	if what.isIn(e) {
		e.mu.Unlock()
		return nil
	}
	done, busy := e.reading[key]
	if !busy {
		done = make(chan struct{})
		e.reading[key] = done
	}
	e.mu.Unlock()
	if busy {
		<-done
		return nil
	}
	keep, err := what.read(e)
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.reading, key)
	close(done)
	if err == nil {
		keep()
	}
	return err
}

func (p place) isIn(e *Engine) bool { return e.records[p] != nil }

func (p place) read(e *Engine) (func(), error) {
	n, err := load(e.o.Archive, p, e.first())
	return func() {
		e.records[p] = n
		e.account(n)
	}, err
}

// first is the oldest day that is kept.
func (e *Engine) first() uint32 { return dayNumber(e.o.Now().Unix()) - keptDays + 1 }

// load reads what the archive has of one place.
func load(a Archive, p place, first uint32) (*record, error) {
	n := &record{place: p}
	for read, err := range records(a, p.key(), func(_ place, day uint32) bool { return day >= first }) {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.subject(unit{all: true}), err)
		}
		n = read
	}
	for _, d := range n.days {
		d.tidy(spanOf(d.number, first+keptDays-1))
		n.bogus = n.bogus || len(d.samples) > 0
	}
	return n, nil
}

// records yields what the archive has under a prefix, place by place, of the
// days that are wanted. It stops after an error.
func records(a Archive, prefix []byte, want func(p place, day uint32) bool) iter.Seq2[*record, error] {
	return func(yield func(*record, error) bool) {
		n := &record{}
		for item, err := range a.Scan(prefix, nil) {
			var p place
			var d *day
			if err == nil {
				p, d, err = decodeItem(item, want)
			}
			switch {
			case err != nil:
				yield(nil, fmt.Errorf("reading sightings: %w", err))
				return
			case d == nil:
				continue
			case len(n.days) > 0 && n.place != p:
				if !yield(n, nil) {
					return
				}
				n = &record{}
			}
			n.place, n.days = p, append(n.days, d)
		}
		if len(n.days) > 0 {
			yield(n, nil)
		}
	}
}

// decodeItem reads a day, if it is wanted; nil: it is not.
func decodeItem(item Item, want func(place, uint32) bool) (place, *day, error) {
	p, number, err := parseDayKey(item.Key)
	if err != nil || !want(p, number) {
		return p, nil, err
	}
	d, err := decodeDay(number, item.Value)
	return p, d, err
}

// absentHour is the number of an hour whose session ids are not in memory.
type absentHour uint32

func (number absentHour) key() []byte { return hourKey(uint32(number)) }

func (number absentHour) isIn(e *Engine) bool { return e.ids.hours[uint32(number)] != nil }

func (number absentHour) read(e *Engine) (func(), error) {
	h := &idHour{known: map[uint64]struct{}{}}
	for item, err := range e.o.Archive.Scan(number.key(), nil) {
		if err != nil {
			return nil, fmt.Errorf("reading session ids: %w", err)
		}
		if len(item.Key) != 9 || len(item.Value)%8 != 0 {
			return nil, fmt.Errorf("session ids under key %x: %w", item.Key, listing.ErrCorrupt)
		}
		for v := range slices.Chunk(item.Value, 8) {
			h.known[binary.BigEndian.Uint64(v)] = struct{}{}
		}
		h.chunks = binary.BigEndian.Uint32(item.Key[5:]) + 1
	}
	return func() { e.ids.keep(uint32(number), h) }, nil
}
