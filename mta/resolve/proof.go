package resolve

import (
	"context"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"dnsbld/listing/helo"
)

// Reverse looks up the names of an address and whether they lead back. If some do, these are
// returned, else all. Without a resolver nothing is looked up, and the status is Unchecked.
func (c *Checker) Reverse(ctx context.Context, a netip.Addr) (names []string, confirmed bool, status helo.Status) {
	if c.resolver == nil {
		return nil, false, helo.Unchecked
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	s := helo.Session{Client: a.Unmap().WithZone("")}
	c.reverse(ctx, &s)
	return s.PTR, s.FCrDNS, s.PTRStatus
}

// Texts looks up the TXT records of a name, the strings of each joined. They come octet by octet,
// from strangers.
func (c *Checker) Texts(ctx context.Context, name string) ([]string, helo.Status) {
	if c.resolver == nil {
		return nil, helo.Unchecked
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer := c.resolver.Lookup(ctx, name, dns.TypeTXT)
	return slices.Clone(answer.Names), answer.Status
}

// MailServers looks up the addresses to which mail for a domain goes: those of its MX hosts, or its
// own if it has none (RFC 5321, section 5.1). The status is OK if there are any and all are known,
// TempError if others may be missing.
func (c *Checker) MailServers(ctx context.Context, domain string) ([]netip.Addr, helo.Status) {
	if c.resolver == nil {
		return nil, helo.Unchecked
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	mx := c.resolver.Lookup(ctx, domain, dns.TypeMX)
	hosts := mx.Names
	switch mx.Status {
	case helo.OK:
	case helo.NoData:
		hosts = []string{domain}
	default:
		return nil, mx.Status
	}
	var all []netip.Addr
	status := helo.NoData
	// One host that cannot be looked up may be where the mail goes: then what is known is not all.
	for _, host := range hosts {
		if host == "" { // no mail is taken (RFC 7505)
			continue
		}
		addrs, of := c.addresses(ctx, host)
		all = append(all, addrs...)
		if of == helo.TempError || status != helo.TempError && of == helo.OK {
			status = of
		}
	}
	return all, status
}
