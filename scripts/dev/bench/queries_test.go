package main

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func unpack(t *testing.T, packet []byte) dnsmessage.Message {
	t.Helper()
	var m dnsmessage.Message
	if err := m.Unpack(packet); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestQueryEncoding(t *testing.T) {
	for _, c := range []struct {
		addr string
		want want
		name string
		typ  dnsmessage.Type
	}{
		{"192.0.2.7", wantListed, "7.2.0.192.bl.test.", dnsmessage.TypeA},
		{"198.51.100.255", wantTXT, "255.100.51.198.bl.test.", dnsmessage.TypeTXT},
		{"2001:db8::1", wantEDNS, "1" + strings.Repeat(".0", 23) + ".8.b.d.0.1.0.0.2.bl.test.", dnsmessage.TypeA},
	} {
		m := unpack(t, onlyQuery(netip.MustParseAddr(c.addr), "bl.test", c.want).packet(0))
		if m.Response || m.RecursionDesired || m.OpCode != 0 || len(m.Questions) != 1 {
			t.Errorf("%s: header %+v", c.addr, m.Header)
			continue
		}
		q := m.Questions[0]
		if q.Name.String() != c.name || q.Type != c.typ || q.Class != dnsmessage.ClassINET {
			t.Errorf("%s: question %v", c.addr, q)
		}
		if edns := c.want&wantEDNS != 0; edns != (len(m.Additionals) == 1) {
			t.Errorf("%s: %d additional records", c.addr, len(m.Additionals))
		} else if h := m.Additionals; edns && (!h[0].Header.DNSSECAllowed() || h[0].Header.Class != udpSize) {
			t.Errorf("%s: OPT %v", c.addr, h[0].Header)
		}
	}
}

func TestPoolHasItsMixAndKnowsItsAnswers(t *testing.T) {
	d := newDataset(5, 20000, 16)
	const n = 20000
	for _, cover := range []coverage{{}, {spans: true, v6: true}} {
		p := newPool(d, 5, "bl.test", n, cover)
		var hits, txt, edns, v6, spans float64
		for i := range p.queries {
			w, a := p.queries[i].want, askedAddr(t, p.packet(i))
			if listed := d.lists(a); listed != (w&wantListed != 0) {
				t.Fatalf("%s: listed %v, expected answer %b", a, listed, w)
			}
			hits += share(w&wantListed != 0)
			txt += share(w&wantTXT != 0)
			edns += share(w&wantEDNS != 0)
			v6 += share(a.Is6())
			spans += share(w&wantListed != 0 && a.Is4() && !slices.Contains(d.hosts, be32(a)))
		}
		near(t, "hits", hits/n, 0.30)
		near(t, "TXT", txt/n, 0.10)
		near(t, "EDNS", edns/n, 0.30)
		if cover.v6 {
			near(t, "IPv6", v6/n, 0.02)
			near(t, "prefix hits", spans/n, 0.03)
		} else if v6+spans > 0 {
			t.Errorf("a server without prefixes and IPv6 is asked %v of them", v6+spans)
		}
	}
}

func share(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 0.015 {
		t.Errorf("%s: %.3f of the queries, want %.2f", what, got, want)
	}
}

func be32(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// askedAddr turns the name asked for back into an address.
func askedAddr(t *testing.T, packet []byte) netip.Addr {
	t.Helper()
	var p dnsmessage.Parser
	if _, err := p.Start(packet); err != nil {
		t.Fatal(err)
	}
	q, err := p.Question()
	if err != nil {
		t.Fatal(err)
	}
	labels := strings.Split(strings.TrimSuffix(q.Name.String(), ".bl.test."), ".")
	slices.Reverse(labels)
	text := strings.Join(labels, ".")
	if len(labels) == 32 {
		text = ""
		for i, l := range labels {
			if i > 0 && i%4 == 0 {
				text += ":"
			}
			text += l
		}
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// lists is the plain meaning of the list, for both families.
func (d *dataset) lists(a netip.Addr) bool {
	if a.Is4() {
		return d.listed4(be32(a))
	}
	return slices.ContainsFunc(d.v6, func(p netip.Prefix) bool { return p.Contains(a) })
}
