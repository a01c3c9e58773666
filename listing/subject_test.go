package listing

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func subject(t *testing.T, text string) Subject {
	t.Helper()
	s, err := ParseSubject(text)
	if err != nil {
		t.Fatalf("ParseSubject(%q): %v", text, err)
	}
	return s
}

func TestParseSubject(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7":               "192.0.2.7/32",
		" 192.0.2.7\t":            "192.0.2.7/32",
		"192.0.2.0/24":            "192.0.2.0/24",
		"2001:DB8::7":             "2001:db8::7/128",
		"2001:db8::/32":           "2001:db8::/32",
		"::ffff:192.0.2.7":        "192.0.2.7/32",
		"::ffff:192.0.2.0/120":    "192.0.2.0/24",
		"2002:c000:0207::":        "192.0.2.7/32",
		"2002:c000:0207::/48":     "192.0.2.7/32",
		"2002:c000:0207:1::1/128": "192.0.2.7/32",
		"2002:c000::/32":          "192.0.0.0/16",
		"::/0":                    "::/0",
	} {
		if got := subject(t, in).String(); got != want {
			t.Errorf("ParseSubject(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestParseSubjectRefuses(t *testing.T) {
	for in, hint := range map[string]string{
		"":                "such as 192.0.2.7",
		"mail.example":    "such as 192.0.2.7",
		"192.0.2.256":     "such as 192.0.2.7",
		"192.0.2.07":      "such as 192.0.2.7",
		"192.0.2.7/33":    "such as 192.0.2.7",
		"fe80::1%eth0":    "such as 192.0.2.7",
		"192.0.2.7/24":    "write 192.0.2.0/24 for the prefix, or 192.0.2.7 for the address",
		"2001:db8::7/64":  "write 2001:db8::/64",
		"192.0.2.7\x1b[m": "such as 192.0.2.7",
	} {
		_, err := ParseSubject(in)
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, ErrInvalid) || !strings.Contains(e.Hint, hint) {
			t.Errorf("ParseSubject(%q): %v, want ErrInvalid with hint %q", in, err, hint)
		}
		if err != nil && strings.ContainsRune(err.Error(), 0x1b) {
			t.Errorf("ParseSubject(%q): the error repeats a control byte", in)
		}
	}
}

func TestSubjectCovers(t *testing.T) {
	wide, host := subject(t, "192.0.2.0/24"), subject(t, "192.0.2.7")
	if !wide.Covers(host) || !wide.Covers(wide) || host.Covers(wide) || (Subject{}).Covers(host) || wide.Covers(subject(t, "2001:db8::1")) {
		t.Error("Covers is wrong")
	}
	if wide.Addresses() != 256 || host.Addresses() != 1 {
		t.Error("Addresses is wrong")
	}
	if wide.Text() != "192.0.2.0/24" || host.Text() != "192.0.2.7" {
		t.Error("Text is wrong")
	}
}

func FuzzParseSubject(f *testing.F) {
	for _, s := range []string{"192.0.2.7", "192.0.2.0/24", "2001:db8::/32", "::ffff:192.0.2.7/96", "2002::/15", "::ffff:0:0/90", "1/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSubject(text)
		if err != nil {
			if e := err.Error(); Printable(e) != e {
				t.Errorf("the error is not printable: %q", e)
			}
			return
		}
		if !s.IsValid() || s.Masked() != s.Prefix || s.Addr().Is4In6() {
			t.Errorf("ParseSubject(%q) = %v: not canonical", text, s)
		}
		if again, err := ParseSubject(s.String()); err != nil || again != s {
			t.Errorf("ParseSubject(%q) = %v, %v: does not read back", s, again, err)
		}
	})
}

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2002:c000:207:9::1": "192.0.2.7", "2001:db8::1": "2001:db8::1",
	} {
		if got := Canonical(netip.MustParseAddr(in)); got != netip.MustParseAddr(want) {
			t.Errorf("Canonical(%s) = %s, want %s", in, got, want)
		}
	}
}
