package sighting

import (
	"cmp"
	"slices"
	"time"

	"dnsbld/listing/helo"
)

// cell counts sessions that were alike: in one second, or, once gathered, in
// one longer span. It is what all figures are made of.
type cell struct {
	at       int64  // Unix seconds: of gathered sessions that are bogus the newest, of others the oldest
	host     uint64 // the low half of an IPv6 address; 0 in IPv4
	n        uint32
	target   uint32 // keyed hash of the target, never 0 if there is one
	code     codeNumber
	strength helo.Strength
	receiver uint8 // the engine's number of it; 0: one of too many
	flags    flags
}

// flags are what else is known of a cell's sessions.
type flags uint8

const (
	flagUncounted flags = 1 << iota // late or in the future
	flagConfirmed                   // clean, and DNS bears the greeting out
	flagNoPTR                       // rdns-missing
	flagPTR                         // rdns-unconfirmed
	flagRcpt                        // most recipients unknown
	flagRDNS                        // the reverse name leads back to the address
	flagProbation                   // its receiver was new (probation.go)
)

// manyHosts stands for the hosts of a /64 that are too many to tell apart.
const manyHosts = ^uint64(0)

func (c *cell) counted() bool   { return c.flags&flagUncounted == 0 && c.strength != helo.Exempt }
func (c *cell) bogus() bool     { return c.strength >= helo.Medium }
func (c *cell) clean() bool     { return c.strength == helo.StrengthOK }
func (c *cell) confirmed() bool { return c.flags&flagConfirmed != 0 }
func (c *cell) time() time.Time { return time.Unix(c.at, 0).UTC() }

// span rounds the time down to a multiple of seconds.
func (c *cell) span(seconds int64) int64 { return c.at - c.at%seconds }

// alike orders cells by everything that keeps them apart when times are told
// apart by no less than seconds.
func alike(a, b *cell, seconds int64) int {
	return cmp.Or(cmp.Compare(a.span(seconds), b.span(seconds)), cmp.Compare(a.host, b.host),
		cmp.Compare(a.code, b.code), cmp.Compare(a.strength, b.strength), cmp.Compare(a.receiver, b.receiver),
		cmp.Compare(a.target, b.target), cmp.Compare(a.flags, b.flags))
}

// gather merges the cells that are alike. The outcome does not depend on their
// order.
func gather(cells []cell, seconds int64) []cell {
	if len(cells) < 2 {
		return cells
	}
	slices.SortFunc(cells, func(a, b cell) int {
		return cmp.Or(alike(&a, &b, seconds), cmp.Compare(a.at, b.at))
	})
	out := cells[:1]
	for i := range cells[1:] {
		c, last := &cells[i+1], &out[len(out)-1]
		if alike(c, last, seconds) != 0 {
			out = append(out, *c)
			continue
		}
		last.n = sum(last.n, c.n)
		if c.bogus() {
			last.at = c.at // the newest
		}
	}
	return out
}

func sum(a, b uint32) uint32 {
	if s := a + b; s >= a {
		return s
	}
	return ^uint32(0)
}

// maxCells is how many cells a place has in a day; beyond it, times are told
// apart less and less, then receivers, targets and hosts of what is not bogus,
// then those of what is.
const maxCells = 2048

// reduce brings cells down to half of maxCells, giving up no more than it must.
func reduce(cells []cell) []cell {
	for _, seconds := range []int64{1, 60, 600, 3600} {
		if cells = gather(cells, seconds); len(cells) <= maxCells/2 {
			return cells
		}
	}
	for _, all := range []bool{false, true} {
		for i := range cells {
			if c := &cells[i]; all || !c.bogus() {
				c.blur()
			}
		}
		if cells = gather(cells, 3600); len(cells) <= maxCells/2 {
			return cells
		}
	}
	return gather(cells, 86400)
}

func (c *cell) blur() {
	c.receiver, c.target = 0, 0
	if c.host != 0 {
		c.host = manyHosts
	}
}

// codeNumber is a code in one octet. The order of codeNames is stored: append
// only.
type codeNumber uint8

var codeNames = [...]helo.Code{
	"", helo.CodeOK, helo.CodeOKLiteral, helo.CodeOKRcptDomain,
	helo.CodeExemptAuth, helo.CodeExemptSubmission, helo.CodeExemptTrusted, helo.CodeExemptSelf, helo.CodeExemptNonglobalClient,
	helo.CodeAbsent, helo.CodeMalformed, helo.CodeOurIP, helo.CodeOurName, helo.CodeBareIP, helo.CodeRcptDomain,
	helo.CodeForgedLiteral, helo.CodePrivateLiteral, helo.CodeLiteralMismatch, helo.CodeHostedDomain, helo.CodeLocalhost,
	helo.CodeNotFQDN, helo.CodeGeneric, helo.CodeInternalName, helo.CodeUnresolvable, helo.CodeIPMismatch,
}

func numberOf(c helo.Code) codeNumber {
	return codeNumber(max(0, slices.Index(codeNames[:], c)))
}

func (n codeNumber) code() helo.Code {
	if int(n) < len(codeNames) {
		return codeNames[n]
	}
	return ""
}
