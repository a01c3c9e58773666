package feed

import (
	"bytes"
	"cmp"
	"net/netip"
	"strings"

	"dnsbld/listing"
)

// value is what a line says about its entry: an A value, which is invalid if
// none was named, and a TXT template.
type value struct {
	a      netip.Addr
	text   string
	preset bool // the text is that of a default line
}

// parseValue reads what stands after an entry, over the default of its scope:
//
//	:4:text    A value and text
//	:4:        A value, no text
//	:4         A value, text of the default
//	text       text, A value of the default
//	# comment  nothing
func parseValue(text []byte, v value) (value, error) {
	text = bytes.Trim(text, " \t")
	if len(text) == 0 || text[0] == '#' || text[0] == ';' {
		return v, nil
	}
	if text[0] != ':' {
		v.text, v.preset = string(text), false
		return v, nil
	}
	a, template, both := bytes.Cut(text[1:], []byte(":"))
	var ok bool
	if v.a, ok = parseAnswer(a); !ok {
		return v, complain("bad-value", "write :127.0.0.2:text, or :2:text for short, or the text alone without colons",
			"%s is not an A value", listing.Quote(string(a[:min(len(a), 40)])))
	}
	if both {
		v.text, v.preset = string(bytes.TrimLeft(template, " \t")), false
	}
	return v, nil
}

// parseAnswer reads an A value: an address, or the last octet of one in
// 127.0.0.0/24.
func parseAnswer(text []byte) (netip.Addr, bool) {
	if quad, rest, ok := parseQuad(text); ok && len(rest) == 0 {
		return netip.AddrFrom4(quad), true
	}
	octet, rest, ok := parseOctet(text)
	return netip.AddrFrom4([4]byte{127, 0, 0, octet}), ok && len(rest) == 0 && octet != 0
}

// public is the text of an entry, its template filled in. What every text of
// this list says anyway is left out: the address it begins with, and what the
// reason says.
func (p *rbldnsd) public(template string, s listing.Subject, r listing.Reason) string {
	text, plain := strings.CutPrefix(template, "=")
	based := !plain && p.scope.base != ""
	subject := ""
	if based || strings.Contains(text, "$") || (text != "" && begins(text[0])) { // else the text does not name it
		subject = s.Text()
	}
	if based {
		text = fill(p.scope.base, subject, cmp.Or(template, subject), &p.scope.words)
	} else {
		text = fill(text, subject, template, &p.scope.words)
	}
	text = publicText(strings.TrimPrefix(text, subject+" "))
	if p.options.Reasons != nil {
		if i, ok := p.options.Reasons.Info(r); ok && i.Text == text {
			return ""
		}
	}
	return text
}

// fill replaces what begins with a dollar sign in a template: $ is the
// subject, $= the entry's own text, $0 to $9 are variables and $$ is a dollar
// sign. What grows beyond what a TXT record holds is not filled in further.
func fill(template, subject, own string, words *[10]string) string {
	if !strings.Contains(template, "$") {
		return template
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(template, "$")
		b.WriteString(before)
		if !found || b.Len() > 2*listing.MaxTXT {
			return b.String()
		}
		text, used := substitute(after, subject, own, words)
		b.WriteString(text)
		template = after[used:]
	}
}

// substitute is what stands for a dollar sign and what follows it, of which so
// many octets are used.
func substitute(after, subject, own string, words *[10]string) (text string, used int) {
	if after == "" {
		return subject, 0
	}
	switch c := after[0]; {
	case c == '$':
		return "$", 1
	case c == '=':
		return own, 1
	case c >= '0' && c <= '9':
		return cmp.Or(words[c-'0'], "$"+after[:1]), 1
	}
	return subject, 0
}
