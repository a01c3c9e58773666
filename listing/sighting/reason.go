package sighting

import (
	"dnsbld/listing"
	"dnsbld/listing/helo"
)

// The reasons that thresholds are about and that listing does not name.
const (
	forgedLiteral listing.Reason = 6
	rotating      listing.Reason = 7
	localhost     listing.Reason = 8
	malformed     listing.Reason = 9
	rdnsMissing   listing.Reason = 12
	rdnsUnproved  listing.Reason = 13
	rcptBogus     listing.Reason = 14
)

// reasonSymbols are the reasons that sessions can be found against.
var reasonSymbols = map[listing.Reason]string{
	listing.BareIP:   "helo-bare-ip",
	listing.OurIP:    "helo-our-ip",
	listing.RcptName: "helo-rcpt-domain",
	listing.OurName:  "helo-our-name",
	forgedLiteral:    "helo-forged-literal",
	rotating:         "helo-rotating",
	localhost:        "helo-localhost",
	malformed:        "helo-malformed",
	rdnsMissing:      "rdns-missing",
	rdnsUnproved:     "rdns-unconfirmed",
	rcptBogus:        "rcpt-bogus",
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
		return forgedLiteral, true
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
	case rotating:
		return c.strength >= helo.Note && c.target != 0
	case localhost:
		return c.code.code() == helo.CodeLocalhost
	case malformed:
		return c.code.code() == helo.CodeMalformed && c.strength >= helo.Weak
	case rdnsMissing:
		return c.marks&markNoPTR != 0
	case rdnsUnproved:
		return c.marks&markPTR != 0
	case rcptBogus:
		return c.marks&markRcpt != 0
	}
	return false
}

// shadowOnly reports whether nothing seen for the reason is by itself worth a
// listing: neither medium nor strong.
func shadowOnly(r listing.Reason) bool { return r >= rotating }
