package zone

import (
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// probe is one line of the tables below.
type probe struct {
	name     string
	bits     func(*dns.MsgHdr)
	kind     string // of the question; empty: no question
	opt      bool
	version  uint8
	flags    uint16
	size     uint16
	options  []dns.EDNS0
	over     Transport
	rcode    int
	soa      bool // is in the answer
	wantDO   bool //
	wantOpts []uint16
}

// query is the probe as a message for bl.test.
func (p probe) query() *dns.Msg {
	q := new(dns.Msg)
	q.Id = dns.Id()
	if p.kind != "" {
		q.Question = []dns.Question{{Name: "bl.test.", Qtype: typeOf(p.kind), Qclass: dns.ClassINET}}
	}
	if p.bits != nil {
		p.bits(&q.MsgHdr)
	}
	if p.opt {
		size := p.size
		if size == 0 {
			size = 4096
		}
		q.Extra = []dns.RR{&dns.OPT{Option: p.options,
			Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: size, Ttl: uint32(p.version)<<16 | uint32(p.flags)}}}
	}
	return q
}

// options are the option codes of an answer.
func options(opt *dns.OPT) (codes []uint16) {
	for _, o := range opt.Option {
		if o.Option() != dns.EDNS0EDE {
			codes = append(codes, o.Option())
		}
	}
	return codes
}

func (p probe) check(t *testing.T, b *bench) {
	q := p.query()
	a := b.reply(q, p.over)
	soa := len(a.Answer) == 1 && a.Answer[0].Header().Rrtype == dns.TypeSOA
	switch {
	case a.Rcode != p.rcode:
		t.Errorf("rcode %s, want %s", dns.RcodeToString[a.Rcode], dns.RcodeToString[p.rcode])
	case a.Id != q.Id || !a.Response || a.Opcode != q.Opcode:
		t.Errorf("header: %v", a.MsgHdr)
	case soa != p.soa:
		t.Errorf("SOA in the answer: %v, want %v", soa, p.soa)
	case a.Authoritative != (p.rcode == dns.RcodeSuccess):
		t.Errorf("AA: %v", a.Authoritative)
	case a.RecursionDesired != q.RecursionDesired:
		t.Errorf("RD: %v", a.RecursionDesired)
	case a.RecursionAvailable || a.AuthenticatedData || a.CheckingDisabled || a.Zero || a.Truncated:
		t.Errorf("RA, AD, CD, Z or TC: %v", a.MsgHdr)
	}
	opt := a.IsEdns0()
	if (opt != nil) != p.opt {
		t.Fatalf("OPT in the answer: %v, want %v", opt, p.opt)
	}
	if opt == nil {
		return
	}
	if opt.Version() != 0 || opt.Do() != p.wantDO || opt.Hdr.Ttl&0x7fff != 0 || opt.Hdr.Class != ednsSize {
		t.Errorf("OPT: %v", opt)
	}
	if got := options(opt); !slices.Equal(got, p.wantOpts) {
		t.Errorf("options %v, want %v", got, p.wantOpts)
	}
}

func optionsOfAllKinds() []dns.EDNS0 {
	return []dns.EDNS0{
		&dns.EDNS0_NSID{Code: dns.EDNS0NSID},
		&dns.EDNS0_LOCAL{Code: dns.EDNS0EXPIRE},
		&dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte{0, 1, 0, 0}},
		&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"},
		&dns.EDNS0_LOCAL{Code: dns.EDNS0TCPKEEPALIVE},
		&dns.EDNS0_PADDING{Padding: make([]byte, 16)},
		&dns.EDNS0_LOCAL{Code: 14}, // edns-key-tag
	}
}

var unknownOption = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: 100, Data: []byte{}}}

