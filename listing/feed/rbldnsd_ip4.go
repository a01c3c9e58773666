package feed

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"

	"dnsbld/listing"
)

// Octets that an entry ends before, a bit each. A value may follow IPv4 at once.
const (
	ends6 = 1<<' ' | 1<<'\t' | 1<<'#' | 1<<';'
	ends4 = ends6 | 1<<':'
)

// cutEntry cuts a line into its address, whether it is an exclusion, and what
// follows from the first of some ends on.
func cutEntry(text []byte, ends uint64) (word []byte, except bool, rest []byte) {
	if text[0] == '!' {
		except, text = true, bytes.TrimLeft(text[1:], " \t")
	}
	for n, c := range text {
		if c < 64 && ends>>c&1 != 0 {
			return text[:n], except, text[n:]
		}
	}
	return text, except, nil
}

// trie4 reads a line of an ip4trie: an address or prefix, of which trailing
// octets may be left out.
func (p *rbldnsd) trie4(text []byte) error {
	word, except, rest := cutEntry(text, ends4)
	if bytes.IndexByte(word, '-') >= 0 {
		return complain("range", "write prefixes, or read the file with --format rbldnsd:ip4set", "%s is a range, which an ip4trie does not hold", quote(word))
	}
	return p.list4(word, except, rest)
}

// list4 lists what prefix4 reads, if the file allows that many addresses.
func (p *rbldnsd) list4(word []byte, except bool, rest []byte) error {
	s, err := prefix4(word)
	if err != nil {
		return err
	}
	if err := p.checkSize(uint64(s.Addresses())); err != nil {
		return err
	}
	return p.list(s, except, rest)
}

// hosts4 reads a line of an ip4tset: one address. What follows does not count.
func (p *rbldnsd) hosts4(text []byte) error {
	word, except, rest := cutEntry(text, ends4)
	quad, after, ok := parseQuad(word)
	switch {
	case except:
		return complain("exclusion", "read the file with --format rbldnsd:ip4set", "an ip4tset holds no exclusions")
	case !ok || len(after) > 0:
		return complain("not-an-address", "write one address a line, or read the file with --format rbldnsd:ip4set", "%s is not an IPv4 address, and an ip4tset holds nothing else", quote(word))
	}
	return p.list(listing.Subject{Prefix: netip.PrefixFrom(netip.AddrFrom4(quad), 32)}, false, rest)
}

// set4 reads a line of an ip4set: as trie4, or a range.
func (p *rbldnsd) set4(text []byte) error {
	word, except, rest := cutEntry(text, ends4)
	dash := bytes.IndexByte(word, '-')
	if dash < 0 {
		if err := spacedDash(word, rest); err != nil {
			return err
		}
		return p.list4(word, except, rest)
	}
	lo, hi, err := range4(word[:dash], word[dash+1:])
	if err != nil {
		return err
	}
	if err := p.checkSize(uint64(hi) - uint64(lo) + 1); err != nil {
		return err
	}
	for block := range blocks(addr4(lo), addr4(hi)) {
		if err := p.list(subjectOf(block), except, rest); err != nil {
			return err
		}
	}
	return nil
}

// spacedDash refuses "192.0.2.1 - 192.0.2.9", which would list one address
// with a strange text.
func spacedDash(word, rest []byte) error {
	rest = bytes.TrimLeft(rest, " \t")
	if len(rest) < 2 || rest[0] != '-' {
		return nil
	}
	end, _, _ := cutEntry(append(bytes.Clone(bytes.TrimLeft(rest[1:], " \t")), ' '), ends4)
	if _, _, ok := octets(end); !ok {
		return nil
	}
	return complain("spaced-range", "write "+string(word)+"-"+string(end), "a range has no white space around its dash")
}

// prefix4 reads "192.0.2.7", "192.0.2.0/24", "192.0.2/24" and "192.0.2". A
// number alone is not enough.
func prefix4(word []byte) (listing.Subject, error) {
	if quad, rest, ok := parseQuad(word); ok && len(rest) == 0 {
		return listing.Subject{Prefix: netip.PrefixFrom(netip.AddrFrom4(quad), 32)}, nil
	}
	net, length, slash := bytes.Cut(word, []byte("/"))
	quad, n, ok := octets(net)
	width, valid := parseBits(append([]byte("/"), length...))
	switch {
	case !ok || (slash && !valid) || (!slash && n == 1):
		return listing.Subject{}, notAddress(word)
	case !slash:
		width = 8 * n
	}
	return listing.ParseSubject(fmt.Sprintf("%s/%d", netip.AddrFrom4(quad), width))
}

func notAddress(word []byte) error {
	hint := "write an address such as 192.0.2.7, or a prefix such as 192.0.2.0/24"
	if bytes.IndexByte(word, ':') >= 0 {
		hint = "IPv6 stands in files of type ip6trie or ip6tset"
	}
	return complain("not-an-address", hint, "%s is not an IPv4 address or prefix", quote(word))
}

func quote(word []byte) string { return listing.Quote(string(word[:min(len(word), 100)])) }

// octets reads one to four octets; those left out are 0.
func octets(text []byte) (quad [4]byte, n int, ok bool) {
	quad, n, rest, ok := parseOctets(text)
	return quad, n, ok && len(rest) == 0
}

// range4 reads a range, both ends of which are in it. Octets left out of its
// end are 255; an end of one octet is the last octet of the beginning. An end
// of more octets than the beginning, as in 127-127.0.0, is documented and read
// here; rbldnsd itself skips it.
func range4(from, to []byte) (lo, hi uint32, err error) {
	word := append(append(bytes.Clone(from[:min(len(from), 40)]), '-'), to[:min(len(to), 40)]...)
	first, n, ok := octets(from)
	last, m, ok2 := octets(to)
	switch {
	case !ok || !ok2 || (m < n && m != 1):
		return 0, 0, complain("not-a-range", "write a range such as 192.0.2.1-192.0.2.9, or 192.0.2.1-9 for short", "%s is not a range", quote(word))
	case m == 1 && n > 1:
		octet := last[0]
		last, m = first, n
		last[n-1] = octet
	}
	for ; m < len(last); m++ {
		last[m] = 255
	}
	lo, hi = binary.BigEndian.Uint32(first[:]), binary.BigEndian.Uint32(last[:])
	if hi < lo {
		return 0, 0, complain("not-a-range", "swap its ends", "the range %s ends before it begins", quote(word))
	}
	return lo, hi, nil
}
