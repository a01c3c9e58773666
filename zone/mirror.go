package zone

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"

	"github.com/miekg/dns"
)

// Taken is what was taken of a mirrored zone beside the list.
type Taken struct {
	SOA   string   // the record, as a line of a zone file
	TTL   uint32   // of the list's records; 0: that of the SOA record
	Fixed []string // the other records
}

// mirrors finds the zone that is taken from a primary, and whatever does not fit
// beside that. All zones of a server show one list, so there is one of them.
func (c Config) mirrors(p *problems) (is bool) {
	n := slices.IndexFunc(c.Zones, func(z Zone) bool { return z.Primary != nil })
	if n < 0 {
		return false
	}
	for i, z := range c.Zones {
		where := "zone " + listing.Quote(z.Name) + ": "
		p.Unless(i == n || z.Primary == nil, "%sone zone has a primary already, and all zones show one list: run another dnsbld for this one", where)
		p.Unless(z.TransferKey == "" && len(z.TransferFrom)+len(z.Notify) == 0 && !z.TransferTLS && !z.Catalog,
			"%sa mirror gives no transfers: let secondaries take the zone from the primary", where)
	}
	return true
}

// mirror makes ready what a mirrored zone has of its primary. Until something was
// taken it is not answered.
func (z *zone) mirror(c Zone, known keys, p *problems) {
	z.primary = c.Primary
	p.Unless(c.Primary.Address.IsValid() && c.Primary.Address.Port() != 0, "primary: %s is no address to ask", c.Primary.Address)
	given := len(c.Reasons)+len(c.NS)+len(c.Addresses)+len(c.TXT)+len(c.MX) > 0 || c.Mailbox != "" || c.Policy != ""
	p.Unless(!given, "primary: reasons, ns, mailbox, a, aaaa, txt, mx and policy come from there: leave them out here")
	if c.Primary.Key != "" {
		name, _, err := wireName(c.Primary.Key)
		z.primaryKey = known[name]
		p.Unless(err == nil && z.primaryKey != nil, "key: there is no [[key]] %s", listing.Quote(c.Primary.Key))
	}
	z.soa.Ns, z.soa.Mbox = z.name, z.name
	if c.Taken != nil {
		p.Add(z.takeApex(c.Taken))
	}
}

// takeApex puts in what the primary says beside the list.
func (z *zone) takeApex(t *Taken) error {
	rr, err := dns.NewRR(t.SOA)
	soa, is := rr.(*dns.SOA)
	if err != nil || !is {
		return errors.Join(fmt.Errorf("what was taken has no SOA record: %s", listing.Quote(t.SOA)), err)
	}
	z.soa, z.negative, z.ttl = *soa, soa.Minttl, soa.Hdr.Ttl
	z.soa.Hdr.Name = z.name
	if t.TTL > 0 {
		z.ttl = t.TTL
	}
	for _, line := range t.Fixed {
		rr, err := dns.NewRR(line)
		if err != nil || rr == nil {
			return errors.Join(fmt.Errorf("what was taken has no record in %s", listing.Quote(line)), err)
		}
		_, wire, err := wireName(rr.Header().Name)
		if err != nil {
			return err
		}
		z.put(string(wire.before(wire.labels-z.wire.labels)), rr)
	}
	return z.checkRecords()
}

// showAll shows every reason, those first that the catalogue knows: which ones there
// are is the primary's to say. So are the test points, as names of the list.
func (z *zone) showAll() {
	place := uint8(0)
	for _, i := range z.reasons.All() {
		place++
		z.order[i.Code] = place
	}
	for r := 2; r < 255; r++ {
		if z.order[r] == 0 {
			place++
			z.order[r] = place
		}
	}
}

// Notified tells of a NOTIFY that came from the primary. Several that nobody has
// looked at yet are one.
func (s *Server) Notified() <-chan struct{} { return s.notices }

// notified takes a NOTIFY that comes from the primary of the zone (RFC 1996, section
// 3.11). It makes this server ask and no more, so the address is enough.
func (s *Server) notified(t *tables, r *request, from netip.Addr, sig *signature) (k kind, ok bool) {
	z := t.mirrored
	if z == nil || r.opcode() != dns.OpcodeNotify || !r.wellFormed() || r.questions != 1 || r.qtype != dns.TypeSOA || from.Unmap() != z.primary.Address.Addr().Unmap() {
		return 0, false
	}
	switch is, labels := t.match(&r.name, 0); {
	case is != z || labels > 0:
		return 0, false
	case sig.broken:
		return kindFormErr, true
	case sig.wrong != 0:
		return kindNotAuth, true
	}
	select {
	case s.notices <- struct{}{}:
	default:
	}
	return kindData, true
}

// Apex is what a mirrored zone says of itself, as its primary has it.
type Apex struct {
	NS               []string
	Glue             map[string][]netip.Addr
	Mail             string
	TTL, NegativeTTL time.Duration
}

// Apex is that of the zone that has a primary.
func (s *Server) Apex() Apex {
	z := s.tables.Load().mirrored
	a := Apex{Glue: map[string][]netip.Addr{}, Mail: strings.TrimSuffix(z.soa.Mbox, "."),
		TTL: time.Duration(z.ttl) * time.Second, NegativeTTL: time.Duration(z.negative) * time.Second}
	for _, rr := range z.nodes[""].records[dns.TypeNS] {
		a.NS = append(a.NS, strings.TrimSuffix(rr.(*dns.NS).Ns, "."))
	}
	for _, n := range z.nodes {
		for _, rr := range n.records[dns.TypeA] {
			name := strings.TrimSuffix(rr.Header().Name, ".")
			a.Glue[name] = append(a.Glue[name], address(rr.(*dns.A).A))
		}
		for _, rr := range n.records[dns.TypeAAAA] {
			name := strings.TrimSuffix(rr.Header().Name, ".")
			a.Glue[name] = append(a.Glue[name], address(rr.(*dns.AAAA).AAAA))
		}
	}
	return a
}
