package helo

import "strconv"

const hexDigits = "0123456789abcdef"

// Escape returns s in printable ASCII without quotes, at most limit octets: other octets become \xNN, as do the backslash and
// the double quote, so that the escaped text can stand between double quotes; what does not fit is cut off, never within an
// escape. It does not allocate if there is nothing to do. For HTML the text must still be escaped as HTML.
func Escape(s string, limit int) string {
	for i := range len(s) {
		if i == limit || !harmless(s[i]) {
			buf, _ := appendEscaped(make([]byte, 0, limit), s, limit)
			return string(buf)
		}
	}
	return s
}

// appendEscaped appends s, escaped, within limit octets, and reports whether all of it fitted.
func appendEscaped(buf []byte, s string, limit int) ([]byte, bool) {
	end := len(buf) + limit
	for i := range len(s) {
		switch c := s[i]; {
		case harmless(c) && len(buf) < end:
			buf = append(buf, c)
		case !harmless(c) && len(buf)+4 <= end:
			buf = append(buf, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		default:
			return buf, false
		}
	}
	return buf, true
}

func harmless(c byte) bool { return ' ' <= c && c < 0x7f && c != '"' && c != '\\' }

// maxQuote is how much of a greeting a sentence shows, in octets.
const maxQuote = 80

// appendQuoted appends s, escaped, in double quotes, and its length if it had to be cut.
func appendQuoted(buf []byte, s string) []byte {
	buf, whole := appendEscaped(append(buf, '"'), s, maxQuote)
	buf = append(buf, '"')
	if !whole {
		buf = append(buf, " (cut, "...)
		buf = strconv.AppendInt(buf, int64(len(s)), 10)
		buf = append(buf, " octets in all)"...)
	}
	return buf
}
