package listing

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const page = "https://bl.example/"

func TestTXT(t *testing.T) {
	c := catalogue(t)
	for _, row := range []struct {
		about, subject string
		reason         Reason
		own, page      string
		want           string
	}{
		{"a host, by its reason", "192.0.2.7", BareIP, "", page,
			"192.0.2.7 greeted our servers with an IP address instead of a host name in HELO; https://bl.example/192.0.2.7"},
		{"a range names itself", "192.0.2.0/24", Network, "", page,
			"192.0.2.0/24 belongs to a network listed by the operator of this list; https://bl.example/192.0.2.0/24"},
		{"IPv6", "2001:db8::7", Manual, "", page,
			"2001:db8::7 was listed by the operator of this list; https://bl.example/2001:db8::7"},
		{"its own text", "192.0.2.7", Manual, "sent a worm", page,
			"192.0.2.7 sent a worm; https://bl.example/192.0.2.7"},
		{"a dollar is a dollar", "192.0.2.7", Manual, "costs $ and $1", page,
			"192.0.2.7 costs $ and $1; https://bl.example/192.0.2.7"},
		{"hostile text is escaped", "192.0.2.7", Manual, "a\r\n\x1b[31m\"é", page,
			`192.0.2.7 a\x0d\x0a\x1b[31m"\xc3\xa9; https://bl.example/192.0.2.7`},
		{"no page, no address of one", "192.0.2.7", Manual, "", "",
			"192.0.2.7 was listed by the operator of this list"},
		{"a reason that left the catalogue", "192.0.2.7", 99, "", page,
			"192.0.2.7 is listed (reason-99); https://bl.example/192.0.2.7"},
		{"a long text is cut in the middle", "192.0.2.7", Manual, strings.Repeat("word ", 60), page,
			"192.0.2.7 " + strings.Repeat("word ", 31) + "wo...; https://bl.example/192.0.2.7"},
		{"a page too long is left out", "192.0.2.7", Manual, "sent a worm", page + strings.Repeat("x", 200),
			"192.0.2.7 sent a worm"},
	} {
		if got := c.TXT(row.reason, subject(t, row.subject), row.own, row.page); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.about, got, row.want)
		}
	}
}

func TestTXTCutsNoEscape(t *testing.T) {
	c := catalogue(t)
	for n := range 8 {
		own := strings.Repeat("x", 150+n) + strings.Repeat("\xff", 30)
		got := c.TXT(Manual, subject(t, "192.0.2.7"), own, page)
		text := strings.TrimSuffix(got, "...; https://bl.example/192.0.2.7")
		if text == got || strings.Count(text, `\xff`) != strings.Count(text, `\`) {
			t.Errorf("%s", got)
		}
	}
}

// Whatever is in an entry, its text is printable, short, begins with the
// subject and ends with the address of its page.
func TestTXTAlways(t *testing.T) {
	c := catalogue(t)
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.IntRange(0, 128).Draw(t, "bits")
		s, err := ParseSubject("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Addr().Prefix(bits)
		if err != nil {
			t.Fatal(err)
		}
		s = Subject{p}
		own := string(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "own"))
		base := page + strings.Repeat("p", rapid.IntRange(0, 80).Draw(t, "page"))
		got := c.TXT(Reason(rapid.Byte().Draw(t, "reason")), s, own, base)
		switch {
		case len(got) > MaxTXT:
			t.Fatalf("%d octets: %q", len(got), got)
		case Printable(got) != got:
			t.Fatalf("not printable: %q", got)
		case !strings.HasPrefix(got, s.Text()+" "):
			t.Fatalf("does not begin with the subject: %q", got)
		case !strings.HasSuffix(got, "; "+base+s.Text()):
			t.Fatalf("does not end with the page: %q", got)
		}
	})
}
