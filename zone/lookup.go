package zone

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/hits"
	"dnsbld/listing/index"
	"dnsbld/listing/wildcard"

	"github.com/miekg/dns"
)

// shown is one reason for which a zone answers an address.
type shown struct {
	reason listing.Reason
	prefix netip.Prefix
	text   index.Text // the entry's own
}

// verdict is what a zone says of an address: nothing, or why it is listed,
// strongest first, and for how many seconds that may be remembered.
type verdict struct {
	reasons []shown
	ttl     uint32
	fixed   bool // it is a test point, whatever the list holds
}

// scratch is where a verdict is made, so that it needs no other memory.
type scratch struct {
	hits  [16]index.Hit
	shown [16]shown
	asked *hits.Sampler // of answers about what is listed; nil: they are not counted
}

// judge looks an address up, which is canonical; spot is where it was located
// in the set, nil if it was not. now is in Unix seconds. The verdict is good as
// long as the scratch is not used again.
func (z *zone) judge(set *index.Set, a netip.Addr, spot *index.Spot, now uint32, in *scratch) verdict {
	v := verdict{ttl: z.ttl, reasons: in.shown[:0]}
	if reason, fixed := z.point(a); fixed { // whatever the list holds
		v.fixed = true
		if reason != 0 {
			v.reasons = append(v.reasons, shown{reason: reason, prefix: netip.PrefixFrom(a, a.BitLen()), text: index.Text{Tail: z.tests[reason]}})
		}
		return v
	}
	var found []index.Hit
	if spot != nil {
		found = set.LookupAt(spot, now, in.hits[:0])
	} else {
		found = set.Lookup(a, now, in.hits[:0])
	}
	for _, h := range found {
		if z.order[h.Reason] == 0 {
			continue
		}
		v.reasons = append(v.reasons, shown{h.Reason, h.Prefix, h.Text})
		v.ttl = min(v.ttl, remaining(h.Until, now))
	}
	if len(v.reasons) > 1 {
		slices.SortFunc(v.reasons, func(a, b shown) int { return cmp.Compare(z.order[a.reason], z.order[b.reason]) })
	}
	return v
}

// remaining is how many seconds are left until the end of an entry, rounded
// down: now itself was rounded down, so there may be almost one less than it
// seems. The last second counts as one.
func remaining(until, now uint32) uint32 {
	if until <= now+2 {
		return 1
	}
	return until - now - 1
}

// code is the address that stands for a reason.
func code(r listing.Reason) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, byte(r)}) }

// records are the answer about a listed address to a question for a type; none
// for a type that it has not. ANY gets the A records alone (RFC 8482).
func (z *zone) records(v verdict, owner string, qtype uint16) []dns.RR {
	var set []dns.RR
	for _, s := range v.reasons {
		switch qtype {
		case dns.TypeA, dns.TypeANY:
			a := &dns.A{Hdr: z.header(owner, dns.TypeA), A: code(s.reason).AsSlice()}
			a.Hdr.Ttl = v.ttl
			set = append(set, a)
		case dns.TypeTXT:
			t := z.txt(owner, z.say(s))
			t.Hdr.Ttl = v.ttl
			set = append(set, t)
		}
	}
	return set
}

func (z *zone) say(s shown) string {
	text := s.text.Of(s.prefix)
	if z.verbatim && text != "" {
		return wildcard.Expand(text, listing.Subject{Prefix: s.prefix}.Text())
	}
	return z.reasons.TXT(s.reason, listing.Subject{Prefix: s.prefix}, text, z.page)
}

// exists reports whether a name of some labels before the zone's is the parent
// of names that answer (an empty non-terminal: RFC 4592, section 2.2.2). In
// doubt it is.
func (z *zone) exists(set *index.Set, n *name, labels int) bool {
	if z.catalog {
		return false
	}
	if labels < 4 {
		if p, ok := n.octets(labels); ok && z.holds(set, p) {
			return true
		}
	}
	p, ok := n.nibbles(labels)
	if !ok || labels == 32 {
		return false
	}
	for _, space := range embedding {
		if v4, ok := embedded(p, space); ok && z.holds(set, v4) {
			return true
		}
		if p.Bits() >= space.Bits() && space.Contains(p.Addr()) {
			return false // there is IPv4 alone
		}
	}
	return set.Overlaps(p)
}

// holds reports whether names of addresses of an IPv4 prefix answer.
func (z *zone) holds(set *index.Set, p netip.Prefix) bool {
	return z.pointsIn(p) || set.Overlaps(p)
}

// embedding are the IPv6 addresses that stand for IPv4 ones: mapped (RFC 4291,
// section 2.5.5.2) and 6to4 (RFC 3056).
var embedding = [...]netip.Prefix{
	netip.PrefixFrom(netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff}), 96),
	netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0x20, 1: 0x02}), 16),
}

// embedded is the IPv4 prefix for which the addresses that p and an embedding
// share stand.
func embedded(p, space netip.Prefix) (netip.Prefix, bool) {
	if !p.Overlaps(space) {
		return netip.Prefix{}, false
	}
	from, b := space.Bits()/8, p.Addr().As16()
	bits := min(max(p.Bits()-space.Bits(), 0), 32)
	v4 := netip.AddrFrom4([4]byte(b[from : from+4]))
	return netip.PrefixFrom(v4, bits).Masked(), true
}

// Says is what one zone answers about an address.
type Says struct {
	Zone string        // "bl.example"
	Name string        // that is asked for: "7.2.0.192.bl.example"
	A    []netip.Addr  // strongest reason first; none: the address is not listed here
	TXT  []string      // in the same order
	TTL  time.Duration // of a listing
}

// Lookup is what each zone answers about an address now. It fails with
// listing.ErrUnavailable while the list is not loaded.
func (s *Server) Lookup(a netip.Addr) ([]Says, error) {
	set, now := s.view.Set(), s.clock.Now()
	if set == nil {
		return nil, fmt.Errorf("the list is not loaded yet: %w", listing.ErrUnavailable)
	}
	a = listing.Canonical(a)
	var all []Says
	var in scratch
	for _, z := range s.tables.Load().ordered {
		if z.catalog {
			continue
		}
		v := z.judge(set, a, nil, now, &in)
		name := z.name[:len(z.name)-1]
		says := Says{Zone: name, Name: reversed(a, name)}
		for _, r := range v.reasons {
			says.A = append(says.A, code(r.reason))
			says.TXT = append(says.TXT, z.say(r))
			says.TTL = time.Duration(v.ttl) * time.Second
		}
		all = append(all, says)
	}
	return all, nil
}
