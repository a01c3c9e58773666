package zone

import (
	"cmp"
	"encoding/binary"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"dnsbld/listing"
	"dnsbld/listing/index"
	"dnsbld/listing/wildcard"

	"github.com/miekg/dns"
)

// typeMarker is the type of the empty record at a name that exists to keep an
// address out of a wildcard. It is for private use (RFC 6895, section 3.1).
const typeMarker = 65280

// record is one of a zone's. Its owner is on the wire, less the zone's name; its
// data has no compressed names. All records of a zone have its TTL.
type record struct {
	owner  string
	rrtype uint16
	data   string
}

// rendering is the list of a zone in a set, as a transfer shows it: whatever the
// time, an entry counts until a change takes it out. Names of IPv4 addresses in
// IPv6 spelling are left out, but for that of the test point.
type rendering struct {
	zone *zone
	set  *index.Set
}

func (r rendering) names() wildcard.Names {
	return wildcard.Names{List: r, Fixed: r.zone.nested, Exact: loopback}
}

// Inside makes a rendering a wildcard.List.
func (r rendering) Inside(p netip.Prefix) iter.Seq[netip.Prefix] {
	return r.set.Inside(p, r.zone.special)
}

// Says makes a rendering a wildcard.List.
func (r rendering) Says(p netip.Prefix) wildcard.Answers {
	if says, special := r.zone.saysSpecial(p); special {
		return says
	}
	var says wildcard.Answers
	for _, h := range r.set.LookupPrefix(p, nil) { // one hit is the rule: room for more would lie on the heap
		if r.zone.order[h.Reason] > 0 {
			says = append(says, wildcard.Answer{Reason: h.Reason, Prefix: h.Prefix, Text: h.Text.Of(h.Prefix)})
		}
	}
	slices.SortFunc(says, func(a, b wildcard.Answer) int { return cmp.Compare(r.zone.order[a.Reason], r.zone.order[b.Reason]) })
	return says
}

// mappedTest is the test point in its IPv4-mapped spelling.
var mappedTest = netip.PrefixFrom(netip.AddrFrom16(netip.AddrFrom4([4]byte{127, 0, 0, byte(testReason)}).As16()), 128)

// saysSpecial is what a prefix says whatever the list holds, if it is special.
func (z *zone) saysSpecial(p netip.Prefix) (says wildcard.Answers, special bool) {
	switch a := p.Addr(); {
	case p == mappedTest:
		return z.saysSpecial(netip.PrefixFrom(a.Unmap(), 32))
	case a.Is6():
		return nil, slices.ContainsFunc(embedding[:], func(e netip.Prefix) bool { return e.Bits() <= p.Bits() && e.Contains(a) })
	case !p.IsSingleIP():
		return nil, false
	}
	r, fixed := z.point(p.Addr())
	if r > 0 {
		says = wildcard.Answers{{Reason: r, Prefix: p, Text: z.tests[r]}}
	}
	return says, fixed
}

// compileSpecial finds the prefixes at which answers change whatever the list
// holds: test points, IPv4 in IPv6 spelling and the names of nested zones.
func (z *zone) compileSpecial() {
	z.special = append(embedding[:len(embedding):len(embedding)], mappedTest, netip.PrefixFrom(code(listing.Reason(neverListed)), 32))
	for r, text := range z.tests {
		if text != "" {
			z.special = append(z.special, netip.PrefixFrom(code(listing.Reason(r)), 32))
		}
	}
	for text := range z.nested {
		_, n, err := wireName(text + "." + z.name)
		if err != nil {
			continue // the name of no address
		}
		labels := n.labels - z.wire.labels
		for _, read := range []func(int) (netip.Prefix, bool){n.octets, n.nibbles} {
			if p, ok := read(labels); ok {
				z.special = append(z.special, p)
			}
		}
	}
	slices.SortFunc(z.special, index.ComparePrefixes)
}

