package zone

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// L1: a listed address has an A and a TXT record for each reason, strongest
// first.
func TestL1Listed(t *testing.T) {
	b := serve(t, config(t), `
		192.0.2.7 helo-bare-ip
		192.0.2.8 imported source=feed
		192.0.2.8 helo-bare-ip
		192.0.2.8 manual text=sent "mail" with a backslash \ and $1
		192.0.2.8 helo-our-name
		192.0.2.8 helo-our-ip
		192.0.2.8 rdns-missing
		198.51.100.0/24 network
		2001:db8::7 helo-rcpt-domain
		2001:db8:1::/48 network
	`)
	b.expects(`
		? 7.2.0.192.bl.test. A
		NOERROR
		7.2.0.192.bl.test. 300 IN A 127.0.0.2

		? 7.2.0.192.bl.test. TXT
		NOERROR
		7.2.0.192.bl.test. 300 IN TXT "192.0.2.7 greeted our servers with an IP address instead of a host name in HELO; https://bl.example/192.0.2.7"

		; strongest first: 21, 3, 5, 20, 4, 2, 6, 7, 22, 23; a shadow reason does not show
		? 8.2.0.192.bl.test. A
		NOERROR
		8.2.0.192.bl.test. 300 IN A 127.0.0.3
		8.2.0.192.bl.test. 300 IN A 127.0.0.5
		8.2.0.192.bl.test. 300 IN A 127.0.0.20
		8.2.0.192.bl.test. 300 IN A 127.0.0.2
		8.2.0.192.bl.test. 300 IN A 127.0.0.23

		? 8.2.0.192.bl.test. TXT
		NOERROR
		8.2.0.192.bl.test. 300 IN TXT "192.0.2.8 greeted our servers with our own IP address in HELO; https://bl.example/192.0.2.8"
		8.2.0.192.bl.test. 300 IN TXT "192.0.2.8 greeted our servers with our own host name in HELO; https://bl.example/192.0.2.8"
		8.2.0.192.bl.test. 300 IN TXT "192.0.2.8 sent \"mail\" with a backslash \\ and $1; https://bl.example/192.0.2.8"
		8.2.0.192.bl.test. 300 IN TXT "192.0.2.8 greeted our servers with an IP address instead of a host name in HELO; https://bl.example/192.0.2.8"
		8.2.0.192.bl.test. 300 IN TXT "192.0.2.8 is on a list that this list includes; https://bl.example/192.0.2.8"

		; the text of a range names the range
		? 77.100.51.198.bl.test. TXT
		NOERROR
		77.100.51.198.bl.test. 300 IN TXT "198.51.100.0/24 belongs to a network listed by the operator of this list; https://bl.example/198.51.100.0/24"

		? 7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test. A
		NOERROR
		7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test. 300 IN A 127.0.0.4

		? 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.test. TXT
		NOERROR
		1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.test. 300 IN TXT "2001:db8:1::/48 belongs to a network listed by the operator of this list; https://bl.example/2001:db8:1::/48"
	`)
}

// L2: an address that is not listed does not exist; one that is has no other
// types. Exceptions and allow entries take out.
func TestL2NotListed(t *testing.T) {
	b := serve(t, config(t), `
		192.0.2.7 helo-bare-ip
		192.0.2.9 helo-bare-ip until=-1
		192.0.2.10 rdns-missing
		192.0.2.11 helo-bare-ip
		192.0.2.11 allow
		198.51.100.0/24 network
		198.51.100.9 network except
	`)
	b.expects(`
		? 8.2.0.192.bl.test. A
		NXDOMAIN

		? 8.2.0.192.bl.test. TXT
		NXDOMAIN

		? 8.2.0.192.bl.test. ANY
		NXDOMAIN

		; expired
		? 9.2.0.192.bl.test. A
		NXDOMAIN

		; for a shadow reason
		? 10.2.0.192.bl.test. A
		NXDOMAIN

		; allowed
		? 11.2.0.192.bl.test. A
		NXDOMAIN

		; excepted
		? 9.100.51.198.bl.test. A
		NXDOMAIN

		? 8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test. A
		NXDOMAIN
	`)
	for _, kind := range []string{"AAAA", "MX", "CAA", "NS", "SOA", "CNAME", "PTR", "SRV", "DS", "DNSKEY", "RRSIG", "NSEC", "HTTPS", "SVCB", "HINFO",
		"MAILA", "MAILB", "OPT", "TYPE0", "TYPE1000", "TYPE65280", "TYPE65535"} {
		b.expect("7.2.0.192.bl.test.", []string{kind}, "NODATA", nil)
		b.expect("8.2.0.192.bl.test.", []string{kind}, "NXDOMAIN", nil)
	}
}

