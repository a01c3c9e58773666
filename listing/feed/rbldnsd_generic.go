package feed

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"

	"dnsbld/listing"
)

// record is an A record of a generic data set, and the TXT that stood beside
// it.
type record struct {
	subject listing.Subject
	reason  listing.Reason
	text    string
	line    int
}

// generic reads a line of a generic data set, "7.2.0.192 A 127.0.0.2": of all
// names there, those that are reversed addresses list them. A TXT record
// belongs to the A record of the line before, if that is of the same name.
func (p *rbldnsd) generic(text []byte) error {
	fields := bytes.Fields(text)
	n := 1 // the field of the type
	if len(fields) > 1 && fields[1][0] >= '0' && fields[1][0] <= '9' {
		n++ // behind a TTL
	}
	if len(fields) <= n+1 {
		return badRecord("the line is not a record")
	}
	owner, kind := string(fields[0][:min(len(fields[0]), 100)]), string(bytes.ToUpper(fields[n]))
	subject, isAddress := reversed(owner)
	switch {
	case kind == "MX":
		return nil
	case kind == "A" && strings.HasPrefix(owner, "*."):
		return complain("wildcard", "use a data set of type ip4trie", "a data set of type generic has no wildcards: this lists nothing")
	case kind == "A":
		p.flush()
		if !isAddress {
			return nil
		}
		return p.address(subject, fields[n+1])
	case kind == "TXT":
		p.describe(subject, text[bytes.Index(text, fields[n])+len(fields[n]):])
		return nil
	}
	return badRecord("%s is not a type of record that a generic data set has", quote(fields[n]))
}

// badRecord complains of a line, and says how records are written.
func badRecord(format string, args ...any) error {
	return complain("bad-record", "write NAME [TTL] A ADDRESS, NAME [TTL] TXT TEXT or NAME [TTL] MX PREFERENCE HOST", format, args...)
}

func (p *rbldnsd) address(s listing.Subject, text []byte) error {
	quad, rest, ok := parseQuad(text)
	if !ok || len(rest) > 0 {
		return badRecord("%s is not an address", quote(text))
	}
	reason, err := p.reason(netip.AddrFrom4(quad))
	if err != nil {
		return err
	}
	p.seen[p.set].add(reason)
	p.record = &record{subject: s, reason: reason, line: p.n}
	return nil
}

// describe takes a text for the A record before it, if that is of the same name.
func (p *rbldnsd) describe(s listing.Subject, text []byte) {
	if p.record != nil && p.record.subject == s {
		p.record.text = unquote(bytes.Trim(text, " \t"))
	}
}

// flush lists what the last A record named.
func (p *rbldnsd) flush() {
	r := p.record
	if r == nil {
		return
	}
	p.record = nil
	i := item{subject: r.subject, reason: r.reason, until: p.scope.expires, at: r.line}
	if r.text != "" {
		i.public = publicText(strings.TrimPrefix(r.text, r.subject.Text()+" "))
	}
	p.items = append(p.items, i)
}

// unquote takes the quotes off a text. What is escaped within stays as it is.
func unquote(text []byte) string {
	if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	return string(text)
}

// reversed reads an owner name that is an address: octets, or nibbles, in
// reverse (RFC 5782, sections 2.1 and 2.4).
func reversed(name string) (listing.Subject, bool) {
	const octets, nibbles = 4, 32
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	switch len(labels) {
	case octets:
		a, err := netip.ParseAddr(labels[3] + "." + labels[2] + "." + labels[1] + "." + labels[0])
		return listing.HostSubject(a), err == nil && a.Is4()
	case nibbles:
		var b [16]byte
		for n := range nibbles {
			v, err := strconv.ParseUint(labels[nibbles-1-n], 16, 4)
			if err != nil || len(labels[nibbles-1-n]) != 1 {
				return listing.Subject{}, false
			}
			b[n/2] = b[n/2]<<4 | byte(v)
		}
		return listing.HostSubject(netip.AddrFrom16(b)), true
	}
	return listing.Subject{}, false
}
