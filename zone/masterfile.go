package zone

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"dnsbld/listing"
	"dnsbld/listing/index"

	"github.com/miekg/dns"
)

// WriteZone writes a zone as a master file (RFC 1035, section 5): the records that
// a transfer of it has at the same set. nil is the set that is served.
func (s *Server) WriteZone(to io.Writer, name string, set *index.Set) error {
	wanted := dns.CanonicalName(name)
	for _, z := range s.tables.Load().ordered {
		if z.name != wanted {
			continue
		}
		return rendering{z, set}.writeFile(to)
	}
	return fmt.Errorf("writing %s: there is no such zone: %w", name, listing.ErrNotFound)
}

// writeFile writes all records, the longest part of their owners' names once.
func (r rendering) writeFile(w io.Writer) error {
	to := bufio.NewWriterSize(w, 64<<10) // it keeps its first error
	fmt.Fprintf(to, "$ORIGIN %s\n$TTL %d\n", r.zone.name, r.zone.ttl)
	soa := r.zone.soaRecord(r.zone.serial(r.set))
	line, err := soa.line(nil)
	if err != nil {
		return err
	}
	_, _ = to.Write(line)
	for rec := range r.records() {
		if line, err = rec.line(line[:0]); err != nil {
			return err
		}
		_, _ = to.Write(line)
	}
	r.zone.missingGlue(to)
	if err := to.Flush(); err != nil {
		return fmt.Errorf("writing %s: %w", r.zone.name, err)
	}
	return nil
}

// line appends the record as a master file has it.
func (r *record) line(b []byte) ([]byte, error) {
	b = append(r.appendOwner(b), ' ')
	if r.rrtype == typeMarker {
		return append(b, "TYPE65280 \\# 0\n"...), nil
	}
	rr, _, err := dns.UnpackRR(r.appendData([]byte{0}, 0), 0)
	if err != nil {
		return nil, fmt.Errorf("writing a record of type %d: %w", r.rrtype, err)
	}
	b = append(append(b, dns.TypeToString[r.rrtype]...), ' ')
	b = append(b, strings.TrimPrefix(rr.String(), rr.Header().String())...)
	return append(b, '\n'), nil
}

// appendOwner appends the owner relative to the zone.
func (r *record) appendOwner(b []byte) []byte {
	if r.owner == "" {
		return append(b, '@')
	}
	name, _, err := dns.UnpackDomainName([]byte(r.owner+"\x00"), 0)
	if err != nil { // it was packed here
		return append(b, '@')
	}
	return append(b, strings.TrimSuffix(name, ".")...)
}

// missingGlue says which name servers in the zone have no address there: some
// servers, BIND among them, do not load it then.
func (z *zone) missingGlue(w io.Writer) {
	for _, rr := range z.nodes[""].records[dns.TypeNS] {
		host := rr.(*dns.NS).Ns
		_, wire, err := wireName(host)
		if err != nil {
			continue
		}
		labels := wire.labels - z.wire.labels
		if n := z.nodes[string(wire.before(max(0, labels)))]; dns.IsSubDomain(z.name, host) && n != nil && n.records[dns.TypeA] == nil && n.records[dns.TypeAAAA] == nil {
			fmt.Fprintf(w, "; the addresses of %s belong here: it is in this zone\n", host)
		}
	}
}
