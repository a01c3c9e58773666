package helo

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"
)

// Flags is a set of what was noticed beside the code. In JSON it is an array of the names in alphabetical order.
type Flags uint64

// The flags, in the alphabetical order of flagNames.
const (
	FlagBracket           Flags = 1 << iota // a bracket without its partner
	FlagCase                                // upper case letters in the name
	FlagConfirmed                           // the recipient's domain, and DNS gives it to the client
	FlagControl                             // control characters
	FlagCrossFamily                         // an IPv6 literal from an IPv4 client, or the reverse
	FlagDNSUnverified                       // DNS was not asked or did not answer
	FlagEmbeddedIP                          // the client's octets in the name
	FlagEmpty                               // nothing after the verb
	FlagExtraText                           // words after the first
	FlagLiteralOnHELO                       // a literal after HELO; only EHLO has them (RFC 5321, section 4.1.1.1)
	FlagLiteralSyntax                       // brackets around something that is no address
	FlagMapped                              // the IPv4-mapped form of an IPv4 address
	FlagNonASCII                            // octets above 127
	FlagNonglobal                           // an address of rule 1, not routable
	FlagNullSender                          // the session's sender was empty
	FlagNumericLabel                        // one number that is not meant as an address
	FlagNumericTLD                          // a top label of digits
	FlagObfuscated                          // zero-padded, octal, hexadecimal or with parts left out
	FlagOther                               // an address of a third party
	FlagOurHostNotTrusted                   // our name, and DNS gives it to the client
	FlagOverlong                            // more than 255 octets
	FlagOwn                                 // the client's own address
	FlagPort                                // a port after the address
	FlagRcptParent                          // a parent domain of a recipient's
	FlagRcptSubdomain                       // a name under a recipient's domain
	FlagRFC821Number                        // "#" and a number (RFC 821, section 4.1.2)
	FlagSyntax                              // no host name
	FlagTagNoBrackets                       // "IPv6:" without brackets
	FlagTrailingDot                         // one dot at the end
	FlagUnderscore                          // underscores in the name
	FlagUntaggedV6                          // an IPv6 literal without "IPv6:"
	FlagWhitespace                          // blanks or tabs around
)

// flagNames are the names of the flags, by bit.
var flagNames = [...]string{
	"bracket", "case", "confirmed", "control", "cross-family", "dns-unverified", "embedded-ip", "empty", "extra-text",
	"literal-on-helo", "literal-syntax", "mapped", "nonascii", "nonglobal", "null-sender", "numeric-label", "numeric-tld",
	"obfuscated", "other", "our-host-not-trusted", "overlong", "own", "port", "rcpt-parent", "rcpt-subdomain",
	"rfc821-number", "syntax", "tag-no-brackets", "trailing-dot", "underscore", "untagged-v6", "whitespace",
}

// Has reports whether all of g are set.
func (f Flags) Has(g Flags) bool { return f&g == g }

// All yields the names of the flags that are set, in alphabetical order.
func (f Flags) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for f := f & (1<<len(flagNames) - 1); f != 0; f &= f - 1 {
			if !yield(flagNames[bits.TrailingZeros64(uint64(f))]) {
				return
			}
		}
	}
}

// String returns the names with blanks between.
func (f Flags) String() string { return strings.Join(slices.Collect(f.All()), " ") }

// MarshalJSON returns an array of names, never null.
func (f Flags) MarshalJSON() ([]byte, error) {
	return json.Marshal(slices.AppendSeq([]string{}, f.All()))
}

// UnmarshalJSON takes an array of names.
func (f *Flags) UnmarshalJSON(data []byte) error {
	var names []string
	if err := json.Unmarshal(data, &names); err != nil {
		return fmt.Errorf("decoding flags: %w", err)
	}
	var set Flags
	for _, name := range names {
		i, found := slices.BinarySearch(flagNames[:], name)
		if !found {
			return fmt.Errorf("decoding flags: unknown flag %q", name)
		}
		set |= 1 << i
	}
	*f = set
	return nil
}

// when returns f if it is set by cond.
func (f Flags) when(cond bool) Flags {
	if cond {
		return f
	}
	return 0
}