// L3: the test points of RFC 5782, section 5.
func TestL3TestPoints(t *testing.T) {
	for name, list := range map[string]string{
		"empty list":     "",
		"under entries":  "0.0.0.0/0 network\n127.0.0.0/8 manual\n127.0.0.1 manual\n::/0 network",
		"under an allow": "127.0.0.0/8 allow",
	} {
		t.Run(name, func(t *testing.T) {
			b := serve(t, config(t), list)
			for _, zone := range []string{"bl.test.", "strict.bl.test."} {
				b.expects(strings.ReplaceAll(`
					? 2.0.0.127.ZONE A
					NOERROR
					2.0.0.127.ZONE 300 IN A 127.0.0.2

					? 2.0.0.127.ZONE TXT
					NOERROR
					2.0.0.127.ZONE 300 IN TXT "127.0.0.2 is the test entry of this list for helo-bare-ip; https://bl.example/127.0.0.2"

					? 1.0.0.127.ZONE A
					NXDOMAIN

					? 1.0.0.127.ZONE TXT
					NXDOMAIN

					; ::FFFF:7F00:2
					? 2.0.0.0.0.0.F.7.F.F.F.F.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ZONE A
					NOERROR
					2.0.0.0.0.0.F.7.F.F.F.F.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ZONE 300 IN A 127.0.0.2

					? 2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ZONE TXT
					NOERROR
					2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ZONE 300 IN TXT "127.0.0.2 is the test entry of this list for helo-bare-ip; https://bl.example/127.0.0.2"

					; ::FFFF:7F00:1
					? 1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ZONE A
					NXDOMAIN

					; their parents
					? 127.ZONE A
					NODATA

					? 0.127.ZONE A
					NODATA

					? 0.0.127.ZONE A
					NODATA
				`, "ZONE", zone))
				for _, i := range reasons(t).All() {
					name := fmt.Sprintf("%d.0.0.127.%s", i.Code, zone)
					if i.Published {
						b.expect(name, []string{"A"}, "NOERROR", []string{fmt.Sprintf("%s 300 IN A 127.0.0.%d", name, i.Code)})
					} else {
						b.expect(name, []string{"A"}, "NXDOMAIN", nil)
					}
				}
			}
		})
	}
}

// The test points do not lean on the never-list: what it does not hold back is
// not listed at 127.0.0.1 either, in any spelling, on either path.
func TestL3AloneHoldsTestPoints(t *testing.T) {
	b := newServer(t, config(t), "127.0.0.0/8 helo-bare-ip\n127.0.0.1 manual")
	b.live.Protect(nil)
	w := b.server.newWorker()
	for address, rcode := range map[string]int{"127.0.0.1": dns.RcodeNameError, "::ffff:127.0.0.1": dns.RcodeNameError, "2002:7f00:1::": dns.RcodeNameError,
		"127.0.0.2": dns.RcodeSuccess, "127.0.1.1": dns.RcodeSuccess} {
		raw := pack(t, query(reversed(netip.MustParseAddr(address), "bl.test."), "A"))
		b.askBoth(t, w, [][]byte{raw}, wirePeers[0])
		a := new(dns.Msg)
		if err := a.Unpack(b.answer(raw, UDP)); err != nil || a.Rcode != rcode || (address == "127.0.0.2" && len(a.Answer) != 1) {
			t.Errorf("%s: %v, %v", address, a, err)
		}
	}
}

// L3: a shadow reason that a zone names has its test point there.
func TestL3NamedReason(t *testing.T) {
	c := config(t)
	c.Zones[1].Reasons = []listing.Reason{12}
	b := serve(t, c, "192.0.2.7 rdns-missing")
	b.expects(`
		? 12.0.0.127.strict.bl.test. A
		NOERROR
		12.0.0.127.strict.bl.test. 300 IN A 127.0.0.12

		? 7.2.0.192.strict.bl.test. A
		NOERROR
		7.2.0.192.strict.bl.test. 300 IN A 127.0.0.12

		? 12.0.0.127.bl.test. A
		NXDOMAIN
	`)
}

