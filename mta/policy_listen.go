package mta

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"dnsbld/listing"
	"dnsbld/unixsocket"
)

// PolicyAddress is where Postfix asks the policy service.
type PolicyAddress struct{ Network, Address string }

// String gives the address as [ParsePolicyAddress] reads it.
func (a PolicyAddress) String() string {
	if a.Network == "unix" {
		return "unix:" + a.Address
	}
	return a.Address
}

// ParsePolicyAddress reads an address as Postfix writes it, or without "inet:".
func ParsePolicyAddress(text string) (PolicyAddress, error) {
	if path, unix := strings.CutPrefix(text, "unix:"); unix && path != "" {
		return PolicyAddress{"unix", path}, nil
	}
	a, err := netip.ParseAddrPort(strings.TrimPrefix(text, "inet:"))
	if err != nil {
		return PolicyAddress{}, fmt.Errorf("%s: write an address and a port, such as 127.0.0.1:10040, or unix:PATH", listing.Quote(text))
	}
	return PolicyAddress{"tcp", a.String()}, nil
}

// Listen binds a socket of the policy service. Whoever may speak to a Unix socket
// of it may report sessions.
func (a PolicyAddress) Listen(ctx context.Context, access unixsocket.Access) (net.Listener, error) {
	if a.Network == "unix" {
		return unixsocket.Listen(a.Address, access)
	}
	return new(net.ListenConfig).Listen(ctx, a.Network, a.Address)
}