// M6: the tests of ISC's EDNS compliance tester.
func TestM6ISC(t *testing.T) {
	b := newServer(t, config(t), "")
	const do, mbz = 1 << 15, 0x40
	for _, p := range []probe{
		{name: "dns: plain", kind: "SOA", soa: true},
		{name: "aa: AA set in the query", kind: "SOA", bits: func(h *dns.MsgHdr) { h.Authoritative = true }, soa: true},
		{name: "ad", kind: "SOA", bits: func(h *dns.MsgHdr) { h.AuthenticatedData = true }, soa: true},
		{name: "cd", kind: "SOA", bits: func(h *dns.MsgHdr) { h.CheckingDisabled = true }, soa: true},
		{name: "ra", kind: "SOA", bits: func(h *dns.MsgHdr) { h.RecursionAvailable = true }, soa: true},
		{name: "rd", kind: "SOA", bits: func(h *dns.MsgHdr) { h.RecursionDesired = true }, soa: true},
		{name: "tc", kind: "SOA", bits: func(h *dns.MsgHdr) { h.Truncated = true }, soa: true},
		{name: "zflag", kind: "SOA", bits: func(h *dns.MsgHdr) { h.Zero = true }, soa: true},
		{name: "opcode: 15 without a question", bits: func(h *dns.MsgHdr) { h.Opcode = 15 }, rcode: dns.RcodeNotImplemented},
		{name: "opcodeflg: 15 and all flags", bits: func(h *dns.MsgHdr) {
			*h = dns.MsgHdr{Id: h.Id, Opcode: 15, Truncated: true, RecursionDesired: true, RecursionAvailable: true, Zero: true, AuthenticatedData: true, CheckingDisabled: true, Authoritative: true}
		}, rcode: dns.RcodeNotImplemented},
		{name: "type666: a type that is not known", kind: "TYPE666"},
		{name: "tcp", kind: "SOA", over: TCP, soa: true},
		{name: "edns", kind: "SOA", opt: true, soa: true},
		{name: "edns1: BADVERS", kind: "SOA", opt: true, version: 1, rcode: dns.RcodeBadVers},
		{name: "edns@512: fits or is cut, OPT stays", kind: "DNSKEY", opt: true, size: 512, flags: do, wantDO: true},
		{name: "ednsopt: an option that is not known", kind: "SOA", opt: true, options: unknownOption, soa: true},
		{name: "edns1opt", kind: "SOA", opt: true, version: 1, options: unknownOption, rcode: dns.RcodeBadVers},
		{name: "do", kind: "SOA", opt: true, flags: do, wantDO: true, soa: true},
		{name: "edns1do", kind: "SOA", opt: true, version: 1, flags: do, wantDO: true, rcode: dns.RcodeBadVers},
		{name: "ednsflags", kind: "SOA", opt: true, flags: mbz, soa: true},
		{name: "edns1flags", kind: "SOA", opt: true, version: 1, flags: mbz, rcode: dns.RcodeBadVers},
		{name: "optlist: options of all kinds", kind: "SOA", opt: true, options: optionsOfAllKinds(), soa: true, wantOpts: []uint16{dns.EDNS0COOKIE}},
		{name: "ednsnsid", kind: "SOA", opt: true, options: optionsOfAllKinds()[:1], soa: true},
		{name: "ednscookie", kind: "SOA", opt: true, options: optionsOfAllKinds()[3:4], soa: true, wantOpts: []uint16{dns.EDNS0COOKIE}},
		{name: "ednsexpire", kind: "SOA", opt: true, options: optionsOfAllKinds()[1:2], soa: true},
		{name: "ednssubnet", kind: "SOA", opt: true, options: optionsOfAllKinds()[2:3], soa: true},
		{name: "ednstcp", kind: "SOA", opt: true, over: TCP, soa: true},
		{name: "signed: DO over TCP", kind: "SOA", opt: true, flags: do, wantDO: true, over: TCP, soa: true},
		{name: "bind11: all of it", kind: "SOA", opt: true, version: 1, flags: do | mbz, options: optionsOfAllKinds(), wantDO: true, rcode: dns.RcodeBadVers},
	} {
		t.Run(p.name, func(t *testing.T) { p.check(t, b) })
	}
}

// M6: the tests of RFC 8906, section 8.
func TestM6RFC8906(t *testing.T) {
	b := newServer(t, config(t), "")
	const do, mbz = 1 << 15, 0x40
	for _, p := range []probe{
		{name: "8.1.1 is the server configured for the zone", kind: "SOA", soa: true},
		{name: "8.1.2 unknown types", kind: "TYPE1000"},
		{name: "8.1.3.1 CD=1", kind: "SOA", bits: func(h *dns.MsgHdr) { h.CheckingDisabled = true }, soa: true},
		{name: "8.1.3.2 AD=1", kind: "SOA", bits: func(h *dns.MsgHdr) { h.AuthenticatedData = true }, soa: true},
		{name: "8.1.3.3 reserved bit", kind: "SOA", bits: func(h *dns.MsgHdr) { h.Zero = true }, soa: true},
		{name: "8.1.3.4 recursive queries", kind: "SOA", bits: func(h *dns.MsgHdr) { h.RecursionDesired = true }, soa: true},
		{name: "8.1.4 unknown opcodes", bits: func(h *dns.MsgHdr) { h.Opcode = 15 }, rcode: dns.RcodeNotImplemented},
		{name: "8.1.5 TCP", kind: "SOA", over: TCP, soa: true},
		{name: "8.2.1 minimal EDNS", kind: "SOA", opt: true, soa: true},
		{name: "8.2.2 EDNS version negotiation", kind: "SOA", opt: true, version: 1, rcode: dns.RcodeBadVers},
		{name: "8.2.3 unknown EDNS options", kind: "SOA", opt: true, options: unknownOption, soa: true},
		{name: "8.2.4 unknown EDNS flags", kind: "SOA", opt: true, flags: mbz, soa: true},
		{name: "8.2.5 version negotiation with unknown flags", kind: "SOA", opt: true, version: 1, flags: mbz, rcode: dns.RcodeBadVers},
		{name: "8.2.6 version negotiation with unknown options", kind: "SOA", opt: true, version: 1, options: unknownOption, rcode: dns.RcodeBadVers},
		{name: "8.2.7 truncated responses", kind: "DNSKEY", opt: true, flags: do, size: 512, wantDO: true},
		{name: "8.2.8 DO=1", kind: "SOA", opt: true, flags: do, wantDO: true, soa: true},
		{name: "8.2.9 version negotiation with DO=1", kind: "SOA", opt: true, version: 1, flags: do, wantDO: true, rcode: dns.RcodeBadVers},
		{name: "8.2.10 multiple defined options", kind: "SOA", opt: true, options: optionsOfAllKinds(), soa: true, wantOpts: []uint16{dns.EDNS0COOKIE}},
	} {
		t.Run(p.name, func(t *testing.T) { p.check(t, b) })
	}
}