// records are all of the zone's but its SOA record.
func (r rendering) records() iter.Seq[record] {
	return func(yield func(record) bool) {
		for _, rec := range r.zone.staticRecords() {
			if !yield(rec) {
				return
			}
		}
		if !r.zone.catalog {
			r.listRecords()(yield)
		}
	}
}

// listRecords are those of the list.
func (r rendering) listRecords() iter.Seq[record] {
	return func(yield func(record) bool) {
		for o := range r.names().All {
			if !r.owned(o, yield) {
				return
			}
		}
	}
}

// owned yields the records of a name of the list.
func (r rendering) owned(o wildcard.Owner, yield func(record) bool) bool {
	owner := ownerWire(o.Name)
	if len(o.Says) == 0 {
		return yield(record{owner: owner, rrtype: typeMarker})
	}
	for _, a := range o.Says {
		address := code(a.Reason).As4()
		if !yield(record{owner, dns.TypeA, string(address[:])}) {
			return false
		}
	}
	for _, a := range o.Says {
		text := r.zone.say(shown{a.Reason, a.Prefix, index.Text{Tail: a.Text}})
		if !yield(record{owner, dns.TypeTXT, string([]byte{byte(len(text))}) + text}) {
			return false
		}
	}
	return true
}

// ownerWire is a name of decimal and hexadecimal labels on the wire.
func ownerWire(name string) string {
	wire := make([]byte, 0, len(name)+1)
	for label := range strings.SplitSeq(name, ".") {
		wire = append(append(wire, byte(len(label))), label...)
	}
	return string(wire)
}

// static are the records that do not depend on the list, and those that lead to
// nested zones.
func (z *zone) staticRecords() (all []record) {
	for _, at := range slices.Sorted(maps.Keys(z.nodes)) {
		sets := z.nodes[at].records
		for _, t := range slices.Sorted(maps.Keys(sets)) {
			for _, rr := range sets[t] {
				all = append(all, plain(at, rr))
			}
		}
	}
	return append(all, z.delegations...)
}

// refer adds what leads to a zone within this one: its name servers, and the
// addresses of those that lie in it.
func (z *zone) refer(to *zone, at string) {
	for _, rr := range to.nodes[""].records[dns.TypeNS] {
		z.delegations = append(z.delegations, plain(at, rr))
	}
	for owner, n := range to.nodes {
		if owner == "" || owner == string(rune(len(policyLabel)))+policyLabel {
			continue
		}
		for _, rr := range slices.Concat(n.records[dns.TypeA], n.records[dns.TypeAAAA]) {
			z.delegations = append(z.delegations, plain(owner+at, rr))
		}
	}
}

// plain is a record as the library has it. Configured ones have been packed
// before.
func plain(owner string, rr dns.RR) record {
	rr = dns.Copy(rr) // packing writes into it
	rr.Header().Name = "."
	buf := make([]byte, 1<<16)
	end, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		return record{owner: owner, rrtype: typeMarker}
	}
	const fixed = 1 + 10 // the root; type, class, TTL and length
	return record{owner, rr.Header().Rrtype, string(buf[fixed:end])}
}

// soaRecord is the SOA record at a serial.
func (z *zone) soaRecord(serial uint32) record {
	soa := z.soa
	soa.Serial = serial
	return plain("", &soa)
}

// append writes the record. Its owner is some labels and a pointer to the rest.
func (r *record) append(b []byte, labels string, ttl uint32, rest uint16) []byte {
	b = append(b, labels...)
	b = binary.BigEndian.AppendUint16(b, 0xc000|rest)
	return r.appendData(b, ttl)
}

// appendData writes what stands behind the owner.
func (r *record) appendData(b []byte, ttl uint32) []byte {
	b = binary.BigEndian.AppendUint16(b, r.rrtype)
	b = binary.BigEndian.AppendUint16(b, dns.ClassINET)
	b = binary.BigEndian.AppendUint32(b, ttl)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.data)))
	return append(b, r.data...)
}
