package zone

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// serialTime is how long a name server has for its answer.
const serialTime = 2 * time.Second

// Serial asks a name server for the serial of a zone (RFC 1035, section
// 3.3.13). A server that does not answer with authority has none.
func Serial(ctx context.Context, server netip.AddrPort, zone string) (uint32, error) {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(zone), dns.TypeSOA)
	q.RecursionDesired = false
	client := dns.Client{Timeout: serialTime}
	answer, _, err := client.ExchangeContext(ctx, q, server.String())
	if err != nil {
		return 0, fmt.Errorf("asking %s: %w", server, err)
	}
	for _, rr := range answer.Answer {
		if soa, ok := rr.(*dns.SOA); ok && answer.Authoritative {
			return soa.Serial, nil
		}
	}
	return 0, fmt.Errorf("%s does not answer for %s (%s)", server, zone, dns.RcodeToString[answer.Rcode])
}
