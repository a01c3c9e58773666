package zone

import (
	"net/netip"

	"dnsbld/listing"
	"dnsbld/listing/hits"
	"dnsbld/listing/index"

	"github.com/miekg/dns"
)

// Transport is what a query came over.
type Transport uint8

// Transports.
const (
	UDP Transport = iota
	TCP
	transports
)

// Peer is who asks, and over what.
type Peer struct {
	Addr netip.AddrPort
	Over Transport
	TLS  bool // over TCP
}

// kind is what sort of answer is given.
type kind uint8

const (
	kindListed    kind = iota // the records of a listed address
	kindData                  // other records
	kindNoData                // the name exists, the type does not
	kindNXDomain              // the name does not exist
	kindFormErr               // the query cannot be understood
	kindServFail              // the list is not loaded yet
	kindNotImp                // the opcode is not known
	kindRefused               // the name is in no zone of ours, or the question not for strangers
	kindBadVers               // the EDNS version is not known
	kindCookie                // a cookie was all that was asked for
	kindBadCookie             // the cookie is not good, and a good one is needed
	kindNotAuth               // the signature is not good (TSIG)
	kinds
)

var rcodes = [kinds]int{
	kindNXDomain: dns.RcodeNameError, kindFormErr: dns.RcodeFormatError, kindServFail: dns.RcodeServerFailure,
	kindNotImp: dns.RcodeNotImplemented, kindRefused: dns.RcodeRefused, kindBadVers: dns.RcodeBadVers,
	kindBadCookie: dns.RcodeBadCookie, kindNotAuth: dns.RcodeNotAuth,
}

func (k kind) rcode() int          { return rcodes[k] }
func (k kind) negative() bool      { return k == kindNoData || k == kindNXDomain }
func (k kind) authoritative() bool { return k <= kindNXDomain }

// Answer appends the answer to a query to dst. It returns nil where there is
// to be silence: for what is no query, for what is too short to be a message,
// and for port 0, at which nobody can be.
// It may be called from everywhere at once.
func (s *Server) Answer(dst, query []byte, from Peer) []byte {
	message, _ := s.answer(dst, query, from, &s.counters[from.Over])
	return message
}

// streamed is a transfer that was asked for over TCP, and the question.
type streamed struct {
	*transfer
	request
	signature
}

// answer also says where to count, and gives a transfer back for its caller to
// stream.
func (s *Server) answer(dst, query []byte, from Peer, count *counters) ([]byte, *streamed) {
	if len(query) < headerSize || query[2]&flagQR != 0 || (from.Addr.IsValid() && from.Addr.Port() == 0) {
		count[countSilence].Add(1)
		return nil, nil
	}
	t := s.tables.Load()
	var r request
	r.read(query)
	cookie, trust := t.jar.reply(r.opt.cookie, from.Addr.Addr(), s.clock.Now())
	var sig signature
	if r.signed && r.legible {
		sig = t.keys.verify(query)
	}
	a := s.reply(t, &r, trust, from, &sig)
	if a.transfer != nil {
		count[a.kind].Add(1)
		return nil, &streamed{a.transfer, r, sig}
	}
	s.complain(t, &r, a.kind, &sig, from)
	a.cookie, a.trust = cookie, trust
	size := r.opt.limit(from.Over) - sig.size()
	message, truncated, err := r.write(dst, &a, r.opt.answer(t, &a, from.Over), size)
	if err != nil { // a record that cannot be packed: compile has tried them all
		a = reply{kind: kindServFail}
		message, _, _ = r.write(dst, &a, nil, size)
	}
	count[a.kind].Add(1)
	if truncated {
		count[countTruncated].Add(1)
	}
	if r.signed {
		message = append(dst, sig.sign(message[len(dst):])...)
	}
	return message, nil
}

// reply decides what is answered.
func (s *Server) reply(t *tables, r *request, client trust, from Peer, sig *signature) reply {
	if k, ok := s.notified(t, r, from.Addr.Addr(), sig); ok {
		return reply{kind: k}
	}
	switch k := r.check(client, sig); {
	case k == kindNotImp:
		return reply{kind: k, ede: edeNotSupported}
	case k != kindData:
		return reply{kind: k}
	case from.Over == UDP && t.jar.demands(client): // RFC 7873, section 5.2.3
		return reply{kind: kindBadCookie}
	case r.qclass == dns.ClassCHAOS:
		return t.askChaos(r)
	}
	return s.answerOf(t, r, from, sig)
}

// answerOf is what the zone that a question is about answers.
func (s *Server) answerOf(t *tables, r *request, from Peer, sig *signature) reply {
	z, labels := t.zoneOf(r)
	switch {
	case r.qclass != dns.ClassINET || z == nil:
		return refused(edeNotAuthoritative)
	case r.transfers() && (labels > 0 || z.access.refuses(sig, from) != ""):
		return refused(edeProhibited)
	}
	set := s.view.Set()
	if set == nil {
		return reply{kind: kindServFail, ede: edeNotReady}
	}
	var a reply
	if r.transfers() {
		a = s.transferOf(r, z, set, from.Over)
	} else {
		now := s.clock.Now()
		a = z.ask(set, &r.name, labels, r.qtype, now)
		if len(a.listed.reasons) > 0 && !a.listed.fixed {
			s.shared.Note(now, func(to *hits.Sampler, weight uint32) { z.sample(to, &a.listed, weight, now) })
		}
	}
	a.zone, a.labels, a.serial = z, labels, z.serial(set)
	return a
}

// zoneOf is the zone that answers a question. About DS at the name of a zone
// that is the zone around it (RFC 4035, section 3.1.4.1).
func (t *tables) zoneOf(r *request) (z *zone, labels int) {
	z, labels = t.match(&r.name, 0)
	if r.qtype == dns.TypeDS && z != nil && labels == 0 {
		if around, before := t.match(&r.name, 1); around != nil {
			return around, before
		}
	}
	return z, labels
}

// check is the kind of answer to what is no question that can be looked at, and
// kindData for all else. The opcode comes first (RFC 8906, section 3.1.4):
// another one gives a question a meaning that is not known.
func (r *request) check(client trust, sig *signature) kind {
	switch {
	case r.opcode() != dns.OpcodeQuery:
		return kindNotImp
	case !r.wellFormed() || sig.broken:
		return kindFormErr
	case sig.wrong != 0:
		return kindNotAuth
	case r.questions == 0 && client == badCookie: // RFC 7873, section 5.4
		return kindBadCookie
	case r.questions == 0 && client != noCookie:
		return kindCookie
	case r.questions != 1:
		return kindFormErr
	case r.opt.version != 0:
		return kindBadVers
	}
	return kindData
}

// serial is the serial of the zones at a revision. It is compared by RFC 1982.
func serial(r listing.Revision) uint32 { return uint32(r) }

// ask answers a question about a name with some labels before the zone's.
func (z *zone) ask(set *index.Set, n *name, labels int, qtype uint16, now uint32) reply {
	if node := z.node(n, labels); node != nil {
		return z.static(node, qtype, z.serial(set))
	}
	if a, ok := n.address(labels); ok {
		var in scratch
		if v := z.judge(set, a, nil, now, &in); len(v.reasons) > 0 {
			if records := z.records(v, n.text(), qtype); records != nil {
				return reply{kind: kindListed, answer: records, listed: v}
			}
			return reply{kind: kindNoData, listed: v}
		}
	}
	if z.exists(set, n, labels) {
		return reply{kind: kindNoData}
	}
	return reply{kind: kindNXDomain}
}
