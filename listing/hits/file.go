package hits

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"time"

	"dnsbld/listing"
)

// The table as a file, numbers in network order:
//
//	"dnsbld hits 1\n"
//	since, forgot: Unix seconds, 4 octets each
//	a record of 34 octets for each listing: address (16, IPv4 as mapped into IPv6),
//	length of the prefix (1), reason (1), count (8), first and last (4 each)
//	CRC-32C of all before (4)

const (
	magic      = "dnsbld hits 1\n"
	headSize   = len(magic) + 8
	recordSize = 16 + 1 + 1 + 8 + 4 + 4
	sumSize    = 4
)

// errDamaged is a file that was not written by Encode.
var errDamaged = errors.New("it is no table of hits, or damaged")

// Encode is the table, without those who were asked for too long ago.
func (c *Counter) Encode(now time.Time) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
	old := uint32(max(0, now.Add(-keptFor).Unix()))
	for k, r := range c.table {
		if r.last < old {
			delete(c.table, k)
			c.forgot = max(c.forgot, r.last)
		}
	}
	b := make([]byte, 0, headSize+recordSize*len(c.table)+sumSize)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, c.since), c.forgot)
	for k, r := range c.table {
		b = append(append(b, k.addr[:]...), k.bits, byte(k.Reason))
		b = binary.BigEndian.AppendUint64(b, r.count)
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, r.first), r.last)
	}
	return binary.BigEndian.AppendUint32(b, checksum(b))
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// Merge adds what was counted before. With an error nothing was added.
func (c *Counter) Merge(raw []byte) error {
	body := len(raw) - sumSize
	if body < headSize || (body-headSize)%recordSize != 0 || !strings.HasPrefix(string(raw[:headSize]), magic) ||
		binary.BigEndian.Uint32(raw[body:]) != checksum(raw[:body]) {
		return errDamaged
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since = min(c.since, binary.BigEndian.Uint32(raw[len(magic):]))
	c.forgot = max(c.forgot, binary.BigEndian.Uint32(raw[len(magic)+4:]))
	for at := headSize; at < body; at += recordSize {
		b := raw[at:]
		c.add(Key{[16]byte(b), b[16], listing.Reason(b[17])},
			record{binary.BigEndian.Uint64(b[18:]), binary.BigEndian.Uint32(b[26:]), binary.BigEndian.Uint32(b[30:])})
	}
	return nil
}
