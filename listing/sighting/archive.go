package sighting

import (
	"encoding/binary"
	"fmt"
	"iter"

	"dnsbld/listing"
)

// Archive keeps what an Engine counts, as values under keys that mean nothing
// to it. What it loses was counters; it must not tear a batch.
type Archive interface {
	// Scan yields the items whose key begins with prefix and is greater than
	// after, in order of key. It stops after an error. Items are not used after
	// the next step, nor once the loop has ended.
	Scan(prefix, after []byte) iter.Seq2[Item, error]

	// Save writes all items or none. An item without a value is deleted.
	Save(items []Item) error
}

// Item is one value of an Archive.
type Item struct{ Key, Value []byte }

// Keys: 'e' the engine's own figures; 'i' hour number: session ids of an hour;
// 'n' 4|6 place day: a day of
// a place, where 4 is an IPv4 address and 6 the high half of an IPv6 one. All numbers
// are big-endian, so that keys stand in the order of places and of time.
const (
	engineKey = 'e'
	idKey     = 'i'
	placeKey  = 'n'
)

func (p place) key() []byte {
	if !p.six {
		return binary.BigEndian.AppendUint32([]byte{placeKey, 4}, uint32(p.bits))
	}
	return binary.BigEndian.AppendUint64([]byte{placeKey, 6}, p.bits)
}

func (p place) dayKey(day uint32) []byte { return binary.BigEndian.AppendUint32(p.key(), day) }

// parseDayKey reads what dayKey wrote.
func parseDayKey(k []byte) (p place, day uint32, err error) {
	switch {
	case len(k) == 10 && k[0] == placeKey && k[1] == 4:
		p.bits = uint64(binary.BigEndian.Uint32(k[2:]))
	case len(k) == 14 && k[0] == placeKey && k[1] == 6:
		p = place{binary.BigEndian.Uint64(k[2:]), true}
	default:
		return p, 0, fmt.Errorf("key %x of the sightings: %w", k, listing.ErrCorrupt)
	}
	return p, binary.BigEndian.Uint32(k[len(k)-4:]), nil
}
