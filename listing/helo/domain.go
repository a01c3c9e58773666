package helo

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Limits of a domain name in text, in octets (RFC 1035, section 2.3.4).
const (
	maxLabel  = 63
	maxDomain = 253
)

// canonical returns a name in lower case and A-labels, as UTS 46 maps it. It is invalid only if IDNA has no A-labels for it:
// names in ASCII are taken as they are. It does not allocate for names that are canonical.
func canonical(name string) (string, bool) {
	if isASCII(name) {
		return strings.ToLower(name), true
	}
	if !utf8.ValidString(name) {
		return "", false
	}
	name, err := idna.Lookup.ToASCII(name)
	return name, err == nil && isASCII(name)
}

// hasName reports whether a canonical name is in a list of names as people write them.
func hasName(list []string, name string) bool {
	if name == "" {
		return false
	}
	for _, entry := range list {
		entry = strings.TrimSuffix(entry, ".")
		if len(entry) == len(name) && strings.EqualFold(entry, name) {
			return true
		}
		if isASCII(entry) {
			continue
		}
		if mapped, ok := canonical(entry); ok && mapped == name {
			return true
		}
	}
	return false
}

// isUnder reports whether name is a proper subdomain of domain, both canonical.
func isUnder(name, domain string) bool {
	n := len(name) - len(domain)
	return n > 0 && name[n-1] == '.' && name[n:] == domain
}

// faults returns what keeps a canonical name from being a host name (RFC 1123, section 2.1), underscores excepted.
func faults(name string) Flags {
	flags := FlagSyntax.when(len(name) > maxDomain)
	for {
		label, rest, more := strings.Cut(name, ".")
		if !wellFormed(label) {
			flags |= FlagSyntax
		}
		if !more {
			return flags | FlagNumericTLD.when(digits(label))
		}
		name = rest
	}
}

// wellFormed reports whether a label has letters, digits, underscores and inner hyphens only.
func wellFormed(label string) bool {
	if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		if c := label[i]; !('a' <= c && c <= 'z' || digit(c) || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func hasUpper(s string) bool {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return true
		}
	}
	return false
}
