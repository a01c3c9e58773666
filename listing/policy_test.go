package listing

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return "other"
	}
	return ""
}

func TestNeverList(t *testing.T) {
	p := DefaultPolicy()
	p.Never = []Protected{{Subject: subject(t, "198.51.100.25"), Why: "is one of our own servers"}}
	for _, never := range []string{"0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.2", "169.254.1.1", "172.16.0.1", "192.168.1.1", "224.0.0.1",
		"240.0.0.1", "255.255.255.255", "::", "::1", "64:ff9b::c000:207", "fc00::1", "fe80::1", "ff02::1", "::ffff:10.0.0.1",
		"2002:0a00:0001::1", "198.51.100.25", "10.0.0.0/24"} {
		if err := p.CheckImport(subject(t, never)); code(err) != "never-list" || !errors.Is(err, ErrPolicy) {
			t.Errorf("import of %s: %v", never, err)
		}
		if err := p.checkHand(subject(t, never), true, "why", false); code(err) != "never-list" {
			t.Errorf("add of %s: %v", never, err)
		}
	}
	for _, fine := range []string{"192.0.2.7", "198.51.100.26", "203.0.113.1", "2001:db8::1", "172.32.0.1", "11.0.0.1"} {
		if err := p.CheckImport(subject(t, fine)); err != nil {
			t.Errorf("%s: %v", fine, err)
		}
	}
}

func TestBreadth(t *testing.T) {
	p := DefaultPolicy()
	for _, c := range []struct {
		prefix        string
		force         bool
		note          string
		hand, imports string
	}{
		{"192.0.2.7", false, "", "", ""},
		{"2001:db8::7", false, "", "", ""},
		{"192.0.2.0/24", false, "", "range", ""},
		{"192.0.2.0/24", true, "", "range", ""},
		{"192.0.2.0/24", true, "why", "", ""},
		{"198.51.0.0/17", true, "why", "two-persons", ""},
		{"198.51.0.0/16", true, "why", "too-broad", "too-broad"},
		{"2001:db8::/48", true, "why", "", ""},
		{"2001:db8::/33", true, "why", "two-persons", ""},
		{"2001:db8::/32", true, "why", "too-broad", "too-broad"},
	} {
		s := subject(t, c.prefix)
		if got := code(p.checkHand(s, c.force, c.note, false)); got != c.hand {
			t.Errorf("by hand %+v: %q", c, got)
		}
		if got := code(p.CheckImport(s)); got != c.imports {
			t.Errorf("import %s: %q, want %q", c.prefix, got, c.imports)
		}
	}
}

func TestEnds(t *testing.T) {
	p, c := DefaultPolicy(), catalogue(t)
	for _, try := range []struct {
		reason string
		days   float64
		want   string
	}{{"manual", 30, ""}, {"manual", 31, "life-over-cap"}, {"helo-bare-ip", 90, ""}, {"helo-bare-ip", 91, "life-over-cap"}, {"manual", -1, "past"}} {
		i, _ := c.Find(try.reason)
		if got := code(p.checkEnd(i, day(try.days), day(0))); got != try.want {
			t.Errorf("%+v: %q", try, got)
		}
	}
}

func TestPolicyValidate(t *testing.T) {
	if err := DefaultPolicy().Validate(); err != nil {
		t.Fatal(err)
	}
	err := Policy{}.Validate()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) < 6 {
		t.Errorf("not every mistake is found: %v", err)
	}
}

// A canary is listed with a second thought alone, and never by an import.
func TestCanaries(t *testing.T) {
	p := DefaultPolicy()
	canary, err := ParseSubject("192.0.2.0/28")
	if err != nil {
		t.Fatal(err)
	}
	p.Canaries = []Subject{canary}
	for _, tt := range []struct {
		prefix      string
		force       bool
		note        string
		byHand, fed bool // allowed
	}{
		{"192.0.2.7", false, "", false, false},
		{"192.0.2.7", true, "", false, false},
		{"192.0.2.7", true, "sure", true, false},
		{"192.0.2.0/24", true, "sure", true, false},
		{"192.0.2.16", false, "", true, true},
		{"2001:db8::7", false, "", true, true},
	} {
		s, err := ParseSubject(tt.prefix)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.checkHand(s, tt.force, tt.note, true); (err == nil) != tt.byHand {
			t.Errorf("%s by hand: %v", tt.prefix, err)
		}
		if err := p.CheckImport(s); (err == nil) != tt.fed {
			t.Errorf("%s in an import: %v", tt.prefix, err)
		}
	}
}

