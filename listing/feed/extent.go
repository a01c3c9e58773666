package feed

import (
	"bytes"
	"math/bits"
	"net/netip"
	"strconv"

	"dnsbld/listing"
)

// extent reads how people write addresses, one or many: the first word of a line
// and what follows it. What follows and is no part of it says nothing.
//
//	192.0.2.7   192.0.2.0/24   2001:db8::/32
//	192.0.2.0/255.255.255.0    192.0.2.0 255.255.255.0    192.0.2.0 /24
//	192.0.2.0-192.0.2.9        192.0.2.0 - 192.0.2.9 , 100 , text
//	192.0.2.0 192.0.2.255 24
//
// Another address that follows and cannot be read so is refused: who wrote it
// meant more than the first. subjects are appended to all.
func extent(all []listing.Subject, word, rest []byte) ([]listing.Subject, error) {
	if s, err := parseSubject(word); err == nil {
		rest = bytes.TrimLeft(rest, " \t")
		if len(rest) == 0 || !begins(rest[0]) {
			return append(all, s), nil // as nearly all lines are
		}
		return follows(all, s, rest)
	} else if from, to, ok := bytes.Cut(word, []byte("-")); ok {
		lo, first := parseHost(from)
		hi, second := parseHost(to)
		if !first || !second {
			return nil, err
		}
		return between(all, lo, hi)
	} else if net, mask, ok := bytes.Cut(word, []byte("/")); ok {
		a, isHost := parseHost(net)
		if width, isMask := maskBits(mask); isHost && isMask {
			return prefixOf(all, a, width)
		}
		return nil, err
	} else {
		return nil, err
	}
}

// begins reports whether what follows an address can be part of it.
func begins(c byte) bool {
	return c == '-' || c == '/' || c == ':' || (c >= '0' && c <= '9') || (c|0x20 >= 'a' && c|0x20 <= 'f')
}

// follows reads what stands behind a subject.
func follows(all []listing.Subject, s listing.Subject, rest []byte) ([]listing.Subject, error) {
	words := bytes.FieldsFunc(rest, func(c rune) bool { return c == ' ' || c == '\t' || c == ',' || c == ';' })
	if len(words) == 0 {
		return append(all, s), nil
	}
	if words[0][0] == '-' {
		if hi, ok := rangeEnd(words); ok && s.IsHost() {
			return between(all, s.Addr(), hi)
		}
		return append(all, s), nil
	}
	if width, ok := width(s, words[0]); ok {
		return prefixOf(all, s.Addr(), width)
	}
	other, err := parseSubject(words[0])
	if err != nil {
		return append(all, s), nil
	}
	if whole, ok := columns(s, other, words[1:]); ok {
		return append(all, whole), nil
	}
	return nil, complain("second-address", "write one address, prefix or range a line; of a table with names of columns, say --format csv",
		"after %s the line names %s too", s.Text(), other.Text())
}

// rangeEnd reads what follows the first address of a range: "- b" or "-b".
func rangeEnd(words [][]byte) (netip.Addr, bool) {
	end := words[0][1:]
	if len(end) == 0 && len(words) > 1 {
		end = words[1]
	}
	return parseHost(end)
}

// width reads the length of the prefix that begins with an address: "/24", or a
// mask.
func width(s listing.Subject, word []byte) (int, bool) {
	if !s.IsHost() {
		return 0, false
	}
	if bits, ok := parseBits(word); ok && s.Addr().Is4() {
		return bits, true
	}
	return maskBits(word)
}

// columns are the first address, the last one and the length of a prefix, as
// DShield publishes them. They count if they say the same.
func columns(first, end listing.Subject, words [][]byte) (listing.Subject, bool) {
	if len(words) == 0 || !first.IsHost() || !end.IsHost() {
		return first, false
	}
	width, err := strconv.Atoi(string(words[0]))
	if err != nil || width < 0 || width > first.Addr().BitLen() {
		return first, false
	}
	p := netip.PrefixFrom(first.Addr(), width)
	return subjectOf(p), p == p.Masked() && last(subjectOf(p)) == end.Addr()
}

// parseHost reads one address.
func parseHost(text []byte) (netip.Addr, bool) {
	s, err := parseSubject(text)
	return s.Addr(), err == nil && s.IsHost() && bytes.IndexByte(text, '/') < 0
}

// maskBits reads the length of a prefix that is written as a mask, such as
// 255.255.255.0.
func maskBits(text []byte) (int, bool) {
	quad, rest, ok := parseQuad(text)
	n := uint32(quad[0])<<24 | uint32(quad[1])<<16 | uint32(quad[2])<<8 | uint32(quad[3])
	width := bits.LeadingZeros32(^n)
	return width, ok && len(rest) == 0 && width >= 8 && n<<width == 0
}

func prefixOf(all []listing.Subject, a netip.Addr, width int) ([]listing.Subject, error) {
	s, err := listing.ParseSubject(netip.PrefixFrom(a, width).String())
	return append(all, s), err
}

// between are the prefixes that a range is made of.
func between(all []listing.Subject, lo, hi netip.Addr) ([]listing.Subject, error) {
	if hi.Less(lo) || hi.BitLen() != lo.BitLen() {
		return nil, complain("not-a-range", "swap its ends", "the range %s-%s ends before it begins", lo, hi)
	}
	for p := range blocks(lo, hi) {
		all = append(all, subjectOf(p))
	}
	return all, nil
}
