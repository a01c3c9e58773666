package feed

import (
	"bytes"
	"strconv"

	"dnsbld/listing"
)

// trie6 reads a line of an ip6trie: an address or prefix. Without "::", groups
// left out at the end make it a prefix: 2001:db8:1:2 is a /64.
func (p *rbldnsd) trie6(text []byte) error {
	word, except, rest := cutEntry(text, ends6)
	s, err := prefix6(word)
	if err != nil {
		return err
	}
	return p.list(s, except, rest)
}

// nets6 reads a line of an ip6tset: four groups, a /64; or the exclusion of an
// address. What follows does not count.
func (p *rbldnsd) nets6(text []byte) error {
	word, except, rest := cutEntry(text, ends6)
	s, err := prefix6(word)
	switch {
	case err != nil:
		return err
	case except && !s.IsHost():
		return complain("not-an-address", "write the whole address", "an ip6tset excludes single addresses, which %s is not", quote(word))
	case !except && (bytes.Contains(word, []byte("::")) || bytes.Count(word, []byte(":")) != 3 || bytes.IndexByte(word, '/') >= 0):
		return complain("not-an-address", "write four groups such as 2001:db8:1:2, or read the file with --format rbldnsd:ip6trie", "%s is not four groups, and an ip6tset holds nothing else", quote(word))
	}
	return p.list(s, except, rest)
}

func prefix6(word []byte) (listing.Subject, error) {
	const groups = 8
	net, length, slash := bytes.Cut(word, []byte("/"))
	text := string(net[:min(len(net), 100)])
	colons := bytes.Count(net, []byte(":"))
	whole := bytes.Contains(net, []byte("::")) || colons == groups-1
	switch {
	case colons == 0 && !slash, bytes.IndexByte(net, '.') >= 0, len(net) == 0, net[len(net)-1] == ':' && !bytes.HasSuffix(net, []byte("::")):
		return listing.Subject{}, complain("not-an-address", "write an address such as 2001:db8::7, or a prefix such as 2001:db8::/32", "%s is not an IPv6 address or prefix", quote(word))
	case !whole:
		text += "::"
	}
	switch {
	case slash:
		text += "/" + string(length[:min(len(length), 10)])
	case !whole:
		text += "/" + strconv.Itoa(16*(colons+1))
	}
	return listing.ParseSubject(text)
}