// An allow entry is as wide as a listing by hand may be: else one command could
// switch the list off.
func TestWidthOfAllowEntries(t *testing.T) {
	p := DefaultPolicy()
	for _, tt := range []struct {
		prefix        string
		forced, both  string // with force and a note: by one operator, by two
		withoutForces string
	}{
		{"192.0.2.7", "", "", ""}, {"2001:db8::7", "", "", ""}, {"10.0.0.1", "", "", ""},
		{"192.0.2.0/24", "", "", "range"}, {"2001:db8::/48", "", "", "range"},
		{"192.0.0.0/23", "two-persons", "", "two-persons"}, {"2001:db8::/47", "two-persons", "", "two-persons"},
		{"192.0.0.0/17", "two-persons", "", "two-persons"}, {"2001:db8::/33", "two-persons", "", "two-persons"},
		{"192.0.0.0/16", "too-broad", "too-broad", "too-broad"}, {"2001:db8::/32", "too-broad", "too-broad", "too-broad"},
		{"0.0.0.0/0", "too-broad", "too-broad", "too-broad"}, {"::/0", "too-broad", "too-broad", "too-broad"},
	} {
		s, err := ParseSubject(tt.prefix)
		if err != nil {
			t.Fatal(err)
		}
		got := [...]string{code(p.checkAllow(s, true, "ours", false)), code(p.checkAllow(s, true, "ours", true)), code(p.checkAllow(s, true, "", false))}
		if want := [...]string{tt.forced, tt.both, tt.withoutForces}; got != want || code(p.checkAllow(s, false, "ours", false)) != tt.withoutForces {
			t.Errorf("%s: %q, want %q", tt.prefix, got, want)
		}
	}
}

// An import asks the whole policy only where something of it is near, and is told the
// same everywhere.
func TestNearby(t *testing.T) {
	p := DefaultPolicy()
	p.WidestV4, p.WidestV6 = 8, 19
	p.Never = []Protected{{subject(t, "198.51.100.7"), "is ours"}, {subject(t, "16.0.0.0/7"), "is ours"}, {subject(t, "2001:db8:77::/48"), "is ours"}, {}}
	p.Canaries = []Subject{subject(t, "203.0.113.0/24"), subject(t, "2a00::/11"), subject(t, "2001:db8:9::7"), {}}
	near := p.nearby()
	rapid.Check(t, func(t *rapid.T) {
		at := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "octets")))
		if rapid.Bool().Draw(t, "IPv6") {
			at = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "octets of it")))
		}
		all := slices.Concat(p.NeverList(), []Protected{{Subject: p.Canaries[0]}, {Subject: p.Canaries[1]}, {Subject: p.Canaries[2]}})
		if known := rapid.SampledFrom(all).Draw(t, "known").Subject; known.IsValid() && rapid.Bool().Draw(t, "at what is known") {
			at = rapid.SampledFrom([]netip.Addr{known.Addr(), known.Addr().Next(), known.Addr().Prev(), at}).Draw(t, "beside")
		}
		if !at.IsValid() {
			return
		}
		s := Subject{netip.PrefixFrom(at, rapid.IntRange(0, at.BitLen()).Draw(t, "bits")).Masked()}
		if want := code(p.CheckImport(s)); !near.has(s) && code(p.checkImportWidth(s)) != want {
			t.Fatalf("nothing is near %s, and it is refused: %s", s, want)
		}
	})
	for _, far := range []string{"8.8.8.8", "203.114.0.1", "2620::1"} {
		if near.has(subject(t, far)) {
			t.Errorf("something is near %s", far)
		}
	}
}
