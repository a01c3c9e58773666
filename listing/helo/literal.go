package helo

import (
	"net/netip"
	"strings"
)

// v6Tag introduces the address in an IPv6 literal, in any case (RFC 5321, section 4.1.3).
const v6Tag = "IPv6:"

// literal is rule 4: an address in brackets, legal in EHLO (RFC 5321, section 4.1.3). Text begins or ends with a bracket.
func literal(s *Session, text string) Verdict {
	addr, flags, ok := parseLiteral(text)
	if !ok {
		return Verdict{Code: CodeMalformed, Strength: Weak, Flags: flags, Name: Escape(text, MaxName)}
	}
	v := Verdict{Flags: flags | FlagLiteralOnHELO.when(s.Verb.is(VerbHELO)), Name: addr.String()}
	switch {
	case Global(addr) && s.ours(addr):
		v.Code, v.Strength = CodeOurIP, Strong
	case addr == s.Client:
		v.Code, v.Strength = CodeOKLiteral, StrengthOK
		if flags.Has(FlagUntaggedV6) {
			v.Strength = Note
		}
	case !Global(addr):
		v.Code, v.Strength = CodePrivateLiteral, Note
	case addr.Is4() != s.Client.Is4():
		v.Code, v.Strength = CodeLiteralMismatch, Note
		v.Flags |= FlagCrossFamily
	case neighbours(addr, s.Client):
		v.Code, v.Strength = CodeLiteralMismatch, Note
	default:
		v.Code, v.Strength = CodeForgedLiteral, Medium
	}
	return v
}

// parseLiteral reads an address literal strictly, but for the tag, which may lack. If it is none, flags say why.
func parseLiteral(text string) (addr netip.Addr, flags Flags, ok bool) {
	inner, opened := strings.CutPrefix(text, "[")
	if !opened || !strings.Contains(inner, "]") {
		return netip.Addr{}, FlagBracket, false
	}
	inner, closed := strings.CutSuffix(inner, "]")
	rest, tagged := cutTag(inner)
	if tagged || strings.Contains(rest, ":") {
		addr, flags, ok = parseV6(rest)
		flags |= FlagUntaggedV6.when(!tagged)
	} else {
		addr, ok = parseQuad(rest)
	}
	if !closed || !ok {
		return netip.Addr{}, FlagLiteralSyntax, false
	}
	return addr, flags, true
}

// cutTag takes the tag of an IPv6 literal off.
func cutTag(s string) (rest string, tagged bool) {
	if len(s) < len(v6Tag) || !strings.EqualFold(s[:len(v6Tag)], v6Tag) {
		return s, false
	}
	return s[len(v6Tag):], true
}
