package helo

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// mayList are the codes of medium and strong verdicts.
var mayList = []Code{CodeOurIP, CodeOurName, CodeRcptDomain, CodeBareIP, CodeForgedLiteral}

func FuzzClassify(f *testing.F) {
	cases := load(f)
	for _, c := range cases.Cases {
		s := cases.session(f, c.Set)
		f.Add(s.HELO, s.Client.String(), uint8(0), uint8(s.HELOStatus))
	}
	for i, helo := range []string{
		"#3405803801", "0313.0.0161.031", "[2001:db8:a::25]", "ipv6:::1.", "x) [198.51.100.66] (y", "h\xc3\xa9lo\xff.example",
		"a\x01\x1b[31mb.example", "\u3002", "xn--", "[]", ".", "1.2.3.4:5", "\uff11.\uff12", "customer.example\u3002", "0x",
		strings.Repeat("\u00fc.", 84), "#", "[IPv6:]", "-", "0.", "\xe2\x80\x8d.example",
	} {
		f.Add(helo, "203.0.113.25", uint8(i), uint8(i%6))
	}
	f.Fuzz(func(t *testing.T, helo, client string, bits, status uint8) {
		s := base()
		s.Client, _ = netip.ParseAddr(client)
		s.HELO, s.HELOStatus = helo, Status(status%6)
		s.Auth, s.Submission, s.Trusted, s.NullSender = bits&3 == 3, bits&12 == 12, bits&48 == 48, bits&64 != 0
		if bits&128 != 0 {
			s.Verb = VerbHELO
		}
		v := Classify(s)
		checkVerdict(t, s, v)
		for _, same := range variants(helo) {
			s.HELO = same
			if w := Classify(s); w.Code != v.Code || w.Strength != v.Strength {
				t.Errorf("%q: %s %s, but %q: %s %s", helo, v.Code, v.Strength, same, w.Code, w.Strength)
			}
		}
	})
}

// checkVerdict holds what is true of every verdict.
func checkVerdict(t *testing.T, s Session, v Verdict) {
	checkText(t, v)
	if !slices.Contains(codes(), v.Code) {
		t.Errorf("code %q", v.Code)
	}
	exempt := s.Auth || s.Submission || s.Trusted || !Global(s.Client) || s.ours(plain(s.Client))
	if exempt != (v.Strength == Exempt) || exempt != strings.HasPrefix(string(v.Code), "exempt-") {
		t.Errorf("exempt is %t: %+v", exempt, v)
	}
	if v.Bogus() && !slices.Contains(mayList, v.Code) {
		t.Errorf("bogus: %+v", v)
	}
	if v.Code == CodeIPMismatch && v.Strength != Note {
		t.Errorf("mismatch: %+v", v)
	}
	if v.Bogus() && v.Flags.Has(FlagDNSUnverified) {
		t.Errorf("bogus for want of DNS: %+v", v)
	}
}

// variants returns greetings that must be judged alike.
func variants(helo string) []string {
	list := []string{asciiMap(helo, 'a', 'z'), asciiMap(helo, 'A', 'Z'), " \t" + helo + "\t "}
	// One trailing dot is dropped from names and bare addresses.
	if word := strings.Trim(helo, " \t"); word != "" && len(word) < maxHELO &&
		!strings.ContainsAny(word, " \t[]") && !strings.HasSuffix(word, ".") {
		list = append(list, word+".")
	}
	return list
}

// asciiMap changes the case of the letters from low to high.
func asciiMap(s string, low, high byte) string {
	b := []byte(s)
	for i, c := range b {
		if low <= c && c <= high {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}

func BenchmarkClassify(b *testing.B) {
	for _, c := range []struct{ name, helo, dns string }{
		{"clean", "mail.sender.example", "confirmed"},
		{"clean-upper", "MAIL.Sender.Example", "confirmed"},
		{"bare-ip", "203.0.113.25", ""},
		{"literal", "[203.0.113.25]", ""},
		{"rcpt-domain", "customer.example", "elsewhere"},
		{"nonascii", "b\u00fccher.example", "elsewhere"},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := base()
			s.HELO = c.helo
			s.Hosted = []string{"customer.example", "other.example", "xn--bcher-kva.example"}
			s = lookups(b, s, c.dns)
			b.ReportAllocs()
			for b.Loop() {
				Classify(s)
			}
		})
	}
}

func TestCleanPathAllocates(t *testing.T) {
	s := base()
	s.HELO = "mail.sender.example"
	s = lookups(t, s, "confirmed")
	s.Hosted = []string{"customer.example", "other.example"}
	if n := testing.AllocsPerRun(100, func() { Classify(s) }); n > 1 {
		t.Errorf("%v allocations, want the sentence alone", n)
	}
}

// codes returns every code.
func codes() []Code {
	return []Code{
		CodeOK, CodeOKLiteral, CodeOKRcptDomain,
		CodeExemptAuth, CodeExemptSubmission, CodeExemptTrusted, CodeExemptSelf, CodeExemptNonglobalClient,
		CodeAbsent, CodeMalformed, CodeOurIP, CodeOurName, CodeBareIP, CodeRcptDomain,
		CodeForgedLiteral, CodePrivateLiteral, CodeLiteralMismatch, CodeHostedDomain, CodeLocalhost,
		CodeNotFQDN, CodeGeneric, CodeInternalName, CodeUnresolvable, CodeIPMismatch,
	}
}
