package zone

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"dnsbld/listing/report"
)

// askTime is how long a server has for its answer.
const askTime = 2 * time.Second

// Ask sends one question, and gives what a check wants to know of the answer.
func Ask(ctx context.Context, q report.Question) (report.Reply, error) {
	t, known := dns.StringToType[q.Type]
	if !known {
		return report.Reply{}, fmt.Errorf("there is no type %s", q.Type)
	}
	m := new(dns.Msg).SetQuestion(dns.Fqdn(q.Name), t)
	m.RecursionDesired = q.Recursive
	network := "udp"
	if q.TCP {
		network = "tcp"
	}
	client := dns.Client{Net: network, Timeout: askTime}
	answer, _, err := client.ExchangeContext(ctx, m, q.Server.String())
	if err != nil {
		return report.Reply{}, err
	}
	return replyOf(answer), nil
}

// replyOf is what a check wants to know of an answer.
func replyOf(answer *dns.Msg) report.Reply {
	r := report.Reply{Rcode: cmp.Or(dns.RcodeToString[answer.Rcode], "?"), Authoritative: answer.Authoritative, Glue: map[string][]netip.Addr{}}
	for _, rr := range answer.Answer {
		if soa, ok := rr.(*dns.SOA); ok {
			r.HasSOA, r.Serial = true, soa.Serial
		}
	}
	for _, rr := range append(answer.Answer, answer.Ns...) {
		switch rr := rr.(type) {
		case *dns.NS:
			r.Names = append(r.Names, strings.TrimSuffix(rr.Ns, "."))
		case *dns.A:
			r.Addresses = append(r.Addresses, address(rr.A))
		case *dns.AAAA:
			r.Addresses = append(r.Addresses, address(rr.AAAA))
		}
	}
	for _, rr := range answer.Extra {
		name := strings.ToLower(strings.TrimSuffix(rr.Header().Name, "."))
		switch rr := rr.(type) {
		case *dns.A:
			r.Glue[name] = append(r.Glue[name], address(rr.A))
		case *dns.AAAA:
			r.Glue[name] = append(r.Glue[name], address(rr.AAAA))
		}
	}
	return r
}

func address(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

// SystemResolver is the first name server of a resolv.conf(5), invalid if there is
// none.
func SystemResolver(file string) netip.AddrPort {
	c, err := dns.ClientConfigFromFile(file)
	if err != nil || len(c.Servers) == 0 {
		return netip.AddrPort{}
	}
	a, err := netip.ParseAddr(c.Servers[0])
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, dnsPort)
}
