package zone

import (
	"encoding/binary"
	"net/netip"

	"dnsbld/listing/index"

	"github.com/miekg/dns"
)

// wireQuery is a query that the wire path answers, as far as it is known before
// the list is looked at.
type wireQuery struct {
	zone        *zone
	addr        netip.Addr  // that the name is of, as it is listed; the zero one if of none
	spot        *index.Spot // of addr
	qtype       uint16
	end, zoneAt uint16 // of the question, and where in it the zone's name begins
	limit       uint16 // of the answer
	parent      bool   // the name has names below it
	edns, do    bool
	trust       trust
	refuse      bool // until it has a good cookie
	cookie      [wholeCookie]byte
}

// read takes a query apart. It reports false for all that the message path is
// to answer. r is only there to be used again.
func (q *wireQuery) read(r *request, t *tables, set *index.Set, raw []byte, from netip.Addr, now uint32) bool {
	r.opt, r.signed = option{}, false
	if r.read(raw); !r.plain() || (r.opt.nsid && t.nsid != "") {
		return false
	}
	q.end, q.qtype = uint16(r.end), r.qtype
	q.edns, q.do, q.limit = r.opt.present, r.opt.do, uint16(r.opt.limit(UDP))
	q.cookie, q.trust = t.jar.reply(r.opt.cookie, from, now)
	if q.refuse = t.jar.demands(q.trust); q.refuse {
		q.addr = netip.Addr{}
		return true
	}
	z, labels := t.match(&r.name, 0)
	if z == nil || !r.list() || z.node(&r.name, labels) != nil {
		return false
	}
	q.zone, q.zoneAt = z, uint16(headerSize)+uint16(r.name.starts[labels])
	var address bool
	if q.addr, address = r.name.address(labels); !address {
		q.addr = netip.Addr{}
	}
	q.parent = labels < 32 && z.exists(set, &r.name, labels)
	return true
}

// list reports whether a query is of the class and a type that a list has or
// might have: no transfer.
func (r *request) list() bool {
	return r.qclass == dns.ClassINET && !r.transfers()
}

func (r *request) transfers() bool { return r.qtype == dns.TypeAXFR || r.qtype == dns.TypeIXFR }

// plain reports whether a query is one that could be read, unsigned, with one
// question and an EDNS version that is known.
func (r *request) plain() bool {
	return r.opcode() == dns.OpcodeQuery && r.wellFormed() && !r.signed && r.questions == 1 && r.opt.version == 0
}

// answer puts the answer in the place of the query, of which the question
// stays. It reports false, and has changed nothing, if the message path is to
// answer.
func (q *wireQuery) answer(b []byte, set *index.Set, now uint32, in *scratch) (message []byte, k kind, truncated, ok bool) {
	if q.refuse {
		b = q.finish(b[:q.end], kindBadCookie, 0)
		return b, kindBadCookie, false, true
	}
	records := 0
	b, k, records, ok = q.records(b[:q.end], set, now, in)
	if !ok {
		return nil, 0, false, false
	}
	if truncated = len(b)+q.optSize() > int(q.limit); truncated {
		b, records = b[:q.end], 0
	}
	b = q.finish(b, k, records)
	if truncated {
		b[2] |= flagTC
		clear(b[8:10])
	}
	return b, k, truncated, true
}

// records writes the answer section or the authority section.
func (q *wireQuery) records(b []byte, set *index.Set, now uint32, in *scratch) (message []byte, k kind, records int, ok bool) {
	var v verdict
	if q.addr.IsValid() {
		v = q.zone.judge(set, q.addr, q.spot, now, in)
	}
	if len(v.reasons) > 0 {
		if in.asked != nil && !v.fixed {
			if weight := in.asked.Due(); weight > 0 {
				q.zone.sample(in.asked, &v, weight, now)
			}
		}
		switch q.qtype {
		case dns.TypeA, dns.TypeANY:
			return appendA(b, v), kindListed, len(v.reasons), true
		case dns.TypeTXT:
			if !q.sayable(v) {
				return nil, 0, 0, false
			}
			return q.appendTXT(b, v), kindListed, len(v.reasons), true
		}
	}
	k = kindNXDomain
	if q.parent || len(v.reasons) > 0 {
		k = kindNoData
	}
	return q.zone.parts.appendSOA(b, q.zoneAt, q.zone.serial(set)), k, 0, true
}