// L4: what is a name of an address and what is not.
func TestL4Names(t *testing.T) {
	b := serve(t, config(t), `
		192.0.2.7 helo-bare-ip
		2.0.0.1 helo-bare-ip
		1.0.0.10 helo-bare-ip
		2001:db8::abcd helo-bare-ip
	`)
	b.expects(`
		? 07.2.0.192.bl.test. A
		NXDOMAIN

		? 007.2.0.192.bl.test. A
		NXDOMAIN

		? 256.2.0.192.bl.test. A
		NXDOMAIN

		? 7x.2.0.192.bl.test. A
		NXDOMAIN

		? -7.2.0.192.bl.test. A
		NXDOMAIN

		? 0x7.2.0.192.bl.test. A
		NXDOMAIN

		; below an address
		? foo.7.2.0.192.bl.test. A
		NXDOMAIN

		? 1.7.2.0.192.bl.test. A
		NXDOMAIN

		? *.2.0.192.bl.test. A
		NXDOMAIN

		; either case
		? d.C.b.A.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.d.0.1.0.0.2.Bl.tesT. A
		NOERROR
		d.C.b.A.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.d.0.1.0.0.2.Bl.tesT. 300 IN A 127.0.0.2

		; 33 nibbles; a nibble of two digits; no nibble
		? 1.d.c.b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test. A
		NXDOMAIN

		? 0d.c.b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test. A
		NXDOMAIN

		? g.c.b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test. A
		NXDOMAIN

		; IPv4-mapped: ::ffff:192.0.2.7 and .8
		? 7.0.2.0.0.0.0.c.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.test. A
		NOERROR
		7.0.2.0.0.0.0.c.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.test. 300 IN A 127.0.0.2

		? 8.0.2.0.0.0.0.c.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.test. A
		NXDOMAIN

		; 6to4: 2002:c000:207::1 and 2002:c000:208::1
		? 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.0.2.0.0.0.0.c.2.0.0.2.bl.test. TXT
		NOERROR
		1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.0.2.0.0.0.0.c.2.0.0.2.bl.test. 300 IN TXT "192.0.2.7 greeted our servers with an IP address instead of a host name in HELO; https://bl.example/192.0.2.7"

		? 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.0.2.0.0.0.0.c.2.0.0.2.bl.test. A
		NXDOMAIN

		; their parents
		? 7.0.2.0.0.0.0.c.2.0.0.2.bl.test. A
		NODATA

		? 0.0.0.0.0.0.7.0.2.0.0.0.0.c.2.0.0.2.bl.test. A
		NODATA

		? 8.0.2.0.0.0.0.c.2.0.0.2.bl.test. A
		NXDOMAIN

		? 0.2.0.0.0.0.c.2.0.0.2.bl.test. A
		NODATA

		? 0.2.0.0.0.0.c.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.test. A
		NODATA

		? 1.2.0.0.0.0.c.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.test. A
		NXDOMAIN

		; four labels: 2.0.0.1 first, a parent of 2001:… else
		? 1.0.0.2.bl.test. A
		NOERROR
		1.0.0.2.bl.test. 300 IN A 127.0.0.2

		? 10.0.0.1.bl.test. A
		NOERROR
		10.0.0.1.bl.test. 300 IN A 127.0.0.2

		; parents of ::FFFF:7F00:2
		? 0.bl.test. A
		NODATA

		? 0.0.0.0.bl.test. A
		NODATA

		? 0.0.0.0.0.bl.test. A
		NODATA

		? f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.test. A
		NODATA

		; 127.0.0.240/28 has none, 127.0.0.0/28 has
		? f.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.test. A
		NXDOMAIN

		? 0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.test. A
		NODATA

		? e.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.test. A
		NXDOMAIN
	`)
	b.publish("2001:db8::7 helo-bare-ip")
	b.expects(`
		? 1.0.0.2.bl.test. A
		NODATA

		? 3.0.0.2.bl.test. A
		NXDOMAIN
	`)
	for _, label := range []string{`a\@b`, `a+b`, `a=b`, `\#`, `\000`, `\255`, `\.`, `\\`, `"`, `\032`, `_`, `xn--e1afmkfd`} {
		b.expect(label+".bl.test.", []string{"A"}, "NXDOMAIN", nil)
		b.expect("7.2.0."+label+".bl.test.", []string{"A"}, "NXDOMAIN", nil)
	}
	long := strings.Repeat(strings.Repeat("a", 49)+".", 4)
	b.expect(long+strings.Repeat("b", 44)+".bl.test.", []string{"A"}, "NXDOMAIN", nil)
	b.expect(strings.Repeat("1.", 123)+"bl.test.", []string{"A"}, "NXDOMAIN", nil)
}

