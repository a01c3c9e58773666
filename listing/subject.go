package listing

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"strings"
)

// Subject is what an entry lists: a prefix, a single host being /32 or /128.
// A valid subject is masked and in its canonical family: IPv4-mapped
// (RFC 4291, section 2.5.5.2) and 6to4 (RFC 3056) spellings are held as the
// IPv4 address they embed. The zero Subject is invalid and, where a subject
// narrows a search, means everything.
type Subject struct{ netip.Prefix }

// HostSubject is the subject that lists one address.
func HostSubject(a netip.Addr) Subject {
	s, _ := canonical(netip.PrefixFrom(a.WithZone(""), a.BitLen()))
	return s
}

// ParseSubject reads an address or a prefix. A prefix with host bits set is
// refused, and the error names the prefix that was probably meant.
func ParseSubject(text string) (Subject, error) {
	text = strings.TrimSpace(text)
	p, err := parsePrefix(text)
	if err != nil {
		return Subject{}, &Error{Kind: ErrInvalid, Code: "not-an-address",
			Message: fmt.Sprintf("%s is not an address or prefix", Quote(text)),
			Hint:    "write an address such as 192.0.2.7 or 2001:db8::7, or a prefix such as 192.0.2.0/24"}
	}
	if m := p.Masked(); m != p {
		return Subject{}, &Error{Kind: ErrInvalid, Code: "host-bits",
			Message: fmt.Sprintf("%s has bits set beyond its length of %d", p, p.Bits()),
			Hint:    fmt.Sprintf("write %s for the prefix, or %s for the address alone", m, p.Addr())}
	}
	return canonical(p)
}

func parsePrefix(text string) (netip.Prefix, error) {
	if strings.ContainsRune(text, '/') {
		return netip.ParsePrefix(text)
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	if a.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("address with a zone")
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// canonical maps IPv4-mapped and 6to4 prefixes to the IPv4 prefix they embed.
// Prefixes wider than the embedding (::/0, 2000::/3) are IPv6 and stay so.
func canonical(p netip.Prefix) (Subject, error) {
	a := p.Addr()
	if !a.Is6() {
		return Subject{p}, nil
	}
	b := a.As16()
	if a.Is4In6() {
		if p.Bits() >= 96 {
			return Subject{netip.PrefixFrom(a.Unmap(), p.Bits()-96)}, nil
		}
		return Subject{}, &Error{Kind: ErrInvalid, Code: "not-an-address",
			Message: fmt.Sprintf("%s cuts through the IPv4-mapped addresses", p),
			Hint:    "write the IPv4 prefix itself"}
	}
	if b[0] == 0x20 && b[1] == 0x02 && p.Bits() >= 16 {
		v4 := netip.AddrFrom4([4]byte(b[2:6]))
		return Subject{netip.PrefixFrom(v4, min(p.Bits()-16, 32)).Masked()}, nil
	}
	return Subject{p}, nil
}

// Canonical is the address under which a is listed: IPv4 for IPv4-mapped and
// 6to4 spellings, a itself otherwise.
func Canonical(a netip.Addr) netip.Addr { return HostSubject(a).Addr() }

// ClientBits is how long a prefix in IPv6 is that one client, sender or customer
// has at the least, so that its addresses count as one.
const ClientBits = 64

// ClientPrefix is what one client has: an IPv4 address, or an IPv6 /64. The address
// is not an IPv4-mapped one.
func ClientPrefix(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = ClientBits
	}
	p, _ := a.Prefix(bits) // the length is within the address's
	return p
}

// IsHost reports whether the subject is a single address.
func (s Subject) IsHost() bool { return s.IsValid() && s.IsSingleIP() }

// Covers reports whether every address of o is one of s.
func (s Subject) Covers(o Subject) bool {
	return s.IsValid() && o.IsValid() && s.Bits() <= o.Bits() && s.Contains(o.Addr())
}

// Addresses is how many addresses the subject holds, as a float because an
// IPv6 prefix holds more than an integer does.
func (s Subject) Addresses() float64 {
	return math.Exp2(float64(s.Addr().BitLen() - s.Bits()))
}

// Text is how people read the subject: a host without its length.
func (s Subject) Text() string {
	if s.IsHost() {
		return s.Addr().String()
	}
	return s.String()
}

// V4 is the IPv4 address as a number, for packing. It is 0 for IPv6.
func (s Subject) V4() uint32 {
	if !s.Addr().Is4() {
		return 0
	}
	b := s.Addr().As4()
	return binary.BigEndian.Uint32(b[:])
}

// Compare orders subjects: IPv4 before IPv6, by address, wider first.
func (s Subject) Compare(o Subject) int {
	if c := s.Addr().Compare(o.Addr()); c != 0 {
		return c
	}
	return s.Bits() - o.Bits()
}
