package zone

import (
	"encoding/binary"
	"slices"

	"github.com/miekg/dns"
)

// Header bits (RFC 1035, section 4.1.1).
const (
	headerSize = 12
	flagQR     = 0x80 // of octet 2
	flagAA     = 0x04
	flagTC     = 0x02
	flagRD     = 0x01
)

// request is a query, read in place.
type request struct {
	wire      []byte
	legible   bool // all sections could be read
	trailing  bool // something comes after them
	questions int
	end       int // of the question, if there is exactly one
	name      name
	qtype     uint16
	qclass    uint16
	opt       option
	signed    bool // a TSIG record is there
}

func (r *request) opcode() int { return int(r.wire[2] >> 3 & 0xf) }

// wellFormed reports whether all of the message could be read as what it should
// be, to its last octet.
func (r *request) wellFormed() bool { return r.legible && !r.trailing && !r.opt.bad }

// read takes a message apart. It looks at every record, for OPT may be any of
// them, and keeps nothing of the others.
func (r *request) read(wire []byte) {
	r.wire = wire
	r.questions = int(binary.BigEndian.Uint16(wire[4:]))
	off, ok := r.readQuestions()
	for section := 1; ok && section <= 3; section++ {
		for n := binary.BigEndian.Uint16(wire[4+2*section:]); ok && n > 0; n-- {
			off, ok = r.readRecord(off, section == 3)
		}
	}
	r.legible, r.trailing = ok, off != len(wire)
	if !ok {
		r.opt = option{} // what was read so far may be anything
	} else if r.opt.bad {
		r.opt.cookie = nil
	}
}

// readQuestions reads the question section. Of one question the name is kept, of
// more there is no answer that could name them.
func (r *request) readQuestions() (off int, ok bool) {
	off = headerSize
	for range r.questions {
		if r.questions == 1 {
			off, ok = r.name.read(r.wire, off)
		} else {
			off, ok = skipName(r.wire, off)
		}
		if !ok || off+4 > len(r.wire) {
			return 0, false
		}
		r.qtype, r.qclass = binary.BigEndian.Uint16(r.wire[off:]), binary.BigEndian.Uint16(r.wire[off+2:])
		off += 4
		r.end = off
	}
	return off, true
}

// readRecord steps over a record, and takes in OPT and that there is TSIG.
func (r *request) readRecord(off int, additional bool) (end int, ok bool) {
	const fixed = 10 // type, class, TTL and length
	owner := off
	off, ok = skipName(r.wire, off)
	if !ok || off+fixed > len(r.wire) {
		return 0, false
	}
	end = off + fixed + int(binary.BigEndian.Uint16(r.wire[off+8:]))
	if end > len(r.wire) {
		return 0, false
	}
	if binary.BigEndian.Uint16(r.wire[off:]) == dns.TypeOPT {
		r.opt.read(r.wire[off:off+fixed], r.wire[off+fixed:end])
		r.opt.bad = r.opt.bad || !additional || r.wire[owner] != 0
	}
	r.signed = r.signed || binary.BigEndian.Uint16(r.wire[off:]) == dns.TypeTSIG
	return end, true
}

// reply is what is to be answered.
type reply struct {
	kind   kind
	answer []dns.RR
	zone   *zone // that answers, if one does
	labels int   // of the name before the zone's
	serial uint32
	ede    uint16 // extended error (RFC 8914) for those who speak EDNS; 0: none
	cookie [wholeCookie]byte
	trust  trust // noCookie: none is sent

	listed   verdict   // of an address, for the counter of hits
	transfer *transfer // in place of an answer
}

func refused(ede uint16) reply { return reply{kind: kindRefused, ede: ede} }

// write appends the answer to dst. It reports whether it had to be cut to size.
func (r *request) write(dst []byte, a *reply, opt *dns.OPT, size int) (message []byte, truncated bool, err error) {
	w := writer{buf: dst[len(dst):]}
	w.header(r, a)
	if opt != nil {
		size -= dns.Len(opt)
	}
	question := len(w.buf)
	if err := w.records(r, a); err != nil {
		return nil, false, err
	}
	if truncated = len(w.buf) > size; truncated {
		w.buf = w.buf[:question]
		w.buf[2] |= flagTC
		clear(w.buf[6:10])
	}
	if opt != nil {
		if err := w.add(opt); err != nil {
			return nil, false, err
		}
		w.buf[11] = 1
	}
	return append(dst, w.buf...), truncated, nil
}

// writer writes a message.
type writer struct {
	buf   []byte         // from its first octet
	names map[string]int // that can be pointed to
}

// header writes the header, and the question as it was sent (RFC 1035, section
// 4.1.1): most clients compare it octet by octet, its case too.
func (w *writer) header(r *request, a *reply) {
	var h [headerSize]byte
	copy(h[:2], r.wire)
	h[2] = flagQR | byte(r.opcode()<<3) | r.wire[2]&flagRD
	if a.kind.authoritative() {
		h[2] |= flagAA
	}
	h[3] = byte(a.kind.rcode() & 0xf)
	w.buf = append(w.buf, h[:]...)
	if r.legible && r.questions == 1 {
		w.buf[5] = 1
		w.buf = append(w.buf, r.wire[headerSize:r.end]...)
	}
}

// records writes the answer section, and the authority section of a negative
// answer.
func (w *writer) records(r *request, a *reply) error {
	if len(a.answer) == 0 && !a.kind.negative() {
		return nil
	}
	w.names = map[string]int{}
	if a.zone != nil {
		w.names[a.zone.name] = headerSize + int(r.name.starts[a.labels])
	}
	for _, rr := range a.answer {
		w.names[rr.Header().Name] = headerSize
		if err := w.add(rr); err != nil {
			return err
		}
	}
	binary.BigEndian.PutUint16(w.buf[6:], uint16(len(a.answer)))
	if !a.kind.negative() {
		return nil
	}
	soa := a.zone.soa
	soa.Serial, soa.Hdr.Ttl = a.serial, min(a.zone.ttl, a.zone.negative) // RFC 2308, section 3
	binary.BigEndian.PutUint16(w.buf[8:], 1)
	return w.add(&soa)
}

func (w *writer) add(rr dns.RR) error {
	off, size := len(w.buf), dns.Len(rr)
	buf := slices.Grow(w.buf, size)[:off+size]
	end, err := dns.PackRR(rr, buf, off, w.names, true)
	if err != nil {
		return err
	}
	w.buf = buf[:end]
	return nil
}
