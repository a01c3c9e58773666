package zone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"dnsbld/listing/report"
)

// Serial asks a name server for the serial of a zone (RFC 1035, section
// 3.3.13). A server that does not answer with authority has none.
func Serial(ctx context.Context, server netip.AddrPort, zone string) (uint32, error) {
	r, err := Ask(ctx, report.Question{Server: server, Name: zone, Type: "SOA"})
	switch {
	case err != nil:
		return 0, fmt.Errorf("asking %s: %w", server, err)
	case !r.Authoritative || !r.HasSOA:
		return 0, fmt.Errorf("%s does not answer for %s (%s)", server, zone, r.Rcode)
	}
	return r.Serial, nil
}

// dnsPort is where name servers answer.
const dnsPort = 53

// Serial asks the server for the serial of a zone, at each of its addresses
// until one answers: those of the configuration, or else where the system's
// resolver finds it.
func (ns NameServer) Serial(ctx context.Context, zone string) (serial uint32, err error) {
	addresses := ns.Addresses
	if len(addresses) == 0 {
		if addresses, err = net.DefaultResolver.LookupNetIP(ctx, "ip", ns.Name); err != nil {
			return 0, fmt.Errorf("its address is not known: %w", err)
		}
	}
	var failed error
	for _, a := range addresses {
		if serial, err = Serial(ctx, netip.AddrPortFrom(a.Unmap(), dnsPort), zone); err == nil {
			return serial, nil
		}
		failed = errors.Join(failed, err)
	}
	return 0, failed
}