// L5: every ancestor of a name that answers exists.
func TestL5EmptyNonTerminals(t *testing.T) {
	b := serve(t, config(t), `
		192.0.2.7 helo-bare-ip
		198.51.0.0/17 network
		203.0.113.9 rdns-missing
		2001:db8::/47 network
		2001:db8:a:b::7 helo-bare-ip
	`)
	b.expects(`
		? 192.bl.test. A
		NODATA

		? 0.192.bl.test. TXT
		NODATA

		? 2.0.192.bl.test. NS
		NODATA

		? 2.0.192.bl.test. ANY
		NODATA

		? 3.0.192.bl.test. A
		NXDOMAIN

		? 1.192.bl.test. A
		NXDOMAIN

		? 193.bl.test. A
		NXDOMAIN

		; inside a range
		? 127.51.198.bl.test. A
		NODATA

		? 128.51.198.bl.test. A
		NXDOMAIN

		; in doubt: of a reason that does not show
		? 113.0.203.bl.test. A
		NODATA

		? 8.b.d.0.1.0.0.2.bl.test. A
		NODATA

		; 2001:db8:0:: lies in the /47, 2001:db8:2:: does not
		? 0.0.0.0.8.b.d.0.1.0.0.2.bl.test. A
		NODATA

		? 2.0.0.0.8.b.d.0.1.0.0.2.bl.test. A
		NXDOMAIN

		? b.0.0.0.a.0.0.0.8.b.d.0.1.0.0.2.bl.test. A
		NODATA

		? c.0.0.0.a.0.0.0.8.b.d.0.1.0.0.2.bl.test. A
		NXDOMAIN

		? 9.b.d.0.1.0.0.2.bl.test. A
		NXDOMAIN
	`)
}

// L5: whoever walks down to an address label by label, as a resolver that
// minimises names does, is never told that there is nothing below before he
// comes to an address that is listed.
func TestL5MinimisedWalk(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		list := drawList(rt)
		b := newServer(t, config(t), list)
		for _, a := range drawAddresses(rt, list) {
			for _, zone := range []string{"bl.test.", "strict.bl.test."} {
				walk(rt, b, reversed(a, zone))
				if mapped := netip.AddrFrom16(a.As16()); a.Is4() {
					walk(rt, b, reversed(mapped, zone))
				}
			}
		}
	})
}

// walk asks for each ancestor of a name, then for the name.
func walk(t *rapid.T, b *bench, name string) {
	listed := b.reply(query(name, "A"), UDP).Rcode == dns.RcodeSuccess
	labels := dns.SplitDomainName(name)
	for i := len(labels) - 2; i > 0; i-- {
		parent := dns.Fqdn(strings.Join(labels[i:], "."))
		if a := b.reply(query(parent, "NS"), UDP); listed && a.Rcode != dns.RcodeSuccess {
			t.Fatalf("%s is listed, and %s is %s", name, parent, dns.RcodeToString[a.Rcode])
		}
	}
}

// drawList is a list of some entries near each other.
func drawList(t *rapid.T) string {
	var list strings.Builder
	for range rapid.IntRange(0, 12).Draw(t, "entries") {
		p := drawPrefix(t)
		reason := rapid.SampledFrom([]string{"helo-bare-ip", "helo-our-ip", "network", "rdns-missing"}).Draw(t, "reason")
		rest := rapid.SampledFrom([]string{"", "", "", "except", "until=0", "source=feed"}).Draw(t, "rest")
		fmt.Fprintf(&list, "%s %s %s\n", p, reason, rest)
	}
	return list.String()
}

