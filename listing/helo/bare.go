package helo

import (
	"net/netip"
	"strings"
)

// bareAddress is rule 5: an address where a host name or a literal should stand. Host has no trailing dot.
func bareAddress(s *Session, host string) (Verdict, bool) {
	sp, ok := parseBare(host)
	if !ok {
		return Verdict{}, false
	}
	addr := sp.meant(s)
	v := Verdict{Code: CodeBareIP, Strength: Medium, Flags: sp.flags, Name: addr.String()}
	switch global := Global(addr); {
	case global && s.ours(addr):
		v.Code, v.Strength = CodeOurIP, Strong
	case addr == s.Client:
		v.Flags |= FlagOwn
	case sp.number && !addr.IsLoopback():
		return Verdict{Code: CodeNotFQDN, Strength: Weak, Flags: FlagNumericLabel, Name: strings.ToLower(host)}, true
	case !global:
		v.Flags |= FlagNonglobal
	default:
		v.Flags |= FlagOther
	}
	return v, true
}

// spelling is what a bare address can be read as.
type spelling struct {
	addr   netip.Addr // the zero Addr for a number too large to be one
	octal  netip.Addr // the other reading, where a leading zero may pad a decimal number or make it octal
	flags  Flags
	number bool // a single number, which may as well be a label
}

// meant picks the reading to judge: the octal one if only that is an address of the two parties.
func (sp spelling) meant(s *Session) netip.Addr {
	party := func(a netip.Addr) bool { return a == s.Client || Global(a) && s.ours(a) }
	if sp.octal.IsValid() && party(sp.octal) && !party(sp.addr) {
		return sp.octal
	}
	return sp.addr
}
