package zone

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"dnsbld/listing"
	"dnsbld/listing/index"
)

// parts are what the wire path puts the answers of one zone together from.
// They are made by the message path, so that both say the same.
type parts struct {
	soa   []byte // the record, if the name of the zone began at octet 0
	links []link // in it
	texts [256]*texts
	tests [256]string // TXT of the test points
}

// link is a compression pointer: where it stands in a record, and how far
// behind the name of the zone it points.
type link struct{ at, to uint16 }

// texts are the TXT of a reason by the length of the subject that it names.
type texts [longestSubject + 1]piece

// piece is what stands behind the subject in a text.
type piece struct {
	text string
	page bool // then the subject once more
}

// Lengths of listing.Subject.Text: from "::" to an IPv6 prefix of 127 bits.
const (
	shortestSubject = len("::")
	longestSubject  = 43
)

// compileParts makes the parts, when all else of the zone is ready.
func (z *zone) compileParts() error {
	z.parts = new(parts)
	for n := range z.order {
		r := listing.Reason(n)
		if z.order[n] > 0 {
			z.parts.texts[n] = z.textsOf(r)
		}
		if z.tests[n] != "" {
			z.parts.tests[n] = z.say(shown{r, netip.PrefixFrom(code(r), 32), index.Text{Tail: z.tests[n]}})
		}
	}
	return z.compileSOA()
}

// textsOf are the texts of a reason about subjects of every length.
func (z *zone) textsOf(r listing.Reason) *texts {
	var all texts
	for n := shortestSubject; n <= longestSubject; n++ {
		text, page := z.reasons.Behind(r, n, "", z.page)
		if last := all[n-1].text; last == text { // most are alike
			text = last
		}
		all[n] = piece{text, page}
	}
	return &all
}

// compileSOA has a negative answer written, and takes the record from it.
func (z *zone) compileSOA() error {
	query := append(make([]byte, headerSize, 2*maxName), 1, 'x')
	query[5] = 1
	begin := len(query)
	query = append(append(query, z.wire.from(0)...), 0, 1, 0, 1)
	var r request
	r.read(query)
	message, _, err := r.write(nil, &reply{kind: kindNXDomain, zone: z, labels: 1}, nil, tcpSize)
	if err != nil {
		return fmt.Errorf("SOA record: %w", err)
	}
	z.parts.soa = message[len(query):]
	const fixed = 10 // type, class, TTL and length
	at := z.parts.link(0, begin)
	at = z.parts.link(at+fixed, begin)
	z.parts.link(at, begin)
	return nil
}

// link notes where the name at an octet of the SOA record points, and says
// where it ends.
func (p *parts) link(at, zone int) (end int) {
	for p.soa[at] != 0 {
		if p.soa[at] >= 0xc0 {
			to := int(binary.BigEndian.Uint16(p.soa[at:])) &^ 0xc000
			p.links = append(p.links, link{uint16(at), uint16(to - zone)})
			return at + 2
		}
		at += 1 + int(p.soa[at])
	}
	return at + 1
}