// finish writes what stands before the records and what stands after them.
func (q *wireQuery) finish(b []byte, k kind, records int) []byte {
	b[2] = flagQR | b[2]&flagRD
	b[3] = byte(k.rcode() & 0xf)
	if k.authoritative() {
		b[2] |= flagAA
	}
	counts := b[6:headerSize]
	clear(counts)
	binary.BigEndian.PutUint16(counts, uint16(records))
	if k.negative() {
		counts[3] = 1
	}
	if q.edns {
		counts[5] = 1
		b = q.appendOPT(b, k)
	}
	return b
}

// appendA writes the A records: the owner, a pointer to the question; type,
// class, TTL, length and address.
func appendA(b []byte, v verdict) []byte {
	for n := range v.reasons {
		b = append(b, 0xc0, headerSize, 0, byte(dns.TypeA), 0, dns.ClassINET,
			byte(v.ttl>>24), byte(v.ttl>>16), byte(v.ttl>>8), byte(v.ttl), 0, 4, 127, 0, 0, byte(v.reasons[n].reason))
	}
	return b
}

// sayable reports whether all texts are known ahead. Those of entries that
// have one of their own are not.
func (q *wireQuery) sayable(v verdict) bool {
	for n := range v.reasons {
		if !v.reasons[n].text.IsZero() {
			_, test := q.zone.point(q.addr)
			return test
		}
	}
	return true
}

// appendTXT writes the TXT records.
func (q *wireQuery) appendTXT(b []byte, v verdict) []byte {
	const lengthAt, textAt = 11, 13 // octets in a record; a text is no longer than listing.MaxTXT
	for n := range v.reasons {
		s := &v.reasons[n]
		start := len(b)
		b = append(b, 0xc0, headerSize, 0, byte(dns.TypeTXT), 0, dns.ClassINET,
			byte(v.ttl>>24), byte(v.ttl>>16), byte(v.ttl>>8), byte(v.ttl), 0, 0, 0)
		b = q.zone.parts.appendText(b, s)
		size := len(b) - start - textAt
		b[start+lengthAt], b[start+lengthAt+1] = byte(size+1), byte(size)
	}
	return b
}

func (p *parts) appendText(b []byte, s *shown) []byte {
	if !s.text.IsZero() {
		return append(b, p.tests[s.reason]...)
	}
	start := len(b)
	if s.prefix.IsSingleIP() {
		b = s.prefix.Addr().AppendTo(b)
	} else {
		b = s.prefix.AppendTo(b)
	}
	end := len(b)
	behind := &p.texts[s.reason][end-start]
	b = append(b, behind.text...)
	if behind.page {
		b = append(b, b[start:end]...)
	}
	return b
}

// appendSOA writes the SOA record of a zone whose name begins at an octet.
func (p *parts) appendSOA(b []byte, zoneAt uint16, serial uint32) []byte {
	const behind = 20 // octets from the serial to the end
	start := len(b)
	b = append(b, p.soa...)
	record := b[start:]
	for _, l := range p.links {
		binary.BigEndian.PutUint16(record[l.at:], 0xc000|(zoneAt+l.to))
	}
	binary.BigEndian.PutUint32(record[len(record)-behind:], serial)
	return b
}

// Sizes of OPT in octets: alone, and with a cookie.
const (
	optSize       = 11
	optCookieSize = optSize + 4 + wholeCookie
)

func (q *wireQuery) optSize() int {
	switch {
	case !q.edns:
		return 0
	case q.trust == noCookie:
		return optSize
	}
	return optCookieSize
}

// appendOPT writes the OPT record (RFC 6891, section 6.1.2).
func (q *wireQuery) appendOPT(b []byte, k kind) []byte {
	do := byte(0)
	if q.do {
		do = 0x80
	}
	extended := byte(k.rcode() >> 4)
	if q.trust == noCookie {
		return append(b, 0, 0, byte(dns.TypeOPT), ednsSize>>8, ednsSize&0xff, extended, 0, do, 0, 0, 0)
	}
	b = append(b, 0, 0, byte(dns.TypeOPT), ednsSize>>8, ednsSize&0xff, extended, 0, do, 0, 0, 4+wholeCookie,
		0, dns.EDNS0COOKIE, 0, wholeCookie)
	return append(b, q.cookie[:]...)
}
