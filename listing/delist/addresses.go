package delist

import (
	"net/netip"
	"slices"
	"strings"

	"dnsbld/listing"
)

// sighted is an address found in text, and where.
type sighted struct {
	addr       netip.Addr
	start, end int
}

var (
	quad = lazy(`\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}`)
	hexa = lazy(`[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}`)

	// product is what stands before the number of a version, or of a section of an RFC.
	product = lazy(`(?i)(?:\b(?:version|ver\.?|sections?|sec\.|chapter|release|build|revision|rev\.?|id|smtpsvc|v|exchange server|mailer|openssl)[\s:=#("]*|[a-z]/|\+)$`)
	// rangeAfter and rangeBefore are what makes an address one end of a range.
	rangeAfter  = lazy(`^(?:/(?:[0-9]|[12][0-9]|3[01])\b|\s?(?:-|to|through|until|\.\.+)\s?(?:\d{1,3}\.){3}\d|\s?-\s?\d{1,3}\b|\.[x\d*])`)
	rangeBefore = lazy(`(?:\d{1,3}\.){3}\d{1,3}\s?(?:-|to|through|until|\.\.+)\s?$`)
	longer      = lazy(`^(?:\d|\.[0-9A-Za-z]|-[A-Za-z])`) // a longer number, or a name
	mask        = lazy(`(?i)(?:mask|netmask)[\s:=]*$`)
)

// addresses finds the addresses in text, whether or not they can be listed:
// numbers that are part of something else are none.
func addresses(text string) []sighted {
	var all []sighted
	for _, m := range quad.FindAllStringIndex(text, maxAddresses) {
		if a, err := netip.ParseAddr(text[m[0]:m[1]]); err == nil && standsAlone(text, m[0], m[1]) {
			all = append(all, sighted{a, m[0], m[1]})
		}
	}
	for _, m := range hexa.FindAllStringIndex(text, maxAddresses) {
		start, end := m[0], trimColon(text, m[0], m[1])
		if strings.EqualFold(text[max(0, start-3):min(end, start+2)], "ipv6:") {
			start += 2
		}
		a, err := netip.ParseAddr(text[start:end])
		if err == nil && (start == 0 || !wordByte(text[start-1])) && (end == len(text) || !wordByte(text[end])) {
			all = append(all, sighted{listing.Canonical(a), start, end})
		}
	}
	slices.SortStableFunc(all, func(a, b sighted) int { return a.start - b.start })
	return all
}

// trimColon leaves out a colon that ends the address in a sentence.
func trimColon(text string, start, end int) int {
	if end-start > 2 && text[end-1] == ':' && text[end-2] != ':' {
		return end - 1
	}
	return end
}

// standsAlone reports whether four numbers with dots are an address and not
// part of a name, a longer number or a version.
func standsAlone(text string, start, end int) bool {
	before, after := text[max(0, start-60):start], text[end:min(len(text), end+24)]
	switch {
	case before != "" && (wordByte(before[len(before)-1]) || before[len(before)-1] == '.'):
		word := strings.ToLower(before)
		if !strings.HasSuffix(word, "ip") || len(word) > 2 && wordByte(word[len(word)-3]) {
			return false
		}
	case longer.MatchString(after):
		return false
	}
	return !isProduct(before)
}

// isProduct reports whether a version follows. An address in the path of a URL
// follows a slash as well.
func isProduct(before string) bool {
	if !product.MatchString(before) {
		return false
	}
	word := before[strings.LastIndexAny(before, " <\"'(")+1:]
	return !strings.HasSuffix(word, "/") || !strings.ContainsAny(word, ".:")
}

// isRange reports whether an address stands for more than itself.
func isRange(text string, s sighted) bool {
	before, after := text[max(0, s.start-40):s.start], text[s.end:min(len(text), s.end+40)]
	if !s.addr.Is4() {
		return len(after) > 1 && after[0] == '/' && digitByte(after[1]) && !strings.HasPrefix(after, "/128")
	}
	return rangeAfter.MatchString(after) || rangeBefore.MatchString(before) || mask.MatchString(before)
}

// candidate reports whether an address can be what a request is about: one of
// the public Internet that a sender could have.
func candidate(a netip.Addr) bool {
	if _, never := (listing.Policy{}).Protects(listing.HostSubject(a)); never {
		return false
	}
	return a.Is4() || a.As16()[0]>>5 == 1 // 2000::/3 (RFC 4291, section 2.4)
}

func digitByte(c byte) bool  { return '0' <= c && c <= '9' }
func letterByte(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func wordByte(c byte) bool   { return digitByte(c) || letterByte(c) }
