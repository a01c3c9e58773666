package zone

import (
	"net/netip"

	"dnsbld/listing"
)

// Test points (RFC 5782, section 5) are the same in every zone and whatever
// the list holds: 127.0.0.2 is listed and 127.0.0.1 is not, also in their
// IPv4-mapped and 6to4 spellings; 127.0.0.N is listed for the reason N, as far
// as it is published.
const (
	testReason  listing.Reason = 2
	neverListed byte           = 1 // as the last octet
)

// loopback is where they lie.
var loopback = netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 24)

// point says whether the answer about an address is fixed, and if it is, for
// which reason it is listed: 0 for none.
func (z *zone) point(a netip.Addr) (r listing.Reason, fixed bool) {
	if !a.Is4() || !loopback.Contains(a) {
		return 0, false
	}
	last := a.As4()[3]
	if z.tests[last] != "" {
		return listing.Reason(last), true
	}
	return 0, last == neverListed
}

// pointsIn reports whether a prefix holds a test point that is listed.
func (z *zone) pointsIn(p netip.Prefix) bool {
	if !p.Overlaps(loopback) {
		return false
	}
	for n, text := range z.tests {
		if text != "" && p.Contains(netip.AddrFrom4([4]byte{127, 0, 0, byte(n)})) {
			return true
		}
	}
	return false
}