func drawPrefix(t *rapid.T) netip.Prefix {
	b := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x20, 0xff}), 16, 16).Draw(t, "octets")
	if rapid.Bool().Draw(t, "v4") {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(b)), rapid.IntRange(4, 32).Draw(t, "bits")).Masked()
	}
	copy(b, []byte{0x20, 0x01, 0x0d, 0xb8})
	return netip.PrefixFrom(netip.AddrFrom16([16]byte(b)), rapid.IntRange(30, 128).Draw(t, "bits")).Masked()
}

func drawAddresses(t *rapid.T, list string) []netip.Addr {
	all := []netip.Addr{drawPrefix(t).Addr()}
	for line := range strings.Lines(list) {
		all = append(all, netip.MustParsePrefix(strings.Fields(line)[0]).Addr())
	}
	return all
}

// L6: zones over one list agree, each for its own reasons.
func TestL6Zones(t *testing.T) {
	b := serve(t, config(t), `
		192.0.2.7 helo-bare-ip
		192.0.2.8 helo-bare-ip until=100
		192.0.2.8 helo-our-ip
	`)
	b.expects(`
		? 7.2.0.192.bl.test. A
		NOERROR
		7.2.0.192.bl.test. 300 IN A 127.0.0.2

		? 7.2.0.192.strict.bl.test. A
		NXDOMAIN

		; the TTL is of what shows
		? 8.2.0.192.bl.test. A
		NOERROR
		8.2.0.192.bl.test. 99 IN A 127.0.0.3
		8.2.0.192.bl.test. 99 IN A 127.0.0.2

		? 8.2.0.192.strict.bl.test. A
		NOERROR
		8.2.0.192.strict.bl.test. 300 IN A 127.0.0.3
	`)
	rapid.Check(t, func(rt *rapid.T) {
		list := drawList(rt)
		b := newServer(t, config(t), list)
		for _, a := range drawAddresses(rt, list) {
			strict := map[string]bool{}
			for _, rr := range b.reply(query(reversed(a, "strict.bl.test."), "A"), TCP).Answer {
				strict[rr.(*dns.A).A.String()] = true
			}
			for _, rr := range b.reply(query(reversed(a, "bl.test."), "A"), TCP).Answer {
				delete(strict, rr.(*dns.A).A.String())
			}
			if len(strict) > 0 {
				rt.Fatalf("%s: strict.bl.test alone says %v", a, strict)
			}
		}
	})
}

// L7: no answer outlives what it says.
func TestL7TTL(t *testing.T) {
	c := config(t)
	c.Zones[1].TTL, c.Zones[1].NegativeTTL = time.Hour, time.Minute
	b := newServer(t, c, "192.0.2.7 helo-our-ip until=1000\n192.0.2.7 network until=500")
	for after, ttl := range map[time.Duration]uint32{
		0:                       300,
		698 * time.Second:       300, // of 1000: 302 are left, 301 of them surely
		699 * time.Second:       300,
		700 * time.Second:       299,
		700*time.Second + 999e6: 299,
		900 * time.Second:       99,
		997 * time.Second:       2,
		998 * time.Second:       1,
		999 * time.Second:       1,
		999*time.Second + 999e6: 1,
	} {
		b.at(after)
		for _, kind := range []string{"A", "TXT", "ANY"} {
			a := b.reply(query("7.2.0.192.bl.test.", kind), TCP)
			want := ttl
			if after < 500*time.Second {
				want = 300
			}
			for _, rr := range a.Answer {
				if rr.Header().Ttl != want {
					t.Errorf("after %s: %v, want a TTL of %d", after, rr, want)
				}
			}
			if len(a.Answer) == 0 {
				t.Errorf("after %s: not listed", after)
			}
		}
	}
	b.at(1000 * time.Second)
	if a := b.reply(query("7.2.0.192.bl.test.", "A"), UDP); a.Rcode != dns.RcodeNameError {
		t.Errorf("at its end: %v", a)
	}
	b.at(0)
	if a := b.reply(query("7.2.0.192.strict.bl.test.", "A"), UDP); a.Answer[0].Header().Ttl != 999 {
		t.Errorf("under a zone TTL of an hour: %v", a.Answer)
	}
	b.at(300 * time.Second) // the network ends in 200 seconds
	if a := b.reply(query("7.2.0.192.bl.test.", "A"), UDP); a.Answer[0].Header().Ttl != 199 || a.Answer[1].Header().Ttl != 199 {
		t.Errorf("the least of the RRset: %v", a.Answer)
	}
	soa := b.reply(query("8.2.0.192.strict.bl.test.", "A"), UDP).Ns[0].(*dns.SOA)
	if soa.Hdr.Ttl != 60 || soa.Minttl != 60 {
		t.Errorf("negative TTL: %v", soa)
	}
}

