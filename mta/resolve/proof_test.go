package resolve

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"dnsbld/listing/helo"
	"dnsbld/mta"
)

// Reverse and Texts say what DNS has of an address whose removal is asked for.
func TestReverseAndTexts(t *testing.T) {
	s := newDNSServer(t, checkZone+`
	mail.sender.example            TXT   v=spf1 -all
	mail.sender.example            TXT   helo+ aaaa
	alias.sender.example           CNAME mail.sender.example
	`)
	resolver, err := New(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	c := NewChecker(mta.Our{}, resolver)
	for address, want := range map[string]struct {
		names     string
		confirmed bool
		status    helo.Status
	}{
		"203.0.113.7": {"mail.sender.example", true, helo.OK}, "::ffff:203.0.113.7": {"mail.sender.example", true, helo.OK},
		"203.0.113.9": {"liar.example", false, helo.OK}, "203.0.113.99": {"", false, helo.NXDomain}, "203.0.113.11": {"servfail.example", false, helo.TempError},
	} {
		names, confirmed, status := c.Reverse(t.Context(), netip.MustParseAddr(address))
		if strings.Join(names, " ") != want.names || confirmed != want.confirmed || status != want.status {
			t.Errorf("%s: %v, confirmed %t, %s", address, names, confirmed, status)
		}
	}
	for name, want := range map[string]struct {
		texts  []string
		status helo.Status
	}{
		"mail.sender.example": {[]string{"v=spf1-all", "helo+aaaa"}, helo.OK}, "alias.sender.example": {[]string{"v=spf1-all", "helo+aaaa"}, helo.OK},
		"liar.example": {nil, helo.NoData}, "nowhere.example": {nil, helo.NXDomain}, "servfail.example": {nil, helo.TempError},
		strings.Repeat("x", 64) + ".example": {nil, helo.NXDomain},
	} {
		if texts, status := c.Texts(t.Context(), name); !slices.Equal(texts, want.texts) || status != want.status {
			t.Errorf("%s: %q, %s", name, texts, status)
		}
	}
	none := NewChecker(mta.Our{}, nil)
	if _, _, status := none.Reverse(t.Context(), netip.MustParseAddr("203.0.113.7")); status != helo.Unchecked {
		t.Errorf("without a resolver: %s", status)
	}
	if _, status := none.Texts(t.Context(), "mail.sender.example"); status != helo.Unchecked {
		t.Errorf("without a resolver: %s", status)
	}
}

// Where mail for a domain goes.
func TestMailServers(t *testing.T) {
	s := newDNSServer(t, `
	two.example        MX    mx1.two.example
	two.example        MX    mx2.two.example
	mx1.two.example    A     192.0.2.1
	mx2.two.example    AAAA  2001:db8::2
	itself.example     A     192.0.2.3
	none.example       MX    .
	nowhere.example    MX    not.there.example
	half.example       MX    servfail.example
	half.example       MX    mx1.two.example
	`)
	resolver, err := New(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	c := NewChecker(mta.Our{}, resolver)
	for domain, want := range map[string]struct {
		addresses string
		status    helo.Status
	}{
		"two.example": {"[192.0.2.1 2001:db8::2]", helo.OK}, "itself.example": {"[192.0.2.3]", helo.OK}, "none.example": {"[]", helo.NoData},
		"nowhere.example": {"[]", helo.NoData}, "no.such.example": {"[]", helo.NXDomain}, "servfail.example": {"[]", helo.TempError}, "half.example": {"[192.0.2.1]", helo.TempError},
	} {
		servers, status := c.MailServers(t.Context(), domain)
		if got := fmt.Sprint(servers); got != want.addresses || status != want.status {
			t.Errorf("%s: %s, %s", domain, got, status)
		}
	}
	if _, status := NewChecker(mta.Our{}, nil).MailServers(t.Context(), "two.example"); status != helo.Unchecked {
		t.Errorf("without a resolver: %s", status)
	}
}
