package web

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/removal"
)

// parseAddress reads an address as people write and paste it. It returns it as
// it is listed: IPv4 for IPv4-mapped and 6to4 spellings.
func parseAddress(text string) (netip.Addr, error) {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		text = strings.TrimPrefix(strings.TrimSuffix(inner, "]"), "IPv6:")
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		if p.IsSingleIP() {
			return listing.Canonical(p.Addr()), nil
		}
		return netip.Addr{}, &listing.Error{Kind: listing.ErrInvalid, Code: "prefix",
			Message: fmt.Sprintf("%s is a range of addresses, and this page is about one address", p),
			Hint:    "look up the address that sends your mail: the text of the refusal names it"}
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, &listing.Error{Kind: listing.ErrInvalid, Code: "not-an-address",
			Message: fmt.Sprintf("%s is not an IP address", listing.Quote(text)),
			Hint:    "write it like 192.0.2.7 or 2001:db8::7, without a port and without leading zeros"}
	}
	return listing.Canonical(a), nil
}

// find reads what people paste into the search box: an address in any spelling, one
// with a port, a name in a reverse zone or in one of ours, the URL of a page of ours,
// or a whole refusal. It returns the path of the page, and an error in the words of
// the page where there is none.
func (s *Server) find(v *visit, text string) (path string, err error) {
	text = strings.TrimSpace(text)
	a, wrong := parseAddress(text)
	if wrong == nil {
		return "/" + a.String(), nil
	}
	if e, ok := errors.AsType[*listing.Error](wrong); ok && e.Code == "prefix" {
		return "/" + text, nil
	}
	if a, ok := pasted(text, v.site.Config); ok {
		return "/" + listing.Canonical(a).String(), nil
	}
	if rest, ok := pageOf(text, v.site.Page); ok {
		return "/" + rest, nil
	}
	f, err := delist.Triage(v.Context(), strings.NewReader(text), delist.Ours{Languages: v.site.languages})
	switch {
	case err != nil:
		return "", err
	case f.Address != nil:
		return "/" + f.Address.String(), nil
	case len(f.Candidates) > 1:
		return "", &listing.Error{Kind: listing.ErrInvalid, Code: "several", Message: fmt.Sprintf("that names %d addresses", len(f.Candidates)),
			Hint: "look up the one that sends your mail: a refusal names it behind \"client\" or \"your address\""}
	case isDomain(text):
		return "", &listing.Error{Kind: listing.ErrInvalid, Code: "domain", Message: listing.Quote(text) + " is a domain, and this list holds IP addresses",
			Hint: "look up the address of the server that sends your mail: the text of the refusal names it, and so does the topmost Received line of a mail that arrived"}
	}
	return "", wrong
}

// pasted reads an address with a port, and names that have it reversed in front of
// their zone (RFC 5782, section 2.1; RFC 1035, section 3.5; RFC 3596, section 2.5).
func pasted(text string, c Config) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr(), true
	}
	zones := []string{"in-addr.arpa", "ip6.arpa"}
	for _, z := range c.Zones {
		zones = append(zones, z.Name)
	}
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	for _, zone := range zones {
		if labels, in := strings.CutSuffix(name, "."+zone); in {
			return reversed(strings.Split(labels, "."))
		}
	}
	return netip.Addr{}, false
}

// reversed is the address of which these are the octets, or the hexadecimal digits,
// the last first.
func reversed(labels []string) (netip.Addr, bool) {
	const octets, digits, group = 4, 32, 4
	slices.Reverse(labels)
	text := strings.Join(labels, ".")
	if len(labels) == digits {
		var groups []string
		for part := range slices.Chunk(labels, group) {
			groups = append(groups, strings.Join(part, ""))
		}
		text = strings.Join(groups, ":")
	}
	a, err := netip.ParseAddr(text)
	return a, err == nil && (len(labels) == octets || len(labels) == digits)
}

// pageOf is what stands behind the URL of our pages, if it is an address or a range.
func pageOf(text, page string) (rest string, ok bool) {
	if page == "" {
		return "", false
	}
	_, rest, found := strings.Cut(text, strings.TrimPrefix(strings.TrimPrefix(page, "https://"), "http://"))
	rest = strings.TrimRight(rest, "/.,;)>")
	if _, err := netip.ParsePrefix(rest); err == nil && found {
		return rest, true
	}
	_, err := netip.ParseAddr(rest)
	return rest, err == nil && found
}

// isDomain reports whether a text is one name with dots.
func isDomain(text string) bool {
	_, host, isMail := strings.Cut(text, "@")
	if !isMail {
		host = text
	}
	return strings.Contains(host, ".") && removal.IsHostName(host) && strings.Trim(host, "0123456789.") != ""
}
