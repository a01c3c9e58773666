package zone

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/miekg/dns"
)

// Sizes of messages in octets.
const (
	plainSize = 512   // over UDP without EDNS (RFC 1035, section 2.3.4)
	ednsSize  = 1232  // over UDP at the most: it is not fragmented on the way
	tcpSize   = 65535 // over TCP
)

// Extended errors (RFC 8914, section 4).
const (
	edeNotReady         = dns.ExtendedErrorCodeNotReady
	edeProhibited       = dns.ExtendedErrorCodeProhibited
	edeNotAuthoritative = dns.ExtendedErrorCodeNotAuthoritative
	edeNotSupported     = dns.ExtendedErrorCodeNotSupported
)

// option is the OPT record of a query (RFC 6891).
type option struct {
	present   bool
	bad       bool // malformed, out of place, or not the only one
	version   uint8
	do        bool
	size      uint16 // that the client takes over UDP
	nsid      bool   // asked for
	keepalive bool   // asked for
	cookie    []byte // the first COOKIE option, in the query; nil: none, or bad
}

// read takes in an OPT record: its type, class, TTL and length, and its data.
// Of a version that is not known, the data is not either.
func (o *option) read(fixed, data []byte) {
	if o.present {
		o.bad = true
		return
	}
	o.present = true
	o.size = binary.BigEndian.Uint16(fixed[2:])
	o.version = fixed[5]
	o.do = fixed[6]&0x80 != 0
	if o.version != 0 {
		return
	}
	for len(data) > 0 {
		if len(data) < 4 {
			o.bad = true
			return
		}
		code, length := binary.BigEndian.Uint16(data), int(binary.BigEndian.Uint16(data[2:]))
		if data = data[4:]; length > len(data) {
			o.bad = true
			return
		}
		switch code {
		case dns.EDNS0NSID:
			o.nsid = true
		case dns.EDNS0TCPKEEPALIVE:
			o.keepalive = true
		case dns.EDNS0COOKIE: // all but the first are ignored (RFC 7873, section 5.2)
			if o.cookie == nil {
				o.cookie = data[:length]
				o.bad = o.bad || !isCookie(length)
			}
		}
		data = data[length:]
	}
}

// limit is how long the answer to a query may be.
func (o *option) limit(over Transport) int {
	switch {
	case over == TCP:
		return tcpSize
	case !o.present:
		return plainSize
	}
	return int(min(max(o.size, plainSize), ednsSize))
}

// answer is the OPT record of an answer, nil if the query had none.
func (o *option) answer(t *tables, a *reply, over Transport) *dns.OPT {
	if !o.present {
		return nil
	}
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	opt.SetUDPSize(ednsSize)
	opt.SetExtendedRcode(uint16(a.kind.rcode()))
	if o.do {
		opt.SetDo()
	}
	if o.nsid && t.nsid != "" {
		opt.Option = append(opt.Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: t.nsid})
	}
	if a.trust != noCookie {
		opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString(a.cookie[:])})
	}
	if o.keepalive && over == TCP { // RFC 7828, section 3.3: over UDP it is ignored
		opt.Option = append(opt.Option, &dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE, Timeout: keepaliveTimeout(t.tcp.Idle)})
	}
	if a.ede != 0 {
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: a.ede})
	}
	return opt
}

// keepaliveTimeout is an idle timeout in units of 100 milliseconds. Zero would
// ask the client to close the connection.
func keepaliveTimeout(idle time.Duration) uint16 {
	return uint16(max(idle/(100*time.Millisecond), 1))
}
