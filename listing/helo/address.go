package helo

import (
	"net/netip"
	"strings"
)

// Global reports whether addr is globally routable as rule 1 has it: not in 0/8, 10/8, 100.64/10, 127/8, 169.254/16, 172.16/12,
// 192.168/16, 224/3, ::, ::1, fc00::/7, fe80::/10 or ff00::/8. The documentation ranges count as global. An IPv4-mapped
// address is the IPv4 address; the zero Addr is not global.
func Global(addr netip.Addr) bool {
	addr = plain(addr)
	switch {
	case !addr.IsValid(), addr.IsUnspecified(), addr.IsLoopback(), addr.IsPrivate(), addr.IsLinkLocalUnicast(), addr.IsMulticast():
		return false
	case addr.Is4():
		b := addr.As4()
		return b[0] != 0 && b[0] < 224 && !(b[0] == 100 && b[1]&0xc0 == 64)
	default:
		return true
	}
}

// plain returns addr unmapped and without a zone: two plain addresses are the same host exactly if they are equal.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// neighbours reports whether two addresses of one family share a /24 or /64.
func neighbours(a, b netip.Addr) bool {
	width := 64
	if a.Is4() {
		width = 24
	}
	network, err := a.Prefix(width)
	return err == nil && network.Contains(b)
}

// parseQuad reads four decimal octets without leading zeros.
func parseQuad(s string) (netip.Addr, bool) {
	if s == "" || !digit(s[0]) {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(s)
	return addr, err == nil && addr.Is4()
}

// parseV6 reads an IPv6 address without zone. A mapped address becomes the IPv4 address, with a flag.
func parseV6(s string) (netip.Addr, Flags, bool) {
	if !strings.Contains(s, ":") {
		return netip.Addr{}, 0, false
	}
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, 0, false
	}
	return addr.Unmap(), FlagMapped.when(addr.Is4In6()), true
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// digits reports whether s is one or more decimal digits.
func digits(s string) bool {
	for i := range len(s) {
		if !digit(s[i]) {
			return false
		}
	}
	return s != ""
}
