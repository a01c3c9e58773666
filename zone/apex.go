package zone

import (
	"fmt"
	"net/netip"
	"strings"

	"dnsbld/listing"

	"github.com/miekg/dns"
)

// Timers of the SOA record (RFC 1035, section 3.3.13). They are short, because
// no secondary asks again by itself after this server was restarted.
const (
	soaRefresh = 60        // seconds
	soaRetry   = 15        // seconds
	soaExpire  = 7 * 86400 // seconds
)

// policyLabel is the name below a zone's at which its policy stands.
const policyLabel = "policy"

// addApex puts in what a zone says beside the list.
func (z *zone) addApex(c Zone) error {
	var p problems
	z.soa = dns.SOA{Hdr: z.header(z.name, dns.TypeSOA), Refresh: soaRefresh, Retry: soaRetry, Expire: soaExpire, Minttl: z.negative}
	mailbox, err := mailboxName(c.Mailbox, z.name)
	p.Add(err)
	z.soa.Mbox = mailbox
	for n, ns := range c.NS {
		host, err := z.addNameServer(ns)
		p.Add(err)
		if n == 0 {
			z.soa.Ns = host
		}
	}
	for _, mx := range c.MX {
		host, _, err := wireName(mx.Host)
		p.Add(err)
		z.put("", &dns.MX{Hdr: z.header(z.name, dns.TypeMX), Preference: mx.Preference, Mx: host})
	}
	for _, t := range c.TXT {
		z.put("", z.txt(z.name, t))
	}
	z.putAddresses("", z.name, c.Addresses)
	if c.Policy != "" {
		owner := policyLabel + "." + z.name
		z.put(string(rune(len(policyLabel)))+policyLabel, z.txt(owner, c.Policy))
	}
	if err := p.Err(); err != nil {
		return err
	}
	return z.checkRecords()
}

// checkRecords makes sure that every record can be sent.
func (z *zone) checkRecords() error {
	buf := make([]byte, 1<<16)
	if _, err := dns.PackRR(&z.soa, buf, 0, nil, false); err != nil {
		return fmt.Errorf("SOA record: %w", err)
	}
	for _, n := range z.nodes {
		for _, set := range n.records {
			off := 0
			for _, rr := range set {
				var err error
				if off, err = dns.PackRR(rr, buf, off, nil, false); err != nil {
					return fmt.Errorf("%s records at %s: %w", dns.TypeToString[rr.Header().Rrtype], rr.Header().Name, err)
				}
			}
		}
	}
	return nil
}

func (z *zone) header(owner string, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: rrtype, Class: dns.ClassINET, Ttl: z.ttl}
}

func (z *zone) txt(owner, text string) *dns.TXT {
	return &dns.TXT{Hdr: z.header(owner, dns.TypeTXT), Txt: []string{escapeTXT(text)}}
}

// escapeTXT writes text as the library wants it, which reads backslashes.
func escapeTXT(text string) string { return strings.ReplaceAll(text, `\`, `\\`) }

// put adds a record to the node at a name, given as the wire before the zone's
// name, and makes the names between the two exist.
func (z *zone) put(at string, rr dns.RR) {
	n := z.exist(at)
	rrtype := rr.Header().Rrtype
	n.records[rrtype] = append(n.records[rrtype], rr)
}

func (z *zone) exist(at string) *node {
	for rest := at; ; rest = rest[1+rest[0]:] {
		if z.nodes[rest] == nil {
			z.nodes[rest] = &node{records: map[uint16][]dns.RR{}}
			z.longest = max(z.longest, len(rest))
		}
		if rest == "" {
			return z.nodes[at]
		}
	}
}

func (z *zone) putAddresses(at, owner string, addresses []netip.Addr) {
	for _, a := range addresses {
		if a = a.Unmap(); a.Is4() {
			z.put(at, &dns.A{Hdr: z.header(owner, dns.TypeA), A: a.AsSlice()})
		} else {
			z.put(at, &dns.AAAA{Hdr: z.header(owner, dns.TypeAAAA), AAAA: a.AsSlice()})
		}
	}
}

// addNameServer puts in a server of the zone. If its name lies within the zone
// it exists there, with the addresses it was given.
func (z *zone) addNameServer(c NameServer) (host string, err error) {
	host, wire, err := wireName(c.Name)
	if err != nil {
		return "", fmt.Errorf("ns: %w", err)
	}
	z.put("", &dns.NS{Hdr: z.header(z.name, dns.TypeNS), Ns: host})
	labels := wire.labels - z.wire.labels
	if labels < 1 || string(wire.from(labels)) != string(z.wire.from(0)) {
		return host, nil
	}
	for i := range labels {
		if isAddressLabel(wire.label(i)) {
			return "", fmt.Errorf("ns: %s could be the name of an address", host)
		}
	}
	at := string(wire.before(labels))
	z.exist(at)
	z.putAddresses(at, host, c.Addresses)
	return host, nil
}

// isAddressLabel reports whether a label can be part of the name of an address.
func isAddressLabel(label []byte) bool {
	_, octet := decimal(label)
	_, nibble := hexadecimal(label)
	return octet || nibble
}

// mailboxName is a mailbox as an SOA record has it (RFC 1035, section 8).
func mailboxName(text, zone string) (string, error) {
	if text == "" {
		return "hostmaster." + zone, nil
	}
	local, domain, address := strings.Cut(text, "@")
	if !address {
		presentation, _, err := wireName(text)
		return presentation, err
	}
	presentation, _, err := wireName(domain)
	if err != nil || local == "" || len(local) > maxLabel || strings.Trim(strings.ToLower(local), "abcdefghijklmnopqrstuvwxyz0123456789-_+.") != "" {
		return "", fmt.Errorf("mailbox %s: write it like hostmaster.bl.example", listing.Quote(text))
	}
	return strings.ReplaceAll(local, ".", `\.`) + "." + presentation, nil
}

// static answers a question about a name that is no address.
func (z *zone) static(n *node, qtype uint16, serial uint32) reply {
	switch apex := n == z.nodes[""]; {
	case apex && (qtype == dns.TypeSOA || qtype == dns.TypeANY):
		soa := z.soa
		soa.Serial = serial
		return reply{kind: kindData, answer: []dns.RR{&soa}}
	case qtype == dns.TypeANY:
		for _, t := range [...]uint16{dns.TypeA, dns.TypeAAAA, dns.TypeTXT} {
			if n.records[t] != nil {
				return reply{kind: kindData, answer: n.copy(t)}
			}
		}
	case n.records[qtype] != nil:
		return reply{kind: kindData, answer: n.copy(qtype)}
	}
	return reply{kind: kindNoData}
}

// copy is the records of one type for one answer: packing a record writes its
// length into it, so answers that are under way at once cannot share one.
func (n *node) copy(rrtype uint16) []dns.RR {
	var set []dns.RR
	for _, rr := range n.records[rrtype] {
		set = append(set, dns.Copy(rr))
	}
	return set
}
