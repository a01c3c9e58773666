package mta

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/listing/helo"
)

// Limits of what is read of an answer.
const (
	maxRecords = 200 // of a message
	maxAliases = 16  // CNAME records one after another
	maxResults = 50  // of a type that was asked for
)

// record is the part of a resource record that matters here.
type record struct {
	owner string // in lower case
	kind  dnsmessage.Type
	ttl   time.Duration
	name  string // of CNAME and PTR, without the last dot; of TXT its strings, one after another
	addr  netip.Addr
}

// read reads a message. It is ours if it answers the question; what does not may be forged, or late, and is passed over.
func (e *exchange) read(message []byte) (answer Answer, ours bool, err error) {
	var p dnsmessage.Parser
	h, err := p.Start(message)
	if err != nil || h.ID != e.id || !h.Response {
		return Answer{}, false, nil
	}
	q, err := p.Question()
	if err != nil || !e.asked(q) {
		return Answer{}, false, nil
	}
	if h.Truncated {
		return Answer{}, true, errTruncated
	}
	temp := Answer{Status: helo.TempError}
	if h.RCode != dnsmessage.RCodeSuccess && h.RCode != dnsmessage.RCodeNameError || p.SkipAllQuestions() != nil {
		return temp, true, nil
	}
	records, err := readRecords(&p)
	if err != nil {
		return temp, true, nil
	}
	answer = follow(records, fold(e.question.Name), e.question.Type)
	switch {
	case answer.Status == helo.TempError:
	case h.RCode == dnsmessage.RCodeNameError:
		answer = Answer{Status: helo.NXDomain, ttl: negativeTTL(&p)}
	case answer.Status == helo.OK:
	case !h.RecursionAvailable && !h.Authoritative: // a referral
		answer = temp
	default:
		answer.ttl = negativeTTL(&p)
	}
	return answer, true, nil
}

// asked reports whether q is our question.
func (e *exchange) asked(q dnsmessage.Question) bool {
	ours, got := e.question.Name.Data[:e.question.Name.Length], q.Name.Data[:q.Name.Length]
	return q.Type == e.question.Type && q.Class == e.question.Class &&
		(bytes.Equal(ours, got) || !e.mixed && bytes.EqualFold(ours, got))
}

// readRecords reads the answer section.
func readRecords(p *dnsmessage.Parser) ([]record, error) {
	var records []record
	for len(records) < maxRecords {
		h, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		r := record{owner: fold(h.Name), kind: h.Type, ttl: time.Duration(h.TTL) * time.Second}
		if h.TTL > 1<<31 { // RFC 2181, section 8
			r.ttl = 0
		}
		if err := r.read(p, h.Class); err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return nil, errors.New("too many records")
}

func (r *record) read(p *dnsmessage.Parser, class dnsmessage.Class) error {
	kind := r.kind
	if class != dnsmessage.ClassINET {
		kind, r.kind = 0, 0
	}
	switch kind {
	case dnsmessage.TypeA:
		a, err := p.AResource()
		r.addr = netip.AddrFrom4(a.A)
		return err
	case dnsmessage.TypeAAAA:
		a, err := p.AAAAResource()
		r.addr = netip.AddrFrom16(a.AAAA)
		return err
	case dnsmessage.TypePTR:
		ptr, err := p.PTRResource()
		r.name = strings.TrimSuffix(ptr.PTR.String(), ".")
		return err
	case dnsmessage.TypeMX:
		mx, err := p.MXResource()
		r.name = strings.TrimSuffix(mx.MX.String(), ".")
		return err
	case dnsmessage.TypeTXT:
		txt, err := p.TXTResource()
		r.name = strings.Join(txt.TXT, "")
		return err
	case dnsmessage.TypeCNAME:
		cname, err := p.CNAMEResource()
		r.name = fold(cname.CNAME)
		return err
	}
	return p.SkipAnswer()
}

// follow finds the records of a type that a name has, through aliases. Aliases in a circle are a failure.
func follow(records []record, name string, kind dnsmessage.Type) Answer {
	ttl := longestLife
	for range maxAliases {
		answer, alias := Answer{Status: helo.NoData}, ""
		for _, r := range records {
			switch {
			case r.owner != name:
			case r.kind == kind && len(answer.Names)+len(answer.Addrs) < maxResults:
				ttl, answer.Status = min(ttl, r.ttl), helo.OK
				if kind == dnsmessage.TypeA || kind == dnsmessage.TypeAAAA {
					answer.Addrs = append(answer.Addrs, r.addr)
				} else {
					answer.Names = append(answer.Names, r.name)
				}
			case r.kind == dnsmessage.TypeCNAME:
				ttl, alias = min(ttl, r.ttl), r.name
			}
		}
		if answer.Status == helo.OK || alias == "" {
			answer.ttl = ttl
			return answer
		}
		name = alias
	}
	return Answer{Status: helo.TempError}
}

// negativeTTL is how long the SOA record of the authority section lets a negative answer be kept (RFC 2308, section 5).
func negativeTTL(p *dnsmessage.Parser) time.Duration {
	for range maxRecords {
		h, err := p.AuthorityHeader()
		if err != nil {
			break
		}
		if h.Type == dnsmessage.TypeSOA {
			if soa, err := p.SOAResource(); err == nil {
				return time.Duration(min(h.TTL, soa.MinTTL)) * time.Second
			}
			break
		}
		if p.SkipAuthority() != nil {
			break
		}
	}
	return noneLife
}

// fold is a name in lower case without its last dot.
func fold(n dnsmessage.Name) string {
	return strings.ToLower(strings.TrimSuffix(string(n.Data[:n.Length]), "."))
}
