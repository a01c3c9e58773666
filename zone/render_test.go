package zone

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"dnsbld/listing"
	"dnsbld/listing/index"
)

// transferred is a zone as a secondary holds it.
type transferred struct {
	owns   map[string][]record
	exists map[string]bool
}

func copied(r rendering) transferred {
	z := transferred{map[string][]record{}, map[string]bool{"": true}}
	for rec := range r.records() {
		z.owns[rec.owner] = append(z.owns[rec.owner], rec)
		for name := rec.owner; name != ""; name = name[1+name[0]:] {
			z.exists[name] = true
		}
	}
	return z
}

// ask is RFC 1034, section 4.3.2, with RFC 4592.
func (z transferred) ask(name string, rrtype uint16) (data []string, exists bool) {
	owner := name
	if !z.exists[name] {
		for !z.exists[owner] {
			owner = owner[1+owner[0]:]
		}
		if owner = "\x01*" + owner; z.owns[owner] == nil {
			return nil, false
		}
	}
	for _, rec := range z.owns[owner] {
		if rec.rrtype == rrtype {
			data = append(data, rec.data)
		}
	}
	return data, true
}

// X3: every address answers from the transferred zone as it does from ours,
// but that one taken out of a wider listing may exist there without records.
func TestX3(t *testing.T) {
	c := config(t)
	c.Zones = append(c.Zones, Zone{Name: "32.32.bl.test", NS: []NameServer{{Name: "ns.32.32.bl.test"}}})
	c.Zones[2].NS[0].Name = "ns.other.test"
	rapid.Check(t, func(rt *rapid.T) {
		list := drawList(rt)
		if rapid.Bool().Draw(rt, "allow") {
			list += drawPrefix(rt).String() + " allow\n"
		}
		if rapid.IntRange(0, 40).Draw(rt, "all") == 40 {
			list += "0.0.0.0/0 network\n::/0 network\n"
		}
		list = strings.ReplaceAll(list, "until=0", "") // nothing ends during this test
		b := newServer(t, c, list)
		random := rand.New(rand.NewPCG(3, 4))
		for _, z := range b.server.tables.Load().ordered[:2] {
			zone := copied(rendering{z, b.live.Set()})
			for _, a := range append(drawAddresses(rt, list), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.77")) {
				for range 4 {
					checkTransferred(rt, b, z, zone, a)
					octets := a.AsSlice()
					bit := random.IntN(a.BitLen())
					octets[bit/8] ^= 0x80 >> (bit % 8)
					a, _ = netip.AddrFromSlice(octets)
				}
			}
			checkTransferred(rt, b, z, zone, mappedTest.Addr())
		}
	})
}

// wideList are wide prefixes of both families, with labels that they share.
const wideList = `
	2.0.0.0/8 network
	2.6.0.0/16 network except
	2.6.0.0/24 manual
	2.6.7.0/25 manual
	2.6.7.9 helo-bare-ip
	2.6.77.0/24 manual
	2.77.0.0/16 imported source=wide
	2.77.7.7 imported except
	198.0.0.0/9 network
	198.51.100.7 network except
	255.255.255.255 manual
	2000::/3 network
	2600::/12 imported source=wide
	2600::/20 network except
	2600::7 helo-bare-ip
	2001:db8::/32 imported source=wide
	2001:db8::/33 imported except source=wide
	ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff manual
`

func TestX3Wide(t *testing.T) {
	b := newServer(t, config(t), wideList)
	z := b.server.tables.Load().ordered[0]
	zone := copied(rendering{z, b.live.Set()})
	for line := range strings.Lines(strings.TrimSpace(wideList)) {
		p := subjectAt(t, strings.Fields(line)[0])
		last := lastOf(p)
		for _, a := range []netip.Addr{p.Addr().Prev(), p.Addr(), p.Addr().Next(), middle(p, 0), middle(p, 1), middle(p, 2), last, last.Next()} {
			if a.IsValid() {
				checkTransferred(t, b, z, zone, a)
			}
		}
	}
}

func subjectAt(t *testing.T, text string) netip.Prefix {
	t.Helper()
	s, err := listing.ParseSubject(text)
	if err != nil {
		t.Fatal(err)
	}
	return s.Prefix
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for n := p.Bits(); n < len(b)*8; n++ {
		b[n/8] |= 0x80 >> (n % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// middle is an address within a prefix: its octets repeat those of the last
// one that is fixed, so that labels of both families meet.
func middle(p netip.Prefix, salt byte) netip.Addr {
	b := p.Addr().AsSlice()
	for n := (p.Bits() + 7) / 8; n < len(b); n++ {
		b[n] = byte(n)*salt&7 | salt
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func checkTransferred(t interface{ Fatalf(string, ...any) }, b *bench, z *zone, zone transferred, a netip.Addr) {
	if a.Is6() && a != mappedTest.Addr() && slices.ContainsFunc(embedding[:], func(e netip.Prefix) bool { return e.Contains(a) }) {
		return
	}
	name := reversed(a, "")
	for _, rrtype := range []uint16{dns.TypeA, dns.TypeTXT} {
		ours := b.reply(query(name+z.name, dns.TypeToString[rrtype]), TCP)
		if z.nested["32.32"] && strings.HasSuffix(name, ".32.32.") {
			continue
		}
		got, exists := zone.ask(ownerWire(strings.TrimSuffix(name, ".")), rrtype)
		var want []string
		for _, rr := range ours.Answer {
			want = append(want, plain("", rr).data)
		}
		if !slices.Equal(got, want) || (ours.Rcode == dns.RcodeSuccess && len(ours.Answer) > 0) != (len(got) > 0) {
			t.Fatalf("%s in %s: %q, want %q", a, z.name, got, want)
		}
		if a == netip.AddrFrom4([4]byte{127, 0, 0, neverListed}) && exists {
			t.Fatalf("127.0.0.1 exists in %s", z.name)
		}
	}
}

// The records beside the list are transferred as they are answered.
func TestStaticRecords(t *testing.T) {
	b := newServer(t, config(t), "")
	z := b.server.tables.Load().ordered[0]
	zone := copied(rendering{z, index.NewSet()})
	for name, types := range map[string][]uint16{"": {dns.TypeNS, dns.TypeA, dns.TypeAAAA, dns.TypeTXT, dns.TypeMX}, "\x03ns1": {dns.TypeA, dns.TypeAAAA}, "\x06policy": {dns.TypeTXT}} {
		for _, rrtype := range types {
			var want []string
			for _, rr := range z.nodes[name].records[rrtype] {
				want = append(want, plain("", rr).data)
			}
			if got, _ := zone.ask(name, rrtype); len(got) == 0 || !slices.Equal(got, want) {
				t.Errorf("%q, type %d: %q, want %q", name, rrtype, got, want)
			}
		}
	}
	if got, _ := zone.ask("\x06strict", dns.TypeNS); len(got) != 2 {
		t.Errorf("the nested zone: %q", got)
	}
}
