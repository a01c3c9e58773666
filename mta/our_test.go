package mta

import "net/netip"

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func our() Our {
	return Our{
		Addresses: addrs("192.0.2.25"),
		Names:     []string{"mx.rcpt.example"},
		Hosted:    []string{"rcpt.example", "other.example"},
		Trusted:   []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
	}
}