// L8: an A record in a zone says that an address is listed, nothing else.
func TestL8NoOtherSignal(t *testing.T) {
	b := newServer(t, config(t), "192.0.2.7 helo-bare-ip")
	for _, name := range []string{"8.2.0.192.bl.test.", "x.bl.test.", "policy.bl.test.", "2.0.192.bl.test.", "1.0.0.127.bl.test.",
		"1.255.255.127.bl.test.", "254.255.255.127.bl.test.", "7.2.0.192.example.test.", "version.bind."} {
		for _, kind := range []string{"A", "ANY", "AXFR", "CH A", "ANY A"} {
			for _, rr := range b.reply(query(name, strings.Fields(kind)...), UDP).Answer {
				if rr.Header().Rrtype == dns.TypeA {
					t.Errorf("%s %s: %v", name, kind, rr)
				}
			}
		}
	}
}

// L9: the apex.
func TestL9Apex(t *testing.T) {
	b := serve(t, config(t), "192.0.2.7 helo-bare-ip")
	b.expects(`
		? bl.test. SOA
		NOERROR
		bl.test. 300 IN SOA ns1.bl.test. hostmaster.bl.test. 4711 60 15 604800 300

		? bl.test. NS
		NOERROR
		bl.test. 300 IN NS ns1.bl.test.
		bl.test. 300 IN NS ns2.example.test.

		? bl.test. A
		NOERROR
		bl.test. 300 IN A 192.0.2.80

		? bl.test. AAAA
		NOERROR
		bl.test. 300 IN AAAA 2001:db8::80

		? bl.test. TXT
		NOERROR
		bl.test. 300 IN TXT "This is a DNS blocklist"

		? bl.test. MX
		NOERROR
		bl.test. 300 IN MX 10 mail.example.test.

		? bl.test. CAA
		NODATA

		? bl.test. DNSKEY
		NODATA

		; the second zone has nothing beside SOA and NS
		? strict.bl.test. SOA
		NOERROR
		strict.bl.test. 300 IN SOA ns1.bl.test. hostmaster.strict.bl.test. 4711 60 15 604800 300

		? strict.bl.test. A
		NODATA

		? policy.bl.test. TXT
		NOERROR
		policy.bl.test. 300 IN TXT "Lists hosts that greet with a \"bogus\" HELO \\ name"

		? policy.bl.test. ANY
		NOERROR
		policy.bl.test. 300 IN TXT "Lists hosts that greet with a \"bogus\" HELO \\ name"

		? policy.bl.test. A
		NODATA

		? policy.strict.bl.test. TXT
		NXDOMAIN

		; a name server within the zone: nobody else could say where it is
		? ns1.bl.test. A
		NOERROR
		ns1.bl.test. 300 IN A 192.0.2.53

		? ns1.bl.test. AAAA
		NOERROR
		ns1.bl.test. 300 IN AAAA 2001:db8::53

		? ns1.bl.test. TXT
		NODATA

		? x.ns1.bl.test. A
		NXDOMAIN
	`)
}

// L9: the serial is the low half of the revision, and is compared by RFC 1982.
func TestL9Serial(t *testing.T) {
	for revision, want := range map[listing.Revision]uint32{0: 0, 4711: 4711, 1<<32 - 1: 1<<32 - 1, 1 << 32: 0, 1<<32 + 5: 5} {
		b := newServer(t, config(t), "")
		s, err := index.NewSet().With([]listing.Change{{Kind: listing.ConfigChange, Revision: revision, Last: true}})
		if err != nil {
			t.Fatal(err)
		}
		b.live.Publish(s)
		soa := b.reply(query("bl.test.", "SOA"), UDP).Answer[0].(*dns.SOA)
		negative := b.reply(query("x.bl.test.", "A"), UDP).Ns[0].(*dns.SOA)
		if soa.Serial != want || negative.Serial != want {
			t.Errorf("revision %d: serials %d and %d, want %d", revision, soa.Serial, negative.Serial, want)
		}
	}
}

