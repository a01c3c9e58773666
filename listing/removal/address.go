package removal

import (
	"io"
	"mime"
	"net/mail"
	"strings"
)

// maxMailAddress is the length of a mail address (RFC 5321, section 4.5.3.1.3,
// without the brackets).
const maxMailAddress = 254

// MailAddress is the one mail address in a text such as "Name <local@domain>",
// as it may stand in the header of an answer. It is not ok where there are
// several, and where the local part is no dot-atom (RFC 5322, section 3.2.3):
// read and written back without its quotes, "a@x.example, b"@y.example would be
// two other addresses.
func MailAddress(text string) (address string, ok bool) {
	asItIs := func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // of the name nothing is needed
	parser := mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: asItIs}}
	a, err := parser.Parse(text)
	if err != nil || len(a.Address) > maxMailAddress {
		return "", false
	}
	local, domain, _ := strings.Cut(a.Address, "@")
	if !dotted(local, "!#$%&'*+/=?^_`{|}~-") || !dotted(domain, "-") {
		return "", false
	}
	return a.Address, true
}

// dotted reports whether a text is of letters, digits and some more characters,
// with dots between but nowhere else.
func dotted(text, more string) bool {
	for part := range strings.SplitSeq(text, ".") {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"+more) != "" {
			return false
		}
	}
	return true
}

// IsHostName reports whether text can be a domain name, of one label or more.
func IsHostName(text string) bool {
	return text != "" && len(text) <= 253 && strings.Trim(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}

// maxLocalPart is the length of a local part (RFC 5321, section 4.5.3.1.1).
const maxLocalPart = 64

// Elsewhere reports whether a program may write to a mail address that a stranger
// typed. The address has a domain of more than one label: others are of this host.
// Its local part names no other mailbox to systems that read routes, pipes or files in it.
func Elsewhere(address string) bool {
	a, ok := MailAddress(address)
	local, domain, _ := strings.Cut(a, "@")
	last := domain[strings.LastIndexByte(domain, '.')+1:]
	return ok && a == address && len(local) <= maxLocalPart && !strings.ContainsAny(local, "%!|/") && local[0] != '-' &&
		last != domain && strings.Trim(last, "0123456789") != ""
}

// Mailbox is the mailbox of a mail address in lower case, whatever detail stands
// behind a plus sign (RFC 5233): one person has as many of these as he likes.
func Mailbox(address string) string {
	local, domain, _ := strings.Cut(BareMail(address), "@")
	if name, _, detail := strings.Cut(local, "+"); detail && name != "" {
		local = name
	}
	return local + "@" + domain
}
