package feed

import (
	"net/netip"
	"strconv"

	"dnsbld/listing"
)

// parseSubject reads an address or prefix. Dotted quads, the bulk of every
// list, are read without an allocation; the rest is left to listing.
func parseSubject(text []byte) (listing.Subject, error) {
	if quad, rest, ok := parseQuad(text); ok {
		switch bits, ok := parseBits(rest); {
		case len(rest) == 0:
			return listing.Subject{Prefix: netip.PrefixFrom(netip.AddrFrom4(quad), 32)}, nil
		case ok:
			p := netip.PrefixFrom(netip.AddrFrom4(quad), bits)
			if p == p.Masked() {
				return listing.Subject{Prefix: p}, nil
			}
		}
	}
	if s, ok := padded(text); ok {
		return s, nil
	}
	const longest = 100 // no address is that long: do not copy what is none
	return listing.ParseSubject(string(text[:min(len(text), longest)]))
}

// padded reads four octets of three digits each, as ipfilter.dat has them. Of
// other leading zeros it is not known whether they mean octal.
func padded(text []byte) (s listing.Subject, ok bool) {
	var quad [4]byte
	const width = 4 // with the dot
	if len(text) != width*len(quad)-1 {
		return s, false
	}
	for n := range quad {
		octet := text[width*n : width*n+3]
		v, err := strconv.ParseUint(string(octet), 10, 8)
		if err != nil || (n > 0 && text[width*n-1] != '.') {
			return s, false
		}
		quad[n] = byte(v)
	}
	return listing.HostSubject(netip.AddrFrom4(quad)), true
}

// parseQuad reads four octets in decimal, without leading zeros, and returns
// what follows.
func parseQuad(text []byte) (quad [4]byte, rest []byte, ok bool) {
	quad, n, rest, ok := parseOctets(text)
	return quad, rest, ok && n == len(quad)
}

// parseOctets reads up to four octets with dots between them, and returns what
// follows.
func parseOctets(text []byte) (quad [4]byte, n int, rest []byte, ok bool) {
	for n < len(quad) {
		if n > 0 {
			if len(text) == 0 || text[0] != '.' {
				return quad, n, text, true
			}
			text = text[1:]
		}
		if quad[n], text, ok = parseOctet(text); !ok {
			return quad, n, nil, false
		}
		n++
	}
	return quad, n, text, true
}

func parseOctet(text []byte) (octet byte, rest []byte, ok bool) {
	const digits = 3
	v, n := 0, 0
	for n < len(text) && n < digits && text[n] >= '0' && text[n] <= '9' {
		v = v*10 + int(text[n]-'0')
		n++
	}
	if n == 0 || v > 255 || (n > 1 && text[0] == '0') {
		return 0, nil, false
	}
	return byte(v), text[n:], true
}

// parseBits reads "/0" to "/32".
func parseBits(text []byte) (bits int, ok bool) {
	if len(text) < 2 || len(text) > 3 || text[0] != '/' || (len(text) == 3 && text[1] == '0') {
		return 0, false
	}
	for _, c := range text[1:] {
		if c < '0' || c > '9' {
			return 0, false
		}
		bits = bits*10 + int(c-'0')
	}
	return bits, bits <= 32
}
