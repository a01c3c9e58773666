package helo

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// parseBare reads an address in any of the spellings that clients use, legal or not.
func parseBare(s string) (spelling, bool) {
	if rest, tagged := cutTag(s); tagged {
		addr, flags, ok := parseV6(rest)
		return spelling{addr: addr, flags: flags | FlagTagNoBrackets}, ok
	}
	if rest, ok := strings.CutPrefix(s, "#"); ok {
		n, err := strconv.ParseUint(rest, 10, 32)
		return spelling{addr: fromNumber(n), flags: FlagRFC821Number}, err == nil
	}
	if addr, flags, ok := parseV6(s); ok {
		return spelling{addr: addr, flags: flags}, true
	}
	host, port, colon := strings.Cut(s, ":")
	sp, ok := parseV4(host)
	if !ok || !colon {
		return sp, ok
	}
	sp.flags |= FlagPort
	_, err := strconv.ParseUint(port, 10, 16)
	return sp, err == nil && digits(port) && !sp.number
}

// parseV4 reads an IPv4 address as inet_aton does: one to four parts, decimal, octal with a leading 0 or hexadecimal with 0x,
// the last of which fills what the others leave. Four decimal parts with leading zeros are first read as padded, which is what
// people and bots mean by them.
func parseV4(s string) (spelling, bool) {
	if last := s[strings.LastIndexByte(s, '.')+1:]; last == "" || !digit(last[0]) {
		return spelling{}, false // most names end here
	}
	if addr, ok := parseQuad(s); ok {
		return spelling{addr: addr}, true
	}
	parts := strings.SplitN(s, ".", 5)
	if len(parts) == 1 {
		return parseNumber(s)
	}
	sp := spelling{flags: FlagObfuscated}
	padded, okPadded := joinPadded(parts)
	aton, okAton := joinParts(parts)
	switch {
	case okPadded && okAton:
		sp.addr, sp.octal = padded, aton
	case okPadded:
		sp.addr = padded
	default:
		sp.addr = aton
	}
	return sp, okPadded || okAton
}

// parseNumber reads a single number, which is a label too, and an address only if it fits.
func parseNumber(s string) (spelling, bool) {
	if n, ok := parsePart(s); ok && n <= math.MaxUint32 {
		return spelling{addr: fromNumber(n), flags: FlagObfuscated, number: true}, true
	}
	return spelling{number: true}, digits(s) && len(s) <= maxLabel
}

// joinPadded reads four decimal parts.
func joinPadded(parts []string) (netip.Addr, bool) {
	var octets [4]byte
	if len(parts) != len(octets) {
		return netip.Addr{}, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || !digits(part) {
			return netip.Addr{}, false
		}
		octets[i] = byte(n)
	}
	return netip.AddrFrom4(octets), true
}

// joinParts reads two to four parts as inet_aton does.
func joinParts(parts []string) (netip.Addr, bool) {
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var sum uint64
	for i, part := range parts {
		n, ok := parsePart(part)
		limit, shift := uint64(math.MaxUint8), 24-8*i
		if i == len(parts)-1 {
			limit, shift = uint64(math.MaxUint32)>>(8*i), 0
		}
		if !ok || n > limit {
			return netip.Addr{}, false
		}
		sum |= n << shift
	}
	return fromNumber(sum), true
}

// parsePart reads one number of inet_aton.
func parsePart(s string) (uint64, bool) {
	base := 10
	switch {
	case len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x':
		s, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		s, base = s[1:], 8
	}
	n, err := strconv.ParseUint(s, base, 64) // with a base, it takes neither signs nor underscores
	return n, err == nil
}

func fromNumber(n uint64) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(n))))
}
