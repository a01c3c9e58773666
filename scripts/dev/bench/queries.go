package main

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
)

// DNS numbers (RFC 1035, sections 3.2 and 4.1; RFC 6891).
const (
	headerLen    = 12
	typeA        = 1
	typeTXT      = 16
	typeSOA      = 6
	typeOPT      = 41
	classIN      = 1
	rcodeOK      = 0
	rcodeMissing = 3
	optLen       = 11
	udpSize      = 1232
)

// want says what a right answer to a query is.
type want uint8

const (
	wantListed want = 1 << iota
	wantTXT
	wantEDNS // the query carries OPT with DO
)

// A query is a finished packet within pool.wire.
type query struct {
	off  uint32
	n    uint16
	want want
}

// A pool holds queries as they go on the wire, except for the id, which the generator writes in place.
type pool struct {
	wire    []byte
	queries []query
}

func (p *pool) packet(i int) []byte {
	q := p.queries[i]
	return p.wire[q.off : int(q.off)+int(q.n)]
}

// coverage says which parts of the list a server can hold. A query it could not answer becomes one for a host.
type coverage struct{ spans, v6 bool }

// Shares of the mix, in percent.
const (
	shareHit     = 30
	shareTXT     = 10
	shareEDNS    = 30
	shareV6      = 2
	shareSpanHit = 10 // of the IPv4 hits
)

// newPool draws n queries: 30 % hits; 60 % A, 10 % TXT, 30 % A with EDNS and DO.
func newPool(d *dataset, seed uint64, zone string, n int, cover coverage) *pool {
	r := stream(seed, streamQueries)
	p := &pool{wire: make([]byte, 0, n*56), queries: make([]query, 0, n)}
	suffix := wireName(zone)
	for range n {
		var w want
		if r.IntN(100) < shareHit {
			w = wantListed
		}
		switch k := r.IntN(100); {
		case k < shareTXT:
			w |= wantTXT
		case k < shareTXT+shareEDNS:
			w |= wantEDNS
		}
		p.add(d.pick(r, w&wantListed != 0, cover), suffix, w)
	}
	return p
}

// onlyQuery is a pool of one, for asking whether a server is there.
func onlyQuery(a netip.Addr, zone string, w want) *pool {
	p := &pool{}
	p.add(a, wireName(zone), w)
	return p
}

func (p *pool) add(a netip.Addr, suffix []byte, w want) {
	off := len(p.wire)
	p.wire = appendQuery(p.wire, a, suffix, w)
	p.queries = append(p.queries, query{uint32(off), uint16(len(p.wire) - off), w})
}

// pick draws an address that is listed, or one that is not. It draws as often from r whatever the coverage is, as far
// as can be, so that pools of different coverage differ little.
func (d *dataset) pick(r *rand.Rand, listed bool, cover coverage) netip.Addr {
	ofV6, ofSpans := d.shares()
	v6, span := r.IntN(100) < ofV6, r.IntN(100) < ofSpans
	switch {
	case v6 && cover.v6:
		return d.pick6(r, listed)
	case !listed:
		return addr4(d.miss4(r))
	case span && cover.spans:
		s := d.spans[r.IntN(len(d.spans))]
		return addr4(s.addr | r.Uint32()>>s.bits)
	default:
		return addr4(d.hosts[r.IntN(len(d.hosts))])
	}
}

// miss4 finds a free address: half of them are neighbours of a listed host, half lie anywhere.
func (d *dataset) miss4(r *rand.Rand) uint32 {
	near := r.IntN(2) == 0
	for {
		a := (16+r.Uint32N(208))<<24 | r.Uint32N(1<<24)
		if near {
			a = d.hosts[r.IntN(len(d.hosts))]&^255 | r.Uint32N(256)
		}
		if !d.listed4(a) && a>>24 != 127 {
			return a
		}
		near = near && r.IntN(8) != 0 // a /24 may be full
	}
}

func (d *dataset) pick6(r *rand.Rand, listed bool) netip.Addr {
	if !listed && d.nets {
		p := drawNet6(r)
		for _, found := slices.BinarySearchFunc(d.v6, p, netip.Prefix.Compare); found; _, found = slices.BinarySearchFunc(d.v6, p, netip.Prefix.Compare) {
			p = drawNet6(r)
		}
		return p.Addr()
	}
	if !listed {
		return addr6(uint16(r.UintN(1<<12)), uint16(1<<15|r.UintN(1<<15)), r.Uint64())
	}
	p := d.v6[r.IntN(len(d.v6))]
	if p.Bits() == 128 {
		return p.Addr()
	}
	b := p.Addr().As16()
	binary.BigEndian.PutUint64(b[8:], r.Uint64())
	return netip.AddrFrom16(b)
}

// appendQuery appends a whole packet with id 0: RD clear, as a resolver asks an authoritative server.
func appendQuery(b []byte, a netip.Addr, suffix []byte, w want) []byte {
	additional := byte(0)
	if w&wantEDNS != 0 {
		additional = 1
	}
	b = append(b, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, additional)
	b = appendName(b, a)
	b = append(b, suffix...)
	t := uint16(typeA)
	if w&wantTXT != 0 {
		t = typeTXT
	}
	b = binary.BigEndian.AppendUint16(b, t)
	b = binary.BigEndian.AppendUint16(b, classIN)
	if w&wantEDNS != 0 {
		b = append(b, 0, 0, typeOPT, udpSize>>8, udpSize&255, 0, 0, 0x80, 0, 0, 0)
	}
	return b
}

// appendName appends the reversed labels of an address (RFC 5782, sections 2.1 and 2.4).
func appendName(b []byte, a netip.Addr) []byte {
	var text []byte
	if a.Is4() {
		v := a.As4()
		text = appendReversed4(nil, binary.BigEndian.Uint32(v[:]), 32)
	} else {
		text = appendReversed6(nil, netip.PrefixFrom(a, 128))
	}
	return appendLabels(b, string(text))
}

// wireName is a domain name without compression, root label included.
func wireName(name string) []byte {
	return append(appendLabels(nil, strings.TrimSuffix(name, ".")), 0)
}

func appendLabels(b []byte, name string) []byte {
	for label := range strings.SplitSeq(name, ".") {
		b = append(b, byte(len(label)))
		b = append(b, label...)
	}
	return b
}
