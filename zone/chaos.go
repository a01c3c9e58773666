package zone

import "github.com/miekg/dns"

// names are the names of class CHAOS that are answered, on the wire.
func (c Chaos) names() map[string]string {
	all := map[string]string{
		"\x07version\x04bind\x00":   c.Version,
		"\x07version\x06server\x00": c.Version,
		"\x08hostname\x04bind\x00":  c.Hostname,
		"\x02id\x06server\x00":      c.ID,
	}
	for name, text := range all {
		if text == "" {
			delete(all, name)
		}
	}
	return all
}

// askChaos answers a question of class CHAOS (RFC 4892).
func (t *tables) askChaos(r *request) reply {
	text, known := t.chaos[string(r.name.from(0))]
	if !known || (r.qtype != dns.TypeTXT && r.qtype != dns.TypeANY) {
		return refused(edeNotAuthoritative)
	}
	return reply{kind: kindData, answer: []dns.RR{&dns.TXT{
		Hdr: dns.RR_Header{Name: r.name.text(), Rrtype: dns.TypeTXT, Class: dns.ClassCHAOS},
		Txt: []string{escapeTXT(text)},
	}}}
}
