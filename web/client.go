package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// origin is where a request comes from.
type origin struct {
	addr   netip.Addr // limits are kept under it
	proven bool       // addr is the client's own, and may stand as proof
}

// originOf tells where a request comes from: the other end of the connection,
// or whom a trusted proxy names. A proxy adds the address that it sees at the
// right of what it got; so the first from the right that is no proxy of ours is
// the client, and all to the left of it is hearsay.
//
// Proxies write X-Forwarded-For or Forwarded (RFC 7239) and pass the other one
// on as a stranger sent it. If there are both they have to agree. Where that
// fails, or anything cannot be read, limits hold for the proxy, and there is no
// proof.
func originOf(r *http.Request, trusted []netip.Prefix) origin {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return origin{}
	}
	addr := peer.Addr().Unmap().WithZone("")
	if !within(trusted, addr) {
		return origin{addr, true}
	}
	plain, hasPlain := forwardedFor(r.Header.Values("X-Forwarded-For"))
	standard, hasStandard := forwarded(r.Header.Values("Forwarded"))
	named := rightmost(plain, trusted)
	if hasStandard {
		named = rightmost(standard, trusted)
	}
	if hasPlain && hasStandard && named != rightmost(plain, trusted) {
		named = netip.Addr{}
	}
	if !named.IsValid() {
		return origin{addr, false}
	}
	return origin{named, true}
}

// within reports whether one of some prefixes holds an address.
func within(prefixes []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// rightmost is the first address from the right that is not trusted; if all
// are, the leftmost. One that could not be read ends the search.
func rightmost(hops []netip.Addr, trusted []netip.Prefix) netip.Addr {
	var last netip.Addr
	for _, a := range slices.Backward(hops) {
		last = a
		if !a.IsValid() || !within(trusted, a) {
			break
		}
	}
	return last
}

// forwardedFor reads X-Forwarded-For: addresses with commas between. What is no
// address is an invalid one.
func forwardedFor(values []string) (hops []netip.Addr, present bool) {
	for _, v := range values {
		for hop := range strings.SplitSeq(v, ",") {
			hops = append(hops, node(strings.TrimSpace(hop)))
		}
	}
	return hops, len(values) > 0
}

// forwarded reads Forwarded (RFC 7239, section 4). A header that breaks the
// grammar says nothing.
func forwarded(values []string) (hops []netip.Addr, present bool) {
	for _, v := range values {
		elements, ok := cut(v, ',')
		if !ok {
			return nil, true
		}
		for _, element := range elements {
			hops = append(hops, forOf(element))
		}
	}
	return hops, len(values) > 0
}

// forOf is the "for" parameter of one element.
func forOf(element string) (a netip.Addr) {
	pairs, _ := cut(element, ';') // its quotes are closed, or it was not cut out
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "for") {
			continue
		}
		if a.IsValid() {
			return netip.Addr{} // said twice
		}
		value = strings.TrimSpace(value)
		if inner, quoted := strings.CutPrefix(value, `"`); quoted {
			value = strings.TrimSuffix(inner, `"`)
		}
		a = node(value)
	}
	return a
}

// cut cuts a header at separators outside of quoted strings (RFC 9110, section
// 5.6.4). It is not ok if a quoted string does not end.
func cut(s string, separator byte) (parts []string, ok bool) {
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && c == separator:
			parts, start = append(parts, s[start:i]), i+1
		}
	}
	return append(parts, s[start:]), !quoted
}

// node reads an address, perhaps in brackets or with a port.
func node(text string) netip.Addr {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		text = strings.TrimSuffix(inner, "]")
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}
