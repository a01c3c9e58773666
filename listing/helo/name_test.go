package helo

import (
	"net/netip"
	"strings"
	"testing"
)

// lookups says what DNS answered, in a word or an address.
func lookups(t testing.TB, s Session, dns string) Session {
	t.Helper()
	switch {
	case dns == "confirmed":
		s.HELOAddrs = []netip.Addr{s.Client}
	case dns == "elsewhere":
		s.HELOAddrs = addrs("192.0.2.80")
	case dns == "ptr":
		s.PTR, s.FCrDNS = []string{strings.TrimSpace(s.HELO) + "."}, true
	case dns != "":
		if err := s.HELOStatus.UnmarshalText([]byte(dns)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestName(t *testing.T) {
	for _, c := range []struct{ helo, dns, want string }{
		// Whose name.
		{"localhost", "confirmed", "helo-localhost weak"},
		{"LOCALHOST.localdomain.", "", "helo-localhost weak case trailing-dot"},
		{"localhost6.localdomain6", "", "helo-localhost weak"},
		{"ip6-loopback", "", "helo-localhost weak"},
		{"mail.localhost", "", "helo-localhost weak"},
		{"localhost.lan", "", "helo-localhost weak"},
		{"localhost.sender.example", "confirmed", "ok ok"},
		{"\uff4c\uff4fcalhost", "", "helo-localhost weak nonascii"},
		{"hoster.example", "", "helo-our-name strong"},
		{"hoster.example", "temp", "helo-our-name strong"},
		{"hoster.example", "nxdomain", "helo-our-name strong"},
		{"mx1.hoster.example", "confirmed", "helo-our-name note our-host-not-trusted"},
		{"mx1.hoster.example", "ptr", "helo-our-name note our-host-not-trusted"},
		{"mx2.hoster.example", "confirmed", "ok ok"},
		{"nothoster.example", "elsewhere", "helo-ip-mismatch note"},
		{"customer.example", "", "helo-rcpt-domain weak dns-unverified"},
		{"customer.example", "unchecked", "helo-rcpt-domain weak dns-unverified"},
		{"customer.example", "temp", "helo-rcpt-domain weak dns-unverified"},
		{"customer.example", "ok", "helo-rcpt-domain medium"},
		{"customer.example", "nodata", "helo-rcpt-domain medium"},
		{"customer.example", "nxdomain", "helo-rcpt-domain medium"},
		{"customer.example", "elsewhere", "helo-rcpt-domain medium"},
		{"customer.example", "confirmed", "ok-rcpt-domain ok confirmed"},
		{"Customer.Example.", "elsewhere", "helo-rcpt-domain medium case trailing-dot"},
		{"mail.customer.example", "confirmed", "ok ok rcpt-subdomain"},
		{"xn--bcher-kva.example", "elsewhere", "helo-hosted-domain weak"},
		{"B\u00dcCHER.example", "elsewhere", "helo-hosted-domain weak case nonascii"},
		{"other.example", "confirmed", "helo-hosted-domain weak"},
		// Kinds of names, confirmed or not.
		{".", "", "helo-malformed weak syntax trailing-dot"},
		{"..", "", "helo-malformed weak syntax trailing-dot"},
		{"mail.sender.example..", "", "helo-malformed weak syntax trailing-dot"},
		{"m\u00fcller.example", "confirmed", "helo-malformed weak nonascii"},
		{"mail-.sender.example", "confirmed", "helo-malformed weak syntax"},
		{"mail.sender.example-", "", "helo-malformed weak syntax"},
		{"mail$.sender.example", "", "helo-malformed weak syntax"},
		{"user@sender.example", "", "helo-malformed weak syntax"},
		{strings.Repeat("a", 63) + ".example", "", "ok ok dns-unverified"},
		{strings.Repeat("a", 64) + ".example", "", "helo-malformed weak syntax"},
		{strings.Repeat("a.", 126) + "b", "", "ok ok dns-unverified"},
		{strings.Repeat("a.", 126) + "bc", "", "helo-malformed weak syntax"},
		{"mail.sender.123", "confirmed", "helo-malformed weak numeric-tld"},
		{"mail", "confirmed", "helo-not-fqdn weak"},
		{"MY_PC", "", "helo-not-fqdn weak case"},
		{"pc.lan", "confirmed", "helo-internal-name note"},
		{"pc.internal", "nxdomain", "helo-internal-name note"},
		{"pc.home.arpa", "", "helo-internal-name note"},
		{"pc.corp", "", "helo-internal-name note"},
		{"my_pc.corp.local", "", "helo-internal-name note"},
		{"mail.notlocal.example", "", "ok ok dns-unverified"},
		{"5.2.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "confirmed", "helo-generic note"},
		{"25-113-0-203.isp.example", "confirmed", "helo-generic note embedded-ip"},
		{"host203.0-113.025.isp.example", "", "helo-generic note embedded-ip"},
		{"dsl-1203-0-113-25.isp.example", "", "ok ok dns-unverified"},
		{"dsl-203-0-113-250.isp.example", "", "ok ok dns-unverified"},
		{"dsl-203-0-113.isp.example", "", "ok ok dns-unverified"},
		{"dsl-9-203-0-113-25-x.isp.example", "", "helo-generic note embedded-ip"},
		{"203-0_113-25.isp.example", "", "helo-malformed note underscore"},
		{"_mail.sender.example", "confirmed", "helo-malformed note underscore"},
		// Where it leads.
		{"mail.sender.example", "confirmed", "ok ok"},
		{"mail.sender.example", "ptr", "ok ok"},
		{"mail.sender.example", "", "ok ok dns-unverified"},
		{"mail.sender.example", "temp", "ok ok dns-unverified"},
		{"mail.sender.example", "unchecked", "ok ok dns-unverified"},
		{"mail.sender.example", "nxdomain", "helo-unresolvable note"},
		{"mail.sender.example", "nodata", "helo-ip-mismatch note"},
		{"mail.sender.example", "ok", "helo-ip-mismatch note"},
		{"mail.sender.example", "elsewhere", "helo-ip-mismatch note"},
	} {
		check(t, lookups(t, greets("", c.helo), c.dns), c.want)
	}
}

func TestRecipients(t *testing.T) {
	for _, c := range []struct{ helo, rcpts, want string }{
		{"sender.example", "postmaster@Sender.Example", "helo-rcpt-domain medium"},
		{"sender.example", "<info@sender.example.>", "helo-rcpt-domain medium"},
		{"sender.example", `"a@b"@sender.example`, "helo-rcpt-domain medium"},
		{"xn--mller-kva.example", "x@m\u00fcller.example", "helo-rcpt-domain medium"},
		{"m\u00fcller.example", "x@M\u00dcLLER.example", "helo-rcpt-domain medium nonascii"},
		{"sender.example", "x@sub.sender.example", "helo-ip-mismatch note rcpt-parent"},
		{"a.sender.example", "x@sender.example y@b.a.sender.example", "helo-ip-mismatch note rcpt-parent rcpt-subdomain"},
		{"sender.example", "x@a.sender.example x@sender.example", "helo-rcpt-domain medium"},
		{"example", "x@sender.example", "helo-not-fqdn weak"},
		{"a.other.example", "x@other.example", "helo-ip-mismatch note rcpt-subdomain"},
		{"other.example", "x@a.other.example", "helo-hosted-domain weak rcpt-parent"},
		{"hoster.example", "postmaster@hoster.example", "helo-our-name strong"},
		{"sender.example", "postmaster @ sender\xff.example x@[192.0.2.1]", "helo-ip-mismatch note"},
	} {
		s := lookups(t, base(), "elsewhere")
		s.HELO, s.Recipients = c.helo, strings.Fields(c.rcpts)
		check(t, s, c.want)
	}
}

func TestConfirmedByPTR(t *testing.T) {
	s := lookups(t, base(), "elsewhere")
	s.HELO, s.PTR = "mail.sender.example", []string{"x.sender.example", "MAIL.Sender.Example."}
	check(t, s, "helo-ip-mismatch note")
	s.FCrDNS = true
	check(t, s, "ok ok")
	s.Client = netip.MustParseAddr("2001:db8:a::25")
	s.PTR, s.HELOAddrs = nil, addrs("192.0.2.80", "2001:db8:a::25")
	check(t, s, "ok ok")
}

func TestOrderOfRule6(t *testing.T) {
	// One session that fits every rule, from which they are taken away one by one.
	s := lookups(t, base(), "elsewhere")
	s.HELO = "localhost"
	s.OurNames, s.Recipients, s.Hosted = []string{"localhost"}, []string{"localhost"}, []string{"localhost"}
	check(t, s, "helo-localhost weak")
	s.HELO = "a_.local"
	s.OurNames, s.Recipients, s.Hosted = []string{s.HELO}, []string{s.HELO}, []string{s.HELO}
	check(t, s, "helo-our-name strong")
	s.OurNames = nil
	check(t, s, "helo-rcpt-domain medium")
	s.Recipients = nil
	check(t, s, "helo-hosted-domain weak")
	s.Hosted = nil
	check(t, s, "helo-internal-name note")
}

func TestReverseDNS(t *testing.T) {
	for _, c := range []struct {
		names  string
		status Status
		fcrdns bool
		want   RDNS
	}{
		{"", Unset, false, ""},
		{"", Unchecked, false, ""},
		{"", TempError, false, ""},
		{"", NXDomain, false, RDNSMissing},
		{"", NoData, false, RDNSMissing},
		{"a.example", Unset, false, RDNSUnconfirmed},
		{"a.example", OK, false, RDNSUnconfirmed},
		{"a.example", TempError, false, ""},
		{"a.example", OK, true, ""},
	} {
		for _, helo := range []string{"mail.sender.example", "203.0.113.25", ""} {
			s := base()
			s.HELO, s.PTR, s.PTRStatus, s.FCrDNS = helo, strings.Fields(c.names), c.status, c.fcrdns
			if got := Classify(s).RDNS; got != c.want {
				t.Errorf("%q %v %v: got %q, want %q", c.names, c.status, c.fcrdns, got, c.want)
			}
			s.Auth = true
			if got := Classify(s).RDNS; got != "" {
				t.Errorf("exempt: got %q", got)
			}
		}
	}
}
