package sighting

import (
	"dnsbld/listing"
	"dnsbld/listing/helo"
)

// counted is a built-in reason, if sessions can be found against it.
func counted(r listing.Reason) (listing.ReasonInfo, bool) {
	info, known := listing.DefaultReason(r)
	return info, known && info.Basis != listing.BasisOther
}

// eachCounted are all of them, with their symbols.
func eachCounted(yield func(listing.Reason, string) bool) {
	for info := range listing.EachDefault() {
		if info.Basis != listing.BasisOther && !yield(info.Code, info.Symbol) {
			return
		}
	}
}

// symbolOf names a reason that sessions can be found against; any other has no
// name here.
func symbolOf(r listing.Reason) string {
	if info, yes := counted(r); yes {
		return info.Symbol
	}
	return ""
}

// ReasonOf is the reason for which a bogus verdict can list; ok is false for
// every other verdict.
func ReasonOf(v helo.Verdict) (r listing.Reason, ok bool) {
	if !v.Bogus() {
		return 0, false
	}
	switch v.Code {
	case helo.CodeBareIP:
		return listing.BareIP, true
	case helo.CodeOurIP:
		return listing.OurIP, true
	case helo.CodeOurName:
		return listing.OurName, true
	case helo.CodeRcptDomain:
		return listing.RcptName, true
	case helo.CodeForgedLiteral:
		return listing.ForgedLiteral, true
	}
	return 0, false
}

// against reports whether the cell's sessions speak for a reason. A shadow
// reason may rest on weaker verdicts than those that list.
func (c *cell) against(r listing.Reason) bool {
	if own, ok := ReasonOf(helo.Verdict{Code: c.code.code(), Strength: c.strength}); ok && own == r {
		return true
	}
	if c.strength == helo.Exempt {
		return false
	}
	switch r {
	case listing.Rotating:
		return c.strength >= helo.Note && c.target != 0
	case listing.Localhost:
		return c.code.code() == helo.CodeLocalhost
	case listing.Malformed:
		return c.code.code() == helo.CodeMalformed && c.strength >= helo.Weak
	case listing.NoReverse:
		return c.flags&flagNoPTR != 0
	case listing.Unconfirmed:
		return c.flags&flagPTR != 0
	case listing.RcptBogus:
		return c.flags&flagRcpt != 0
	}
	return false
}

// shadowOnly reports whether nothing seen for the reason is by itself worth a
// listing: neither medium nor strong. The catalogue does not publish such a
// reason, whatever a configuration does.
func shadowOnly(r listing.Reason) bool {
	info, _ := counted(r)
	return !info.Published
}
