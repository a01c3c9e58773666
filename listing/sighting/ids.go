package sighting

import (
	"encoding/binary"
	"slices"
)

// ids remembers which sessions were reported: keyed hashes of receiver and id, by
// the hour of the session. Hours that were stored may be forgotten and are read
// again when a session of theirs is reported.
type ids struct {
	hours map[uint32]*idHour
	total int
	clock uint64 // of use
}

type idHour struct {
	known  map[uint64]struct{}
	fresh  []freshID // not yet stored
	saving int       // of fresh, on their way
	chunks uint32    // stored
	used   uint64
}

// freshID is stored together with what its session did to its place's counters.
type freshID struct {
	id uint64
	at place
}

func hourKey(hour uint32) []byte { return binary.BigEndian.AppendUint32([]byte{idKey}, hour) }

func newIDs() *ids { return &ids{hours: map[uint32]*idHour{}} }

// hour gives the ids of an hour; nil: they must be read.
func (s *ids) hour(number uint32) *idHour {
	s.clock++
	h := s.hours[number]
	if h != nil {
		h.used = s.clock
	}
	return h
}

// keep puts the ids of an hour into memory.
func (s *ids) keep(number uint32, h *idHour) {
	h.used = s.clock
	s.hours[number] = h
	s.total += len(h.known)
}

func (s *ids) add(h *idHour, id uint64, at place) {
	h.known[id] = struct{}{}
	h.fresh = append(h.fresh, freshID{id, at})
	s.total++
}

// forget lets go of stored hours, those used longest ago first, until no more
// than most ids are known.
func (s *ids) forget(most int) {
	for s.total > most {
		oldest, found := uint32(0), false
		for number, h := range s.hours {
			if len(h.fresh) == 0 && h.used != s.clock && (!found || h.used < s.hours[oldest].used) {
				oldest, found = number, true
			}
		}
		if !found {
			return
		}
		s.total -= len(s.hours[oldest].known)
		delete(s.hours, oldest)
	}
}

// save gives the items that store what is new, of the places that are ready.
func (s *ids) save(items []Item, ready func(place) bool) []Item {
	for number, h := range s.hours {
		if len(h.fresh) == 0 {
			continue
		}
		var value []byte
		for i, f := range h.fresh {
			if ready(f.at) {
				value = binary.BigEndian.AppendUint64(value, f.id)
				h.fresh[i], h.fresh[h.saving] = h.fresh[h.saving], f
				h.saving++
			}
		}
		if h.saving > 0 {
			items = append(items, Item{binary.BigEndian.AppendUint32(hourKey(number), h.chunks), value})
		}
	}
	return items
}

// saved takes note of what became of save's items.
func (s *ids) saved(ok bool) {
	for _, h := range s.hours {
		if ok && h.saving > 0 {
			if h.fresh = slices.Clone(h.fresh[h.saving:]); len(h.fresh) == 0 {
				h.fresh = nil
			}
			h.chunks++
		}
		h.saving = 0
	}
}

// lose gives up storing what could not be.
func (s *ids) lose() {
	for _, h := range s.hours {
		h.fresh = nil
	}
}
