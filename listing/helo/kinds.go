package helo

import (
	"net/netip"
	"strings"
)

// internalSuffixes are top domains that lead nowhere outside one's own network: RFC 6762 (section 3 and
// appendix G), RFC 8375, .internal as ICANN reserved it, and what common systems preset.
var internalSuffixes = [...]string{
	"local", "localdomain", "localnet", "internal", "intranet", "intra", "private", "priv", "corp", "home", "home.arpa",
	"lan", "workgroup",
}

// isInternal reports whether name is within a domain that is internal by convention.
func isInternal(name string) bool {
	for _, suffix := range internalSuffixes {
		if name == suffix || isUnder(name, suffix) {
			return true
		}
	}
	return false
}

// isLocalhost reports whether name belongs to the localhost family: RFC 6761, section 6.3, and the names that systems put
// beside it into /etc/hosts.
func isLocalhost(name string) bool {
	switch name {
	case "localhost", "ip6-localhost", "ip6-loopback":
		return true
	}
	first, rest, dotted := strings.Cut(name, ".")
	switch first {
	case "localhost", "localhost4", "localhost6":
		return !dotted || rest == "localdomain4" || rest == "localdomain6" || isInternal(rest)
	}
	return isUnder(name, "localhost")
}

// isReverse reports whether name stands in a reverse zone.
func isReverse(name string) bool {
	return isUnder(name, "in-addr.arpa") || isUnder(name, "ip6.arpa")
}

// embeds reports whether name holds the octets of an IPv4 client, forwards or backwards, dots or hyphens between, each with
// or without leading zeros and none a part of a longer number.
func embeds(name string, client netip.Addr) bool {
	if !client.Is4() {
		return false
	}
	octets := client.As4()
	for i := 0; i < len(name); i++ {
		if !digit(name[i]) || i > 0 && digit(name[i-1]) {
			continue
		}
		got, ok := fourNumbers(name[i:])
		if ok && (got == octets || got == [4]byte{octets[3], octets[2], octets[1], octets[0]}) {
			return true
		}
	}
	return false
}

// fourNumbers reads four octets at the start of s.
func fourNumbers(s string) (octets [4]byte, ok bool) {
	for i := range octets {
		if i > 0 {
			if s == "" || s[0] != '.' && s[0] != '-' {
				return octets, false
			}
			s = s[1:]
		}
		n, width := 0, 0
		for width < len(s) && width <= 3 && digit(s[width]) {
			n = 10*n + int(s[width]-'0')
			width++
		}
		if width == 0 || width > 3 || n > 255 {
			return octets, false
		}
		octets[i], s = byte(n), s[width:]
	}
	return octets, true
}
