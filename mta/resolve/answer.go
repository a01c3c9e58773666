package resolve

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"dnsbld/listing/helo"
)

// Answer is what DNS says about a name: names for PTR and MX, texts for TXT, addresses for A and
// AAAA. Its slices are shared: they are not to be changed.
type Answer struct {
	Status helo.Status // OK, NXDomain, NoData or TempError
	Names  []string    // as in zone files, without the last dot; of TXT the texts, octet by octet
	Addrs  []netip.Addr
	ttl    time.Duration
}

// Limits of what is read of an answer.
const (
	maxRecords = 200 // of a section
	maxAliases = 16  // CNAME records one after another
	maxResults = 50  // of a type that was asked for
)

// errTruncated means that the answer is to be had over TCP.
var errTruncated = errors.New("truncated")

// read reads a message. It is ours if it has the ID and the question of sent; others may be forged,
// or late.
func read(message []byte, sent *dns.Msg) (answer Answer, ours bool, err error) {
	var m dns.Msg
	broken := m.Unpack(message) // what comes before the fault is in m
	if m.Id != sent.Id || !m.Response || len(m.Question) != 1 || !sameQuestion(m.Question[0], sent.Question[0]) {
		return Answer{}, false, nil
	}
	if m.Truncated {
		return Answer{}, true, errTruncated
	}
	// miekg/dns takes a message that ends after a record for whole, whatever its header counts.
	if broken != nil || len(m.Answer) != int(binary.BigEndian.Uint16(message[6:])) {
		return Answer{Status: helo.TempError}, true, nil
	}
	return judge(&m), true, nil
}

// sameQuestion compares as DNS does: upper and lower case are one (RFC 4343).
func sameQuestion(a, b dns.Question) bool {
	return a.Qtype == b.Qtype && a.Qclass == b.Qclass && strings.EqualFold(a.Name, b.Name)
}

// judge is the answer that a message gives to its question. A server that neither recurses nor is
// the authority knows nothing: what looks like "no such record" from it may be a referral, and is a
// failure.
func judge(m *dns.Msg) Answer {
	exists := m.Rcode == dns.RcodeSuccess
	if !exists && m.Rcode != dns.RcodeNameError || len(m.Answer) > maxRecords {
		return Answer{Status: helo.TempError}
	}
	answer := follow(m.Answer, m.Question[0])
	switch {
	case answer.Status == helo.TempError:
	case !exists:
		return Answer{Status: helo.NXDomain, ttl: negativeTTL(m.Ns)}
	case answer.Status == helo.OK:
	case !m.RecursionAvailable && !m.Authoritative: // a referral
		return Answer{Status: helo.TempError}
	default:
		answer.ttl = negativeTTL(m.Ns)
	}
	return answer
}

// follow finds the records that a question asks for, through aliases. Aliases in a circle are a
// failure.
func follow(records []dns.RR, q dns.Question) Answer {
	ttl := longestLife
	for range maxAliases {
		answer, alias := Answer{Status: helo.NoData}, ""
		for _, rr := range records {
			h := rr.Header()
			if h.Class != dns.ClassINET || !strings.EqualFold(h.Name, q.Name) {
				continue
			}
			if cname, ok := rr.(*dns.CNAME); ok {
				ttl, alias = min(ttl, life(h)), cname.Target
			} else if h.Rrtype == q.Qtype && answer.add(rr) {
				ttl, answer.Status = min(ttl, life(h)), helo.OK
			}
		}
		if answer.Status == helo.OK || alias == "" {
			answer.ttl = ttl
			return answer
		}
		q.Name = alias
	}
	return Answer{Status: helo.TempError}
}

// add takes what a record says, if there is room for it.
func (a *Answer) add(rr dns.RR) bool {
	if len(a.Names)+len(a.Addrs) >= maxResults {
		return false
	}
	var ip []byte
	switch rr := rr.(type) {
	case *dns.A:
		ip = rr.A.To4()
	case *dns.AAAA:
		ip = rr.AAAA
	case *dns.PTR:
		a.Names = append(a.Names, strings.TrimSuffix(rr.Ptr, "."))
		return true
	case *dns.MX:
		a.Names = append(a.Names, strings.TrimSuffix(rr.Mx, "."))
		return true
	case *dns.TXT:
		a.Names = append(a.Names, octets(strings.Join(rr.Txt, "")))
		return true
	}
	addr, ok := netip.AddrFromSlice(ip)
	if ok {
		a.Addrs = append(a.Addrs, addr)
	}
	return ok
}

// octets undoes the escapes of a zone file, \DDD and \X (RFC 1035, section 5.1), which miekg/dns
// writes into texts.
func octets(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+3 < len(text) && '0' <= text[i+1] && text[i+1] <= '9' {
			c = (text[i+1]-'0')*100 + (text[i+2]-'0')*10 + text[i+3] - '0'
			i += 3
		} else if c == '\\' && i+1 < len(text) {
			i++
			c = text[i]
		}
		out.WriteByte(c)
	}
	return out.String()
}

// life is how long a record may be kept. A TTL with the highest bit set is none (RFC 2181, section
// 8).
func life(h *dns.RR_Header) time.Duration {
	if h.Ttl > 1<<31-1 {
		return 0
	}
	return time.Duration(h.Ttl) * time.Second
}

// negativeTTL is how long the SOA record of the authority section lets a negative answer be kept
// (RFC 2308, section 5).
func negativeTTL(authority []dns.RR) time.Duration {
	for _, rr := range authority {
		if soa, ok := rr.(*dns.SOA); ok {
			return time.Duration(min(soa.Hdr.Ttl, soa.Minttl)) * time.Second
		}
	}
	return noneLife
}
