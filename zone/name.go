package zone

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"dnsbld/listing"

	"github.com/miekg/dns"
)

// Limits of names (RFC 1035, section 2.3.4). A name of 255 octets has 127
// labels at the most.
const (
	maxName   = 255
	maxLabel  = 63
	maxLabels = 127
)

// name is the name of a question, in lower case on the wire.
type name struct {
	wire   [maxName + 1]byte // whole words
	length int
	starts [maxLabels + 1]uint8 // of the labels, and of the root behind them
	labels int
}

// read takes in an uncompressed name: nothing stands before the name of a
// question that it could point to. It returns where the name ends.
func (n *name) read(b []byte, off int) (end int, ok bool) {
	length, labels := 0, 0
	for at := off; ; labels++ {
		if at >= len(b) {
			return 0, false
		}
		size := int(b[at])
		if size > maxLabel || length+1+size > maxName {
			return 0, false
		}
		n.starts[labels] = uint8(length)
		if length, at = length+1+size, at+1+size; size == 0 {
			break
		}
	}
	n.length, n.labels = length, labels
	copy(n.wire[:], b[off:off+length])
	n.toLower()
	return off + length, true
}

// toLower works on eight octets at a time. Lengths of labels are less than any
// letter.
func (n *name) toLower() {
	const (
		each = 0x0101010101010101
		high = 0x80 * each
	)
	for at := 0; at < n.length; at += 8 {
		word := n.wire[at : at+8]
		x := binary.LittleEndian.Uint64(word)
		low := x &^ high
		fromA, beyondZ := low+(0x80-'A')*each, low+(0x80-'Z'-1)*each
		capital := fromA &^ beyondZ &^ x & high
		binary.LittleEndian.PutUint64(word, x|capital>>2)
	}
}

// skipName is where the name at off ends, compressed or not. Pointers are not
// followed.
func skipName(b []byte, off int) (end int, ok bool) {
	for length := 0; off < len(b) && length < maxName; {
		size := int(b[off])
		switch {
		case size >= 0xc0:
			return off + 2, off+2 <= len(b)
		case size > maxLabel:
			return 0, false
		case size == 0:
			return off + 1, true
		}
		off, length = off+1+size, length+1+size
	}
	return 0, false
}

// before is the name less all but its first labels.
func (n *name) before(labels int) []byte { return n.wire[:n.starts[labels]] }

// from is the name less its first labels.
func (n *name) from(labels int) []byte { return n.wire[n.starts[labels]:n.length] }

// label is one of the labels.
func (n *name) label(i int) []byte { return n.wire[n.starts[i]+1 : n.starts[i+1]] }

// text is the name as a zone file has it. It is for names of which it is known
// that nothing in them needs escaping.
func (n *name) text() string { return n.textFrom(0) }

func (n *name) textFrom(label int) string {
	var b strings.Builder
	for i := label; i < n.labels; i++ {
		b.Write(n.label(i))
		b.WriteByte('.')
	}
	return b.String()
}

// octets reads the first labels as an IPv4 prefix in reverse (RFC 5782,
// section 2.1): 2.0.192 is 192.0.2.0/24.
func (n *name) octets(labels int) (netip.Prefix, bool) {
	var a [4]byte
	if labels < 1 || labels > len(a) {
		return netip.Prefix{}, false
	}
	for i := range labels {
		octet, ok := decimal(n.label(i))
		if !ok {
			return netip.Prefix{}, false
		}
		a[labels-1-i] = octet
	}
	return netip.PrefixFrom(netip.AddrFrom4(a), 8*labels), true
}

// decimal reads a number up to 255, without leading zeros.
func decimal(label []byte) (byte, bool) {
	if len(label) > 3 || (label[0] == '0' && len(label) > 1) {
		return 0, false
	}
	v := 0
	for _, c := range label {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = 10*v + int(c-'0')
	}
	return byte(v), v <= 255
}

// nibbles reads the first labels as an IPv6 prefix in reverse (RFC 5782,
// section 2.4): 8.b.d.0.1.0.0.2 is 2001:db8::/32.
func (n *name) nibbles(labels int) (netip.Prefix, bool) {
	var a [16]byte
	if labels < 1 || labels > 2*len(a) {
		return netip.Prefix{}, false
	}
	for i := range labels {
		v, ok := hexadecimal(n.label(i))
		if !ok {
			return netip.Prefix{}, false
		}
		at := labels - 1 - i
		a[at/2] |= v << (4 * (1 - at%2))
	}
	return netip.PrefixFrom(netip.AddrFrom16(a), 4*labels), true
}

// hexadecimal reads one digit; letters are in lower case by now.
func hexadecimal(label []byte) (byte, bool) {
	switch c := label[0]; {
	case len(label) > 1:
		return 0, false
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// address reads the first labels as a whole address, and gives the one under
// which it is listed.
func (n *name) address(labels int) (netip.Addr, bool) {
	switch labels {
	case 4:
		p, ok := n.octets(labels)
		return p.Addr(), ok
	case 32:
		p, ok := n.nibbles(labels)
		return listing.Canonical(p.Addr()), ok
	}
	return netip.Addr{}, false
}

// reversed is the name under which an address is asked for in a zone.
func reversed(a netip.Addr, zone string) string {
	var b strings.Builder
	if a.Is4() {
		o := a.As4()
		fmt.Fprintf(&b, "%d.%d.%d.%d.", o[3], o[2], o[1], o[0])
	} else {
		o := a.As16()
		for i := len(o) - 1; i >= 0; i-- {
			fmt.Fprintf(&b, "%x.%x.", o[i]&0xf, o[i]>>4)
		}
	}
	return b.String() + zone
}

// wireName is a configured name in lower case, as a zone file and as the wire
// have it. Host names may hold underscores: operators have them.
func wireName(text string) (presentation string, wire *name, err error) {
	const octets = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	presentation = dns.Fqdn(strings.ToLower(text))
	bad := fmt.Errorf("%s is not a domain name", listing.Quote(text))
	if presentation == "." {
		return "", nil, bad
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(presentation, "."), ".") {
		if strings.Trim(label, octets) != "" || strings.HasPrefix(label, "-") {
			return "", nil, bad
		}
	}
	buf := make([]byte, 2*maxName)
	if len(presentation) > maxName {
		return "", nil, bad
	}
	end, err := dns.PackDomainName(presentation, buf, 0, nil, false)
	if err != nil {
		return "", nil, bad
	}
	wire = new(name)
	if _, ok := wire.read(buf[:end], 0); !ok {
		return "", nil, bad
	}
	return presentation, wire, nil
}
