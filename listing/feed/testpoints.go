package feed

import (
	"net/netip"

	"dnsbld/listing"
)

// loopback is where the test points are (RFC 5782, section 5): what is written
// for DNS servers has them, and nothing else there.
func loopback() listing.Subject {
	return listing.Subject{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8)}
}

// testPoints are the owner names of the addresses that every list lists.
func testPoints() []string {
	four := netip.AddrFrom4([4]byte{127, 0, 0, 2})
	return []string{reverse(four, 32), reverse(netip.AddrFrom16(four.As16()), 128)}
}

const testText = "test point of this list (RFC 5782)"
