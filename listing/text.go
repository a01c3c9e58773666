package listing

import "strings"

// MaxTXT is the length in octets of the longest text of an entry: with what a
// mail server puts around it, it fits a line of an SMTP reply (RFC 5321,
// section 4.5.3.1.5).
const MaxTXT = 200

// TXT is what a DNS TXT record and the reply of a mail server say of an entry:
//
//	192.0.2.7 was listed by the operator of this list; https://bl.example/192.0.2.7
//
// The subject is that of the entry, so the text of a range names the range.
// own, the entry's own text, stands in place of the reason's; page is put
// before the subject to make the address of its page, and empty there is none.
// The text is printable ASCII of no more than MaxTXT octets: what is too long
// is cut in the middle. A page so long that nothing could be said beside it is
// left out.
func (c *Reasons) TXT(r Reason, s Subject, own, page string) string {
	subject := s.Text()
	text, again := c.Behind(r, len(subject), own, page)
	if again {
		return subject + text + subject
	}
	return subject + text
}

// Behind is what stands in TXT behind a subject of some octets, which is all of
// the subject that it depends on. If again is set, the text ends with the page
// and the subject follows once more.
func (c *Reasons) Behind(r Reason, subject int, own, page string) (text string, again bool) {
	const least = 12 // octets that say something
	text, tail := Printable(own), ""
	if text == "" {
		text = c.text(r)
	}
	space := MaxTXT - subject - len(" ")
	if page != "" {
		if tail = "; " + Printable(page); space-len(tail)-subject >= least {
			return " " + shorten(text, space-len(tail)-subject) + tail, true
		}
	}
	return " " + shorten(text, space), false
}

// text is what the catalogue says of a reason, something also of one that is
// no longer in it.
func (c *Reasons) text(r Reason) string {
	if i := c.byCode[r]; i != nil {
		return i.Text
	}
	return "is listed (" + c.Symbol(r) + ")"
}

// shorten cuts printable text to a length, and says so. An escaped octet is
// not cut in two.
func shorten(text string, most int) string {
	const cut, escape = "...", len(`\xff`)
	if len(text) <= most {
		return text
	}
	text = text[:most-len(cut)]
	if at := strings.LastIndex(text, `\x`); at > len(text)-escape {
		text = text[:at]
	}
	return strings.TrimRight(text, ` \`) + cut
}
