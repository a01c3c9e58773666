package sighting

import (
	"encoding/binary"
	"fmt"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

// A day is stored as its version in an octet and four lists, each a count and
// its items. Numbers are unsigned varints (encoding/binary), texts have their
// length before them, and "octet" is one:
//
//	cell     time, code octet, strength octet, receiver octet, flags octet,
//	         sessions, host, target
//	greeting hour octet, HELO, sessions, bogus ones of these
//	target   target, reason octet, text
//	sample   reason octet, host, session id, time, receiver, HELO, verdict, DNS
//
// Times are seconds since the day began. Codes and receivers stand by numbers:
// codeNames has the former, the engine's own figures the latter. A change of
// the order or of the meaning takes another version, and a reader of both.
const dayVersion = 1

func (d *day) encode() []byte {
	b := make([]byte, 0, 16+12*len(d.cells)+32*len(d.greets))
	start := int64(d.number) * secondsADay
	b = binary.AppendUvarint(append(b, dayVersion), uint64(len(d.cells)))
	for i := range d.cells {
		c := &d.cells[i]
		b = binary.AppendUvarint(b, uint64(c.at-start))
		b = append(b, byte(c.code), byte(c.strength), c.receiver, byte(c.flags))
		b = binary.AppendUvarint(b, uint64(c.n))
		b = binary.AppendUvarint(b, c.host)
		b = binary.AppendUvarint(b, uint64(c.target))
	}
	b = binary.AppendUvarint(b, uint64(len(d.greets)))
	for _, g := range d.greets {
		b = appendText(append(b, g.hour), g.name)
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(g.n)), uint64(g.bogus))
	}
	b = binary.AppendUvarint(b, uint64(len(d.targets)))
	for _, t := range d.targets {
		b = appendText(append(binary.AppendUvarint(b, uint64(t.target)), byte(t.reason)), t.text)
	}
	b = binary.AppendUvarint(b, uint64(len(d.samples)))
	for _, s := range d.samples {
		b = binary.AppendUvarint(append(b, byte(s.reason)), s.host)
		b = binary.AppendUvarint(binary.AppendUvarint(b, s.id), uint64(s.Time.Unix()-start))
		for _, text := range []string{s.Receiver, s.HELO, s.Verdict, s.DNS} {
			b = appendText(b, text)
		}
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decodeDay reads what encode wrote. It fails with listing.ErrCorrupt.
func decodeDay(number uint32, raw []byte) (*day, error) {
	r := &reader{b: raw}
	if v := r.octet(); v != dayVersion {
		return nil, fmt.Errorf("sightings of day %d: version %d: %w", number, v, listing.ErrCorrupt)
	}
	d := &day{number: number}
	start := int64(number) * secondsADay
	for range r.count(9) {
		c := cell{at: start + r.within(secondsADay), code: codeNumber(r.octet()), strength: helo.Strength(r.octet()),
			receiver: r.octet(), flags: flags(r.octet()), n: r.u32(), host: r.number(), target: r.u32()}
		d.cells = append(d.cells, c)
	}
	d.tidied, d.span = len(d.cells), 1
	for range r.count(4) {
		d.greets = append(d.greets, greeting{hour: r.octet(), name: r.text(), n: r.u32(), bogus: r.u32()})
	}
	for range r.count(3) {
		d.targets = append(d.targets, named{target: r.u32(), reason: listing.Reason(r.octet()), text: r.text()})
	}
	for range r.count(8) {
		s := sample{reason: listing.Reason(r.octet()), host: r.number(), id: r.number()}
		s.Time = time.Unix(start+r.within(secondsADay), 0).UTC()
		s.Receiver, s.HELO, s.Verdict, s.DNS = r.text(), r.text(), r.text(), r.text()
		d.samples = append(d.samples, s)
	}
	if r.bad || len(r.b) > 0 {
		return nil, fmt.Errorf("sightings of day %d: %w", number, listing.ErrCorrupt)
	}
	return d, nil
}

// reader takes values off the front of b; after a mistake it gives zeros.
type reader struct {
	b   []byte
	bad bool
}

// fail has everything that is read from here on be zero.
func (r *reader) fail() {
	r.b, r.bad = nil, true
}

func (r *reader) octet() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// within reads a number that is less than limit.
func (r *reader) within(limit uint64) int64 {
	v := r.number()
	if v >= limit {
		r.fail()
		return 0
	}
	return int64(v)
}

func (r *reader) u32() uint32 { return uint32(r.within(1 << 32)) }

// count reads how many items follow, each of at least so many bytes.
func (r *reader) count(least int) int {
	v := r.number()
	if v > uint64(len(r.b)/least) {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *reader) text() string {
	n := r.count(1)
	if r.bad {
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}