// L10: names of other zones are refused; the longest matching zone wins.
func TestL10OtherNames(t *testing.T) {
	c := config(t)
	c.Zones = append(c.Zones, Zone{Name: "a.b.bl.test", NS: c.Zones[0].NS, Reasons: []listing.Reason{21}})
	b := serve(t, c, "192.0.2.7 helo-bare-ip\n192.0.2.8 network")
	b.expects(`
		? . NS
		REFUSED EDE 20

		? test. SOA
		REFUSED EDE 20

		? xbl.test. A
		REFUSED EDE 20

		? 7.2.0.192.example.test. A
		REFUSED EDE 20

		? bl.test.example. A
		REFUSED EDE 20

		? 7.2.0.192.bl.test. HS A
		REFUSED EDE 20

		? 7.2.0.192.bl.test. ANY A
		REFUSED EDE 20

		? 7.2.0.192.bl.test. NONE A
		REFUSED EDE 20

		? 7.2.0.192.a.b.bl.test. A
		NXDOMAIN

		? 8.2.0.192.a.b.bl.test. A
		NOERROR
		8.2.0.192.a.b.bl.test. 300 IN A 127.0.0.21

		; between a zone and one inside it
		? b.bl.test. A
		NODATA

		? x.b.bl.test. A
		NXDOMAIN
	`)
}

// Lookup says to people what the zones say to resolvers.
func TestLookup(t *testing.T) {
	b := newServer(t, config(t), "192.0.2.7 helo-our-ip until=100\n192.0.2.7 helo-bare-ip\n2001:db8::/64 network")
	got, err := b.server.Lookup(netip.MustParseAddr("::ffff:192.0.2.7"))
	if err != nil || len(got) != 2 {
		t.Fatalf("%v, %v", got, err)
	}
	all, strict := got[0], got[1]
	if all.Zone != "bl.test" || all.Name != "7.2.0.192.bl.test" || fmt.Sprint(all.A) != "[127.0.0.3 127.0.0.2]" || all.TTL != 99*time.Second ||
		len(all.TXT) != 2 || !strings.HasPrefix(all.TXT[1], "192.0.2.7 greeted") {
		t.Errorf("%+v", all)
	}
	if strict.Zone != "strict.bl.test" || fmt.Sprint(strict.A) != "[127.0.0.3]" {
		t.Errorf("%+v", strict)
	}
	got, err = b.server.Lookup(netip.MustParseAddr("2001:db8::1"))
	if err != nil || got[0].Name != "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test" || len(got[0].A) != 1 || len(got[1].A) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	b.server.view = index.NewLive()
	if _, err := b.server.Lookup(netip.MustParseAddr("192.0.2.7")); err == nil {
		t.Error("an answer before the list is loaded")
	}
}

// RFC 4035, section 3.1.4.1: DS at the name of a zone within another one of
// ours is the parent's to answer, whatever is listed there.
func TestDSOfNestedZone(t *testing.T) {
	c := config(t)
	c.Zones = append(c.Zones, Zone{Name: "2.0.192.bl.test", NS: c.Zones[0].NS})
	b := newServer(t, c, "192.0.0.0/16 helo-bare-ip")
	for name, soa := range map[string]string{"strict.bl.test.": "bl.test.", "2.0.192.bl.test.": "bl.test.", "bl.test.": "bl.test."} {
		a := b.reply(query(name, "DS"), UDP)
		if a.Rcode != dns.RcodeSuccess || !a.Authoritative || len(a.Answer) != 0 || len(a.Ns) != 1 || a.Ns[0].Header().Name != soa {
			t.Errorf("%s DS: %v", name, a)
		}
		if a := b.reply(query(name, "DNSKEY"), UDP); len(a.Ns) != 1 || a.Ns[0].Header().Name != name {
			t.Errorf("%s DNSKEY: %v", name, a)
		}
	}
}
