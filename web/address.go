package web

import (
	"fmt"
	"net/netip"
	"strings"

	"dnsbld/listing"
)

// parseAddress reads an address as people write and paste it. It returns it as
// it is listed: IPv4 for IPv4-mapped and 6to4 spellings.
func parseAddress(text string) (netip.Addr, error) {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		text = strings.TrimPrefix(strings.TrimSuffix(inner, "]"), "IPv6:")
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		if p.IsSingleIP() {
			return listing.Canonical(p.Addr()), nil
		}
		return netip.Addr{}, &listing.Error{Kind: listing.ErrInvalid, Code: "prefix",
			Message: fmt.Sprintf("%s is a range of addresses, and this page is about one address", p),
			Hint:    "look up the address that sends your mail: the text of the refusal names it"}
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, &listing.Error{Kind: listing.ErrInvalid, Code: "not-an-address",
			Message: fmt.Sprintf("%s is not an IP address", listing.Quote(text)),
			Hint:    "write it like 192.0.2.7 or 2001:db8::7, without a port and without leading zeros"}
	}
	return listing.Canonical(a), nil
}
