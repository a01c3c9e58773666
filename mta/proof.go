package mta

import (
	"context"
	"net/netip"
	"slices"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/listing/helo"
)

// Reverse looks up the names of an address and whether they lead back. If some do, these are returned, else all. Without a resolver
// nothing is looked up, and the status is Unchecked.
func (c *Checker) Reverse(ctx context.Context, a netip.Addr) (names []string, confirmed bool, status helo.Status) {
	if c.config.Resolver == nil {
		return nil, false, helo.Unchecked
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	s := helo.Session{Client: a.Unmap().WithZone("")}
	c.reverse(ctx, &s)
	return s.PTR, s.FCrDNS, s.PTRStatus
}

// Texts looks up the TXT records of a name, the strings of each joined. They come octet by octet, from strangers.
func (c *Checker) Texts(ctx context.Context, name string) ([]string, helo.Status) {
	if c.config.Resolver == nil {
		return nil, helo.Unchecked
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	answer := c.config.Resolver.Lookup(ctx, name, dnsmessage.TypeTXT)
	return slices.Clone(answer.Names), answer.Status
}
