package sighting

import (
	"encoding/binary"
	"fmt"
	"slices"

	"dnsbld/listing"
)

// ids remembers which sessions were told: keyed hashes of receiver and id, by
// the hour of the session. Hours that were stored may be forgotten and are read
// again when a session of theirs is told.
type ids struct {
	hours map[uint32]*idHour
	total int
	clock uint64 // of use
}

type idHour struct {
	known  map[uint64]struct{}
	fresh  []uint64 // not yet stored
	saving int      // of fresh, on their way
	chunks uint32   // stored
	used   uint64
}

func hourKey(hour uint32) []byte { return binary.BigEndian.AppendUint32([]byte{idKey}, hour) }

func newIDs() *ids { return &ids{hours: map[uint32]*idHour{}} }

// hour finds the ids of an hour, in the archive if need be.
func (s *ids) hour(a Archive, number uint32) (*idHour, error) {
	s.clock++
	if h := s.hours[number]; h != nil {
		h.used = s.clock
		return h, nil
	}
	h := &idHour{known: map[uint64]struct{}{}, used: s.clock}
	for item, err := range a.Scan(hourKey(number), nil) {
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
	s.hours[number] = h
	s.total += len(h.known)
	return h, nil
}

func (s *ids) add(h *idHour, id uint64) {
	h.known[id] = struct{}{}
	h.fresh = append(h.fresh, id)
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

// save gives the items that store what is new.
func (s *ids) save(items []Item) []Item {
	for number, h := range s.hours {
		if len(h.fresh) == 0 {
			continue
		}
		value := make([]byte, 0, 8*len(h.fresh))
		for _, id := range h.fresh {
			value = binary.BigEndian.AppendUint64(value, id)
		}
		items = append(items, Item{binary.BigEndian.AppendUint32(hourKey(number), h.chunks), value})
		h.saving = len(h.fresh)
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
