package listing

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The kinds of failure. One place maps them to exit codes, one to HTTP.
var (
	ErrInvalid     = errors.New("invalid")      // the input cannot be understood
	ErrNotFound    = errors.New("not found")    // what was asked about is not there
	ErrPolicy      = errors.New("refused")      // understood, and not allowed
	ErrConflict    = errors.New("conflict")     // the list is not as the request expected
	ErrUnavailable = errors.New("unavailable")  // try later; the outcome may be unknown: repeat with the same ID
	ErrCompacted   = errors.New("compacted")    // these changes are no longer kept: start again from a snapshot
	ErrCorrupt     = errors.New("corrupt data") // the store does not hold what it should
)

// Error is a refusal a person can act on: one sentence, and a hint.
type Error struct {
	Kind    error  // one of the kinds above
	Code    string // stable, for scripts: "never-list", "life-over-cap"
	Message string
	Hint    string // what to do about it; empty where the caller has the words, by Code

	// Names are what such words may need, under a word in capitals: PREFIX,
	// SOURCE, REASON, ID.
	Names map[string]string
}

// prefix names a subject to the words of a hint.
func prefix(s Subject) map[string]string { return map[string]string{"PREFIX": s.Text()} }

func (e *Error) Error() string { return e.Message }

// Unwrap gives the kind, for errors.Is.
func (e *Error) Unwrap() error { return e.Kind }

// Mistakes are what was found wrong with values that people write, all of them at
// once.
type Mistakes []error

// Add notes a mistake, if it is one.
func (m *Mistakes) Add(err error) {
	if err != nil {
		*m = append(*m, err)
	}
}

// Addf notes a mistake.
func (m *Mistakes) Addf(format string, args ...any) { m.Add(fmt.Errorf(format, args...)) }

// Unless notes a mistake where a condition does not hold.
func (m *Mistakes) Unless(ok bool, format string, args ...any) {
	if !ok {
		m.Addf(format, args...)
	}
}

// Err joins the mistakes; nil: there are none.
func (m Mistakes) Err() error { return errors.Join(m...) }

// Quote shows bytes from outside in one line of printable ASCII, in double quotes:
// at most 80 of them, then three dots say that there are more.
func Quote(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%+q...", s[:most])
	}
	return fmt.Sprintf("%+q", s)
}

// Text is what somebody wrote, as it was written: in UTF-8, whatever the script. Only
// bytes that are no UTF-8, which JSON could not carry, are written as \xNN. It is made
// harmless where it is shown: terminals, TXT, mail and HTML differ.
func Text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// Shown is s as it may be shown, in whatever script: what is no printable character,
// and so might steer a terminal, is written as \xNN.
func Shown(s string) string {
	bad := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	if strings.IndexFunc(s, bad) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if (r == utf8.RuneError && n == 1) || !unicode.IsPrint(r) {
			for _, c := range []byte(s[:n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// Printable is s in printable ASCII, every other byte written as \xNN, so that
// what a stranger sent can stand in a TXT record, on a terminal or in a letter.
func Printable(s string) string {
	clean := 0
	for clean < len(s) && s[clean] >= ' ' && s[clean] <= '~' {
		clean++
	}
	if clean == len(s) { // as most
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= ' ' && c <= '~' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return b.String()
}
