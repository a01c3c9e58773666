package helo

import (
	"encoding/json"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
)

// fixture is testdata/helo.json: the input of a case is base overlaid with set.
type fixture struct {
	Base  map[string]any `json:"base"`
	Cases []struct {
		ID     string         `json:"id"`
		Note   string         `json:"note"`
		Set    map[string]any `json:"set"`
		Expect struct {
			Code     Code     `json:"code"`
			Strength Strength `json:"strength"`
			Flags    Flags    `json:"flags"`
		} `json:"expect"`
	} `json:"cases"`
}

func load(t testing.TB) fixture {
	t.Helper()
	data, err := os.ReadFile("testdata/helo.json")
	if err != nil {
		t.Fatal(err)
	}
	var f fixture
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// session decodes base overlaid with set.
func (f fixture) session(t testing.TB, set map[string]any) Session {
	t.Helper()
	line := maps.Clone(f.Base)
	maps.Copy(line, set)
	data, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	var s Session
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCases(t *testing.T) {
	f := load(t)
	if len(f.Cases) != 60 {
		t.Fatalf("%d cases, want 60", len(f.Cases))
	}
	for _, c := range f.Cases {
		t.Run(c.ID, func(t *testing.T) {
			got := Classify(f.session(t, c.Set))
			if got.Code != c.Expect.Code || got.Strength != c.Expect.Strength || got.Flags != c.Expect.Flags {
				t.Errorf("%s: got %s %s [%s], want %s %s [%s]", c.Note, got.Code, got.Strength, got.Flags,
					c.Expect.Code, c.Expect.Strength, c.Expect.Flags)
			}
			checkText(t, got)
		})
	}
}

// checkText holds what every verdict promises of its text.
func checkText(t *testing.T, v Verdict) {
	t.Helper()
	printable := func(s string) bool {
		return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
	}
	if len(v.Name) > MaxName || !printable(v.Name) || strings.ContainsAny(v.Name, `"`) {
		t.Errorf("name %q", v.Name)
	}
	if len(v.Sentence) > MaxSentence || !printable(v.Sentence) {
		t.Errorf("sentence %q", v.Sentence)
	}
	if !strings.HasPrefix(v.Sentence, "The ") || !strings.HasSuffix(v.Sentence, ".") || strings.Contains(v.Sentence, "  ") && v.Flags&(FlagExtraText|FlagWhitespace) == 0 && v.Code != CodeMalformed {
		t.Errorf("sentence %q", v.Sentence)
	}
}

// base is the session that the tables below vary: nothing is known but the parties.
func base() Session {
	return Session{
		Client:     netip.MustParseAddr("203.0.113.25"),
		OurIPs:     addrs("198.51.100.10", "2001:db8:f::25", "10.0.0.25", "64.0.0.9"),
		OurNames:   []string{"mx1.hoster.example", "Hoster.Example."},
		Hosted:     []string{"customer.example", "other.example", "bücher.example"},
		Recipients: []string{"customer.example"},
	}
}

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// greets is that session of a client, unless it has none, with another greeting.
func greets(client, helo string) Session {
	s := base()
	s.HELO = helo
	if client != "" {
		s.Client = netip.MustParseAddr(client)
	}
	return s
}

// check compares a verdict with "code strength flag flag …".
func check(t *testing.T, s Session, want string) Verdict {
	t.Helper()
	v := Classify(s)
	got := strings.TrimSpace(string(v.Code) + " " + v.Strength.String() + " " + v.Flags.String())
	if got != want {
		t.Errorf("HELO %q from %v:\n got %s\nwant %s", s.HELO, s.Client, got, want)
	}
	checkText(t, v)
	return v
}

func TestExempt(t *testing.T) {
	s := base()
	s.HELO = "203.0.113.25"
	s.NullSender = true
	s.Client = netip.MustParseAddr("10.0.0.25")
	s.Auth, s.Submission, s.Trusted = true, true, true
	check(t, s, "exempt-auth exempt")
	s.Auth = false
	check(t, s, "exempt-submission exempt")
	s.Submission = false
	check(t, s, "exempt-trusted exempt")
	s.Trusted = false
	check(t, s, "exempt-self exempt")
	s.OurIPs = nil
	check(t, s, "exempt-nonglobal-client exempt")
	s.Client = netip.Addr{}
	s.OurIPs = []netip.Addr{{}}
	check(t, s, "exempt-nonglobal-client exempt")
	s = base()
	s.Client = netip.MustParseAddr("::ffff:198.51.100.10")
	check(t, s, "exempt-self exempt")
	s.Client = netip.MustParseAddr("::ffff:192.168.1.1")
	check(t, s, "exempt-nonglobal-client exempt")
}

func TestGlobal(t *testing.T) {
	for _, edge := range []struct{ in, out string }{ // the edges of each range, and the addresses beyond them
		{"0.0.0.0 0.255.255.255", "1.0.0.0"},
		{"10.0.0.0 10.255.255.255", "9.255.255.255 11.0.0.0"},
		{"100.64.0.0 100.127.255.255", "100.63.255.255 100.128.0.0"},
		{"127.0.0.0 127.255.255.255", "126.255.255.255 128.0.0.0"},
		{"169.254.0.0 169.254.255.255", "169.253.255.255 169.255.0.0"},
		{"172.16.0.0 172.31.255.255", "172.15.255.255 172.32.0.0"},
		{"192.168.0.0 192.168.255.255", "192.167.255.255 192.169.0.0"},
		{"224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.255", "223.255.255.255"},
		{":: ::1", "::2 2001:db8::1"},
		{"fc00:: fdff::1", "fbff::1 fe00::1"},
		{"fe80:: febf::1 fe80::1%eth0", "fe7f::1 fec0::1"},
		{"ff00:: ff02::1", "feff::1"},
		{"::ffff:10.0.0.1 ::ffff:0.0.0.0", "::ffff:192.0.2.1 192.0.2.1 198.51.100.1 203.0.113.1"},
	} {
		for _, addr := range addrs(strings.Fields(edge.in)...) {
			if Global(addr) {
				t.Errorf("%v is global", addr)
			}
		}
		for _, addr := range addrs(strings.Fields(edge.out)...) {
			if !Global(addr) {
				t.Errorf("%v is not global", addr)
			}
		}
	}
	if Global(netip.Addr{}) {
		t.Error("the zero Addr is global")
	}
}

func TestFormOfGreeting(t *testing.T) {
	for _, c := range []struct{ helo, want string }{
		{"", "helo-malformed weak empty"},
		{" \t ", "helo-malformed weak empty whitespace"},
		{"mail.sender.example\r\n", "helo-malformed weak control"},
		{"a\x01\x1b[31mb.example", "helo-malformed weak control"},
		{"mail.sender.example\x7f", "helo-malformed weak control"},
		{strings.Repeat("a.", 150) + "\x00", "helo-malformed weak control overlong"},
		{strings.Repeat("a", 256), "helo-malformed weak overlong"},
		{"  " + strings.Repeat("a.", 126) + "b  ", "ok ok dns-unverified whitespace"},
		{"mail.sender.example\tX", "ok ok dns-unverified extra-text"},
		{" 203.0.113.25  my host", "helo-bare-ip medium extra-text own whitespace"},
		{"[203.0.113.25] x", "ok-literal ok extra-text"},
		{"x> proto=ESMTP helo=<203.0.113.21", "helo-malformed weak extra-text syntax"},
		{"RCPT from unknown[198.51.100.66]: 554 helo=<198.51.100.66>", "helo-not-fqdn weak case extra-text"},
		{"x) [198.51.100.66] (y", "helo-malformed weak extra-text syntax"},
		{"h\xc3\xa9lo\xff.example", "helo-malformed weak nonascii"},
	} {
		check(t, greets("", c.helo), c.want)
	}
	s := base()
	s.Verb, s.HELO = "none", "mail.sender.example"
	check(t, s, "helo-absent note")
	s.NullSender = true
	check(t, s, "helo-absent note null-sender")
}

func TestLiteral(t *testing.T) {
	for _, c := range []struct{ client, helo, want string }{
		{"", "[203.0.113.25]", "ok-literal ok"},
		{"", "[IPv6:::ffff:203.0.113.25]", "ok-literal ok mapped"},
		{"", "[::ffff:203.0.113.25]", "ok-literal note mapped untagged-v6"},
		{"2001:db8:a::25", "[IPv6:2001:db8:a::25]", "ok-literal ok"},
		{"2001:db8:a::25", "[2001:db8:a::25]", "ok-literal note untagged-v6"},
		{"2001:db8:a::25", "[IPv6:2001:db8:a::26]", "helo-literal-mismatch note"},
		{"2001:db8:a::25", "[IPv6:2001:db8:b::25]", "helo-forged-literal medium"},
		{"2001:db8:a::25", "[2001:db8:b::25]", "helo-forged-literal medium untagged-v6"},
		{"2001:db8:a::25", "[192.0.2.77]", "helo-literal-mismatch note cross-family"},
		{"2001:db8:a::25", "[198.51.100.10]", "helo-our-ip strong"},
		{"", "[IPv6:::ffff:198.51.100.10]", "helo-our-ip strong mapped"},
		{"", "[2001:db8:f::25]", "helo-our-ip strong untagged-v6"},
		{"", "[10.0.0.25]", "helo-private-literal note"},
		{"", "[IPv6:fe80::1]", "helo-private-literal note"},
		{"", "[IPv6:::1]", "helo-private-literal note"},
		{"", "[203.0.112.25]", "helo-forged-literal medium"},
		{"", "203.0.113.25]", "helo-malformed weak bracket"},
		{"", "[", "helo-malformed weak bracket"},
		{"", "]", "helo-malformed weak bracket"},
		{"", "mail.sender.example]", "helo-malformed weak bracket"},
		{"", "[ 203.0.113.25 ]", "helo-malformed weak bracket extra-text"},
		{"", "[]", "helo-malformed weak literal-syntax"},
		{"", "[IPv6:]", "helo-malformed weak literal-syntax"},
		{"", "[[203.0.113.25]]", "helo-malformed weak literal-syntax"},
		{"", "[203.0.113.25].", "helo-malformed weak literal-syntax"},
		{"", "[203.0.113.25]:25", "helo-malformed weak literal-syntax"},
		{"", "[203.000.113.025]", "helo-malformed weak literal-syntax"},
		{"", "[203.0.113]", "helo-malformed weak literal-syntax"},
		{"", "[IPv6:203.0.113.25]", "helo-malformed weak literal-syntax"},
		{"", "[IPv4:203.0.113.25]", "helo-malformed weak literal-syntax"},
		{"", "[mail.sender.example]", "helo-malformed weak literal-syntax"},
		{"", "[fe80::1%eth0]", "helo-malformed weak literal-syntax"},
	} {
		check(t, greets(c.client, c.helo), c.want)
	}
	s := base()
	s.Verb, s.HELO = "helo", "[IPv6:::ffff:198.51.100.10]"
	v := check(t, s, "helo-our-ip strong literal-on-helo mapped")
	if v.Name != "198.51.100.10" {
		t.Errorf("name %q", v.Name)
	}
}

func TestBareAddress(t *testing.T) {
	for _, c := range []struct{ client, helo, want string }{
		{"", "0313.0.0161.031", "helo-bare-ip medium obfuscated own"},
		{"", "0xCB.0.0x71.0X19", "helo-bare-ip medium obfuscated own"},
		{"", "0xcb007119", "helo-bare-ip medium obfuscated own"},
		{"", "031300070431", "helo-bare-ip medium obfuscated own"},
		{"", "203.28953", "helo-bare-ip medium obfuscated own"},
		{"", "203.0.28953", "helo-bare-ip medium obfuscated own"},
		{"", "203.0.28953.", "helo-bare-ip medium obfuscated own trailing-dot"},
		{"", "203.000.113.008", "helo-bare-ip medium obfuscated other"},
		{"", "#3405803801", "helo-bare-ip medium own rfc821-number"},
		{"", "#3325256714", "helo-our-ip strong rfc821-number"},
		{"", "#2130706433", "helo-bare-ip medium nonglobal rfc821-number"},
		{"", "#4294967296", "helo-malformed weak syntax"},
		{"", "#", "helo-malformed weak syntax"},
		{"", "3325256714", "helo-our-ip strong obfuscated"},
		{"", "3325256715", "helo-not-fqdn weak numeric-label"},
		{"", "12345", "helo-not-fqdn weak numeric-label"},
		{"", "12345.", "helo-not-fqdn weak numeric-label trailing-dot"},
		{"", "0xbeef", "helo-not-fqdn weak numeric-label"},
		{"", "4806242500", "helo-not-fqdn weak numeric-label"},
		{"", strings.Repeat("1", 64), "helo-malformed weak numeric-tld syntax"},
		{"", "0x7f000001", "helo-bare-ip medium nonglobal obfuscated"},
		{"", "10.1", "helo-bare-ip medium nonglobal obfuscated"},
		{"", "192.0.2.77.", "helo-bare-ip medium other trailing-dot"},
		{"", "203.0.113.25:25.", "helo-bare-ip medium own port trailing-dot"},
		{"", "198.51.100.10:25", "helo-our-ip strong port"},
		{"", "198.051.100.010", "helo-our-ip strong obfuscated"},
		{"", "203.0.113.25:65536", "helo-malformed weak syntax"},
		{"", "203.0.113.25:", "helo-malformed weak syntax"},
		{"", "3405803801:25", "helo-malformed weak syntax"},
		{"", "1.2.3.4.5", "helo-malformed weak numeric-tld"},
		{"", "6.0.3790.1830", "helo-malformed weak numeric-tld"},
		{"", "0x.1", "helo-malformed weak numeric-tld"},
		{"", "1.0x", "ok ok dns-unverified"},
		{"", "480-624-2500", "helo-not-fqdn weak"},
		{"", "+1.2.3.4", "helo-malformed weak numeric-tld syntax"},
		{"", "1_0.2.3.4", "helo-malformed weak numeric-tld"},
		{"", "203.0.113.25.isp.example", "helo-generic note embedded-ip"},
		{"", "\uff12\uff10\uff13.0.113.25", "helo-malformed weak nonascii numeric-tld"},
		{"", "2001:db8:f::25", "helo-our-ip strong"},
		{"", "2001:DB8:F:0::25", "helo-our-ip strong"},
		{"", "::ffff:198.51.100.10", "helo-our-ip strong mapped"},
		{"", "IPv6:2001:db8:a::25", "helo-bare-ip medium other tag-no-brackets"},
		{"", "IPv6:203.0.113.25", "helo-malformed weak case numeric-tld syntax"},
		{"2001:db8:a::25", "ipv6:2001:db8:a::25.", "helo-bare-ip medium own tag-no-brackets trailing-dot"},
		{"2001:db8:a::25", "fe80::1", "helo-bare-ip medium nonglobal"},
		{"2001:db8:a::25", "fe80::1%eth0", "helo-malformed weak syntax"},
		{"2001:db8:a::25", "203.0.113.25", "helo-bare-ip medium other"},
		// A leading zero pads or makes octal: the reading that hits one of the parties counts.
		{"64.0.0.1", "0100.0.0.1", "helo-bare-ip medium obfuscated own"},
		{"64.0.0.1", "0100.0.0.9", "helo-our-ip strong obfuscated"},
		{"100.0.0.9", "0100.0.0.9", "helo-bare-ip medium obfuscated own"},
		{"64.0.0.1", "0100.0.0.2", "helo-bare-ip medium obfuscated other"},
	} {
		check(t, greets(c.client, c.helo), c.want)
	}
	s := base()
	s.HELO = "0313.0.0161.031"
	if v := Classify(s); v.Name != "203.0.113.25" {
		t.Errorf("name %q", v.Name)
	}
}

func TestFlagNamesAreSorted(t *testing.T) {
	if !slices.IsSorted(flagNames[:]) || FlagWhitespace != 1<<(len(flagNames)-1) {
		t.Error("flagNames do not follow the bits in alphabetical order")
	}
	for _, c := range []struct {
		flag Flags
		name string
	}{
		{FlagBracket, "bracket"}, {FlagEmbeddedIP, "embedded-ip"}, {FlagNonASCII, "nonascii"}, {FlagOther, "other"},
		{FlagRFC821Number, "rfc821-number"}, {FlagUntaggedV6, "untagged-v6"}, {FlagNumericTLD, "numeric-tld"},
	} {
		if c.flag.String() != c.name {
			t.Errorf("%s, want %s", c.flag, c.name)
		}
	}
}
