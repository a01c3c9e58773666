package resolve

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/listing/helo"
	"dnsbld/mta"
)

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func our() mta.Our {
	return mta.Our{
		Addresses: addrs("192.0.2.25"),
		Names:     []string{"mx.rcpt.example"},
		Hosted:    []string{"rcpt.example", "other.example"},
		Trusted:   []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
	}
}

const checkZone = zone + `
	rcpt.example                   A     192.0.2.80
	split.rcpt.example             A     203.0.113.7
	mx.rcpt.example                A     192.0.2.25
	mixed.servfail.example         A     203.0.113.1
	9.113.0.203.in-addr.arpa       PTR   liar.example
	liar.example                   A     192.0.2.1
	10.113.0.203.in-addr.arpa      PTR   gone.example
	10.113.0.203.in-addr.arpa      PTR   ten.example
	10.113.0.203.in-addr.arpa      PTR   silent.sender.example
	ten.example                    A     203.0.113.10
	11.113.0.203.in-addr.arpa      PTR   servfail.example
	7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR six.sender.example
`

func TestCheck(t *testing.T) {
	s := newDNSServer(t, checkZone)
	for _, test := range []struct {
		name    string
		session helo.Session
		verdict string   // code, strength, flags, rdns
		asked   []string // in alphabetical order; nil: nothing
	}{
		{"confirmed", helo.Session{HELO: "mail.sender.example"}, "ok ok [] ",
			[]string{"A mail.sender.example", "AAAA mail.sender.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"mismatch", helo.Session{HELO: "liar.example"}, "helo-ip-mismatch note [] ",
			[]string{"A liar.example", "A mail.sender.example", "AAAA liar.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"unresolvable", helo.Session{HELO: "gone.example"}, "helo-unresolvable note [] ",
			[]string{"A gone.example", "A mail.sender.example", "AAAA gone.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"no address", helo.Session{HELO: "empty.sender.example"}, "helo-ip-mismatch note [] ",
			[]string{"A empty.sender.example", "A mail.sender.example", "AAAA empty.sender.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"failure", helo.Session{HELO: "servfail.example"}, "ok ok [dns-unverified] ",
			[]string{"A mail.sender.example", "A servfail.example", "AAAA servfail.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"rcpt domain", helo.Session{HELO: "RCPT.example.", Recipients: []string{"rcpt.example"}},
			"helo-rcpt-domain medium [case trailing-dot] ",
			[]string{"A mail.sender.example", "A rcpt.example", "AAAA rcpt.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"rcpt domain, failure", helo.Session{HELO: "silent.example", Recipients: []string{"silent.example"}},
			"helo-rcpt-domain weak [dns-unverified] ",
			[]string{"A mail.sender.example", "A silent.example", "AAAA silent.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"rcpt domain, confirmed", helo.Session{HELO: "split.rcpt.example", Recipients: []string{"split.rcpt.example"}},
			"ok-rcpt-domain ok [confirmed] ", []string{"A mail.sender.example", "A split.rcpt.example", "AAAA split.rcpt.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"our name", helo.Session{HELO: "mx.rcpt.example"}, "helo-our-name strong [] ",
			[]string{"A mail.sender.example", "A mx.rcpt.example", "AAAA mx.rcpt.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"our address", helo.Session{HELO: "192.0.2.25"}, "helo-our-ip strong [] ",
			[]string{"A mail.sender.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"bare address", helo.Session{HELO: "203.0.113.7"}, "helo-bare-ip medium [own] ",
			[]string{"A mail.sender.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"hosted", helo.Session{HELO: "other.example", Recipients: []string{"rcpt.example"}}, "helo-hosted-domain weak [] ",
			[]string{"A mail.sender.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"no greeting", helo.Session{Verb: helo.VerbNone}, "helo-absent note [] ",
			[]string{"A mail.sender.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"authenticated", helo.Session{HELO: "gone.example", Auth: true}, "exempt-auth exempt [] ", nil},
		{"trusted", helo.Session{Client: addrs("198.51.100.9")[0], HELO: "gone.example"}, "exempt-trusted exempt [] ", nil},
		{"our own", helo.Session{Client: addrs("192.0.2.25")[0], HELO: "gone.example"}, "exempt-self exempt [] ", nil},
		{"private", helo.Session{Client: addrs("10.0.0.1")[0], HELO: "gone.example"}, "exempt-nonglobal-client exempt [] ", nil},
		{"the MTA has confirmed it", helo.Session{HELO: "a.example", PTR: []string{"a.example"}, FCrDNS: true}, "ok ok [] ", nil},
		{"looked up before", helo.Session{HELO: "mail.sender.example", HELOStatus: helo.NXDomain, PTRStatus: helo.NXDomain},
			"helo-unresolvable note [] rdns-missing", nil},
		{"mapped client", helo.Session{Client: addrs("::ffff:203.0.113.7")[0], HELO: "mail.sender.example"}, "ok ok [] ",
			[]string{"A mail.sender.example", "AAAA mail.sender.example", "PTR 7.113.0.203.in-addr.arpa"}},
		{"IPv6", helo.Session{Client: addrs("2001:db8::7")[0], HELO: "six.sender.example"}, "ok ok [] ",
			[]string{"A six.sender.example", "AAAA six.sender.example", "PTR 7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"}},
		{"PTR unconfirmed", helo.Session{Client: addrs("203.0.113.9")[0], HELO: "localhost"}, "helo-localhost weak [] rdns-unconfirmed",
			[]string{"A liar.example", "PTR 9.113.0.203.in-addr.arpa"}},
		{"one PTR of three confirmed", helo.Session{Client: addrs("203.0.113.10")[0], HELO: "localhost"}, "helo-localhost weak [] ",
			[]string{"A gone.example", "A silent.sender.example", "A ten.example", "PTR 10.113.0.203.in-addr.arpa"}},
		{"PTR not to be confirmed now", helo.Session{Client: addrs("203.0.113.11")[0], HELO: "localhost"}, "helo-localhost weak [] ",
			[]string{"A servfail.example", "PTR 11.113.0.203.in-addr.arpa"}},
		{"no PTR", helo.Session{Client: addrs("203.0.113.12")[0], HELO: "localhost"}, "helo-localhost weak [] rdns-missing",
			[]string{"PTR 12.113.0.203.in-addr.arpa"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !test.session.Client.IsValid() {
				test.session.Client = netip.MustParseAddr("203.0.113.7")
			}
			c := NewChecker(our(), newTestResolver(t, s, func(r *Resolver) {
				if slices.ContainsFunc(test.asked, func(q string) bool { return strings.Contains(q, " silent.") }) {
					r.timeout = 2 * time.Second
				}
			}))
			c.timeout = time.Minute
			r := c.Check(context.Background(), mta.Report{ID: "1", Session: test.session})
			v := helo.Classify(r.Session)
			if got := fmt.Sprintf("%s %s %v %s", v.Code, v.Strength, strings.Fields(v.Flags.String()), v.RDNS); got != test.verdict {
				t.Errorf("got  %s\nwant %s\n%+v", got, test.verdict, r.Session)
			}
			asked := s.questions()
			slices.Sort(asked)
			if asked = slices.Compact(asked); !slices.Equal(asked, test.asked) {
				t.Errorf("asked %q, want %q", asked, test.asked)
			}
			if r.ID != "1" {
				t.Error("the report is another")
			}
		})
	}
}

// TestCheckTime: a session's lookups take no longer than they may in all.
func TestCheckTime(t *testing.T) {
	s := newDNSServer(t, checkZone)
	r := newTestResolver(t, s, func(r *Resolver) { r.timeout, r.retry = time.Minute, time.Minute })
	c := NewChecker(mta.Our{}, r)
	c.timeout = 30 * time.Millisecond
	report := c.Check(context.Background(), mta.Report{Session: helo.Session{Client: addrs("203.0.113.7")[0], HELO: "silent.sender.example"}})
	if report.HELOStatus != helo.TempError || report.PTRStatus != helo.TempError {
		t.Errorf("%+v", report.Session)
	}
}

// TestCheckWithoutDNS fills in what the configuration knows, and shares nothing with it.
func TestCheckWithoutDNS(t *testing.T) {
	o := our()
	c := NewChecker(o, nil)
	given := addrs("192.0.2.26")
	r := c.Check(context.Background(), mta.Report{Session: helo.Session{Client: addrs("203.0.113.7")[0], HELO: "x.example", OurIPs: given}})
	if !slices.Equal(r.OurIPs, addrs("192.0.2.26", "192.0.2.25")) || !slices.Equal(r.Hosted, o.Hosted) || !slices.Equal(r.OurNames, o.Names) {
		t.Errorf("%+v", r.Session)
	}
	_ = append(r.Hosted, "x.example")
	_ = append(r.OurIPs, addrs("192.0.2.99")...)
	if again := c.Check(context.Background(), r); len(again.OurIPs) != 2 || len(again.Hosted) != 2 {
		t.Errorf("%+v", again.Session)
	}
	if r.HELOStatus != helo.Unset || r.Trusted {
		t.Errorf("%+v", r.Session)
	}
}
