package zone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"dnsbld/listing"
	"dnsbld/listing/index"
	"dnsbld/listing/mirror"
	"dnsbld/listing/wildcard"
)

// mirrorConfig takes bl.test from an address.
func mirrorConfig(t testing.TB, address string) Config {
	c := transferConfig(t)
	c.Zones = []Zone{{Name: "bl.test", Page: "https://bl.example/", Primary: &Primary{Address: netip.MustParseAddrPort(address), Key: keyName}},
		{Name: "strict.bl.test", NS: c.Zones[1].NS, Page: "https://bl.example/", Reasons: []listing.Reason{3, 4, 5}}}
	return c
}

// replica is a server that took what a copy holds.
func replica(t testing.TB, address string, c *mirror.Copy) *bench {
	t.Helper()
	config := mirrorConfig(t, address)
	config.Zones[0].Taken = &Taken{SOA: c.SOA, TTL: c.TTL, Fixed: c.Fixed}
	r := newServer(t, config, "")
	var changes []listing.Change
	source := listing.Source{Name: "bl.test", Until: time.Unix(1<<32-2, 0)}
	changes = append(changes, listing.Change{Kind: listing.SourceChange, SourceAfter: &source})
	for e, err := range c.List.Entries {
		if err != nil {
			t.Fatal(err)
		}
		e.Source = source.Name
		changes = append(changes, listing.Change{Kind: listing.EntryChange, After: &e})
	}
	for n := range changes {
		changes[n].Revision, changes[n].Last = listing.Revision(c.Serial), n == len(changes)-1
	}
	s, err := index.NewSet().With(changes)
	if err != nil {
		t.Fatal(err)
	}
	r.live.Protect(nil)
	r.live.Publish(s)
	return r
}

// A mirror answers octet by octet as its primary: listed and other addresses, the
// zone's own name and what is below it, empty non-terminals, test points.
func TestMirrorAnswersAsPrimary(t *testing.T) {
	b := serve(t, transferConfig(t), `192.0.2.7 helo-bare-ip
192.0.2.9 helo-our-ip
198.19.0.0/16 network
198.19.5.0/25 manual
198.19.5.7 helo-bare-ip
2001:db8:4::/47 network
2001:db8:5::7 manual
2.6.0.0/24 manual
203.0.113.0/26 network
`)
	r := newServer(t, mirrorConfig(t, b.address()), "")
	c, err := r.server.Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r = replica(t, b.address(), c)
	names := []string{"", "policy.", "ns1.", "none.", "2.0.192.", "0.192.", "192.", "0.198.19.", "9.9.9.9.", "127.", "0.127.", "0.0.127.", "1.0.0.127.", "2.0.0.127.", "3.0.0.127.", "9.0.0.127.", "strict.", "8.b.d.0.1.0.0.2."}
	for _, a := range []string{"192.0.2.7", "192.0.2.8", "192.0.2.9", "198.19.5.7", "198.19.5.8", "198.19.5.200", "198.19.200.1", "198.20.0.1", "2.6.0.1", "2.6.1.1", "203.0.113.63", "203.0.113.64",
		"2001:db8:5::7", "2001:db8:5::8", "2001:db8:4::1", "2001:db8:6::1", "2600::1", "::ffff:127.0.0.2", "::ffff:192.0.2.7", "2002:c000:207::"} {
		n := reversed(netip.MustParseAddr(a), "bl.test")
		names = append(names, strings.TrimSuffix(n, "bl.test"), strings.TrimSuffix(strings.SplitN(n, ".", 3)[2], "bl.test"))
	}
	for _, zone := range []string{"bl.test.", "strict.bl.test."} {
		for _, name := range names {
			for _, qtype := range []uint16{dns.TypeA, dns.TypeTXT, dns.TypeSOA, dns.TypeNS, dns.TypeMX, dns.TypeAAAA, dns.TypeANY} {
				if zone != "bl.test." && name == "" {
					continue // its own name is this server's to configure
				}
				q := new(dns.Msg).SetQuestion(name+zone, qtype)
				want, got := ask(t, b, q), ask(t, r, q)
				if strings.HasSuffix(name, ".6.2.") { // in doubt a name exists: there is a wildcard for both families above
					want = strings.ReplaceAll(want, "NXDOMAIN", "NOERROR")
					got = strings.ReplaceAll(got, "NXDOMAIN", "NOERROR")
				}
				if got != want {
					t.Errorf("%s%s %s:\n%s\nwant\n%s", name, zone, dns.TypeToString[qtype], got, want)
				}
			}
		}
	}
}

// ask is what a server answers, its records in order.
func ask(t *testing.T, b *bench, q *dns.Msg) string {
	t.Helper()
	raw, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	var m dns.Msg
	if err := m.Unpack(b.server.Answer(nil, raw, Peer{Addr: netip.MustParseAddrPort("192.0.2.1:5353"), Over: TCP})); err != nil {
		t.Fatal(err)
	}
	return m.String()
}

// An IXFR, laid over what was taken before, is what is taken whole.
func TestMirrorTakesChanges(t *testing.T) {
	b := serve(t, transferConfig(t), "198.19.0.0/16 network\n192.0.2.7 manual\n")
	r := newServer(t, mirrorConfig(t, b.address()), "")
	old, err := r.server.Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	log := changeLog{{Kind: listing.ConfigChange, Revision: 4711, Last: true}}
	for _, line := range []string{"192.0.2.7 manual", "192.0.2.8 manual", "198.19.5.7 helo-bare-ip"} {
		c, _ := change(t, strings.Fields(line))
		if c.Revision = 4712; line == "192.0.2.7 manual" {
			c.Before, c.After = c.After, nil
		}
		log = append(log, c)
	}
	log[len(log)-1].Last = true
	next, err := b.live.Set().With(log[1:])
	if err != nil {
		t.Fatal(err)
	}
	b.server.Follow(log)
	b.live.Publish(next)
	c, err := r.server.Take(t.Context(), &old.Serial)
	if err != nil || c.Form != mirror.Changed {
		t.Fatalf("%+v, %v", c, err)
	}
	whole, err := r.server.Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := laidOver(old.List, c.List), byKey(whole.List); !maps.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	if again, err := r.server.Take(t.Context(), &whole.Serial); err != nil || again.Form != mirror.Current {
		t.Errorf("%+v, %v", again, err)
	}
	ahead := whole.Serial + 1
	if _, err := r.server.Take(t.Context(), &ahead); err == nil || !strings.Contains(err.Error(), "went back") {
		t.Errorf("a primary that went back: %v", err)
	}
}

func byKey(l *wildcard.Taken) map[listing.Key]listing.Entry {
	all := map[listing.Key]listing.Entry{}
	for e := range l.Entries {
		all[e.Key] = e
	}
	return all
}

// laidOver is a list with what an IXFR changes of it.
func laidOver(old, changes *wildcard.Taken) map[listing.Key]listing.Entry {
	all := byKey(old)
	kept := slices.SortedFunc(maps.Values(all), func(a, b listing.Entry) int { return a.Key.Compare(b.Key) })
	here := func(s listing.Subject) iter.Seq2[listing.Entry, error] {
		return func(yield func(listing.Entry, error) bool) {
			for _, e := range kept {
				if s.Contains(e.Subject.Addr()) && s.Bits() <= e.Subject.Bits() && !yield(e, nil) {
					return
				}
			}
		}
	}
	for e := range changes.Over(here) {
		if all[e.Key] = e; !e.Until.IsZero() {
			delete(all, e.Key)
		}
	}
	return all
}

const takenSOA = "bl.test. 300 IN SOA ns1.bl.test. hostmaster.bl.test. 7 60 15 604800 300"

// A primary that sends rubbish, or stops, or signs nothing: all that comes of it is
// an error, soon.
func TestMirrorRefuses(t *testing.T) {
	const soa, host = takenSOA, "7.2.0.192.bl.test. 300 IN A 127.0.0.3"
	txt := func(n int) (lines string) {
		for i := range n {
			lines += fmt.Sprintf("\n7.2.0.192.bl.test. 300 IN TXT \"%d\"", i)
		}
		return lines
	}
	everyThird := func(n int) bool { return n%3 > 0 }
	all := func(between int) func(int) bool { return func(n int) bool { return n > 0 && n <= between } }
	for name, c := range map[string]struct {
		records  string // of the transfer, | between messages
		mangle   func(n int, raw []byte) []byte
		unsigned func(n int) bool
		want     string
	}{
		"right":         {records: soa + "\n" + host + "\n" + soa},
		"in pieces":     {records: soa + "|" + host + "|" + soa},
		"stops":         {records: soa + "\n" + host, want: "stopped in the middle"},
		"no SOA":        {records: host + "\n" + soa, want: "does not begin with an SOA"},
		"another end":   {records: soa + "\n" + host + "\n" + strings.Replace(soa, " 7 ", " 8 ", 1), want: "serial 8"},
		"more":          {records: soa + "\nbl.test. 300 IN NS ns1.bl.test.\n" + soa + "\nbl.test. 300 IN NS ns2.bl.test.", want: "more than the zone"},
		"other zone":    {records: soa + "\n7.2.0.192.xx.test. 300 IN A 127.0.0.3\n" + soa, want: "not in the zone"},
		"other name":    {records: soa + "\n5.19.198.bl.test. 300 IN A 127.0.0.3\n" + soa, want: "no whole address"},
		"other type":    {records: soa + "\n7.2.0.192.bl.test. 300 IN CNAME x.test.\n" + soa, want: "type CNAME: a list has A and TXT alone"},
		"other answer":  {records: soa + "\n7.2.0.192.bl.test. 300 IN A 127.0.1.3\n" + soa, want: "A 127.0.1.3"},
		"delegation":    {records: soa + "\nsub.bl.test. 300 IN NS ns1.bl.test.\n" + soa, want: "delegates sub.bl.test: serve that too"},
		"signed zone":   {records: soa + "\nbl.test. 300 IN DNSKEY 257 3 13 AAAA\n" + soa, want: "type DNSKEY"},
		"many answers":  {records: soa + strings.Repeat("\n"+host, 254) + "\n" + soa, want: "more than 253 records of one type"},
		"many texts":    {records: soa + txt(254) + "\n" + soa, want: "more than 253 records of one type"},
		"not signed":    {records: soa + "\nbl.test. 300 IN NS ns1.bl.test.\n" + soa, unsigned: func(int) bool { return true }, want: "does not sign its answer"},
		"changed after": {records: soa + "\nbl.test. 300 IN NS ns1.bl.test.\n" + soa, mangle: func(_ int, b []byte) []byte { b[30]++; return b }, want: "signature is not good"},
		"rubbish":       {records: soa + "\n" + soa, mangle: func(int, []byte) []byte { return []byte("GET / HTTP/1.1\r\n") }, want: "no message"},
		"refused":       {want: "REFUSED"},

		"signed now and then":   {records: soa + strings.Repeat("|"+host, 5) + "|" + soa, unsigned: everyThird},
		"changed between":       {records: soa + strings.Repeat("|"+host, 5) + "|" + soa, unsigned: everyThird, mangle: spoiled(4), want: "signature is not good"},
		"the end is not signed": {records: soa + strings.Repeat("|"+host, 4) + "|" + soa, unsigned: everyThird, want: "does not sign the end"},
		"99 are not signed":     {records: soa + strings.Repeat("|"+host, 99) + "|" + soa, unsigned: all(99)},
		"100 are not signed":    {records: soa + strings.Repeat("|"+host, 100) + "|" + soa, unsigned: all(100), want: "does not sign its answer"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &fakePrimary{whole: c.records, mangle: c.mangle, unsigned: c.unsigned}
			r := newServer(t, mirrorConfig(t, p.start(t)), "")
			got, err := r.server.Take(t.Context(), nil)
			if !strings.Contains(fmt.Sprint(err), cmp.Or(c.want, "<nil>")) || err == nil && got.List.Len() != 1 {
				t.Errorf("%+v, %v, want %q", got, err, c.want)
			}
		})
	}
}

// spoiled makes the last octet of a message another, which is that of its last record.
func spoiled(message int) func(int, []byte) []byte {
	return func(n int, raw []byte) []byte {
		if n == message {
			raw[len(raw)-1]++
		}
		return raw
	}
}

// Of an IXFR that is not in order nothing is taken: the mirror asks for the whole
// zone, on another connection. Where that fails too it says what was wrong with both.
func TestMirrorRefusesChanges(t *testing.T) {
	soa := func(serial string) string { return strings.Replace(takenSOA, " 7 ", " "+serial+" ", 1) + "\n" }
	const apex = "bl.test. 300 IN NS ns%d.bl.test.\n"
	ns1, ns2, ns3 := fmt.Sprintf(apex, 1), fmt.Sprintf(apex, 2), fmt.Sprintf(apex, 3)
	for name, c := range map[string]struct{ records, want string }{
		"right":            {records: soa("7") + soa("5") + ns1 + soa("6") + ns2 + soa("6") + ns2 + soa("7") + ns3 + soa("7")},
		"in pieces":        {records: soa("7") + "|" + soa("5") + "|" + ns1 + "|" + soa("6") + ns2 + soa("6") + "|" + ns2 + soa("7") + ns3 + "|" + soa("7")},
		"another start":    {records: soa("7") + soa("4") + ns1 + soa("7") + ns3 + soa("7"), want: "serial 4 where that is not to be"},
		"does not chain":   {records: soa("7") + soa("5") + ns1 + soa("6") + ns2 + soa("4") + ns2 + soa("7") + ns3 + soa("7"), want: "serial 4 where that is not to be"},
		"ends in removed":  {records: soa("7") + soa("5") + ns1, want: "stopped in the middle"},
		"ends too early":   {records: soa("7") + soa("5") + ns1 + soa("6") + ns2 + soa("7"), want: "serial 7 where that is not to be"},
		"SOA alone":        {records: soa("7"), want: "stopped in the middle"},
		"more than it was": {records: soa("7") + soa("5") + ns1 + soa("7") + ns3 + soa("7") + ns1, want: "more than the zone"},
		"refused":          {want: "REFUSED"},
	} {
		t.Run(name, func(t *testing.T) {
			whole := soa("7") + ns3 + "7.2.0.192.bl.test. 300 IN A 127.0.0.3\n" + soa("7")
			have := uint32(5)
			p := &fakePrimary{changes: c.records, whole: whole}
			got, err := newServer(t, mirrorConfig(t, p.start(t)), "").server.Take(t.Context(), &have)
			form, connections := mirror.Whole, 2
			if c.want == "" {
				form, connections = mirror.Changed, 1
			}
			if err != nil || got.Form != form || p.asked() != connections || !slices.Equal(got.Fixed, []string{strings.ReplaceAll(strings.TrimSpace(ns3), " ", "\t")}) {
				t.Fatalf("%+v, %v, on %d connections", got, err, p.asked())
			}
			if c.want == "" {
				return
			}
			p = &fakePrimary{changes: c.records, whole: soa("7") + soa("8")}
			_, err = newServer(t, mirrorConfig(t, p.start(t)), "").server.Take(t.Context(), &have)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "serial 8 where") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// A mirror that is told to end stops in the middle of whatever it takes, and asks for
// nothing more.
func TestMirrorEnds(t *testing.T) {
	for name, connections := range map[string]int{"what changed": 1, "the whole": 2} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p := &fakePrimary{whole: takenSOA, hold: true}
			if connections == 1 {
				p.changes = takenSOA
			}
			p.mangle = func(_ int, raw []byte) []byte {
				if p.asked() == connections {
					cancel()
				}
				return raw
			}
			have := uint32(5)
			got, err := newServer(t, mirrorConfig(t, p.start(t)), "").server.Take(ctx, &have)
			if !errors.Is(err, context.Canceled) || p.asked() != connections {
				t.Errorf("%+v, %v, on %d connections", got, err, p.asked())
			}
		})
	}
}

// A mirror takes NOTIFY from its primary, and from nobody else.
func TestMirrorNotified(t *testing.T) {
	r := newServer(t, mirrorConfig(t, "192.0.2.53:53"), "")
	notify := func(zone, from string) int {
		raw, err := new(dns.Msg).SetNotify(zone).Pack()
		if err != nil {
			t.Fatal(err)
		}
		var m dns.Msg
		if err := m.Unpack(r.server.Answer(nil, raw, Peer{Addr: netip.MustParseAddrPort(from), Over: UDP})); err != nil {
			t.Fatal(err)
		}
		return m.Rcode
	}
	for _, c := range []struct {
		zone, from string
		rcode      int
	}{{"bl.test.", "192.0.2.54:53", dns.RcodeNotImplemented}, {"strict.bl.test.", "192.0.2.53:53", dns.RcodeNotImplemented}, {"BL.test.", "192.0.2.53:4711", dns.RcodeSuccess}} {
		if got := notify(c.zone, c.from); got != c.rcode {
			t.Errorf("NOTIFY of %s from %s: %s", c.zone, c.from, dns.RcodeToString[got])
		}
		select {
		case <-r.server.Notified():
			if c.rcode != dns.RcodeSuccess {
				t.Errorf("%s was heard", c.from)
			}
		default:
			if c.rcode == dns.RcodeSuccess {
				t.Errorf("%s was not heard", c.from)
			}
		}
	}
}

// A setting that does not fit beside a primary is a mistake in the configuration.
func TestMirrorConfiguration(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"gives no transfers":               func(c *Config) { c.Zones[1].TransferKey = keyName },
		"come from there: leave them out":  func(c *Config) { c.Zones[0].Policy = "text" },
		"there is no [[key]]":              func(c *Config) { c.Zones[0].Primary.Key = "none.test" },
		"one zone has a primary already":   func(c *Config) { c.Zones[1].Primary = c.Zones[0].Primary },
		"is no address to ask":             func(c *Config) { c.Zones[0].Primary.Address = netip.AddrPort{} },
		"has no SOA record":                func(c *Config) { c.Zones[0].Taken = &Taken{SOA: "rubbish"} },
		"what was taken has no record in ": func(c *Config) { c.Zones[0].Taken = &Taken{SOA: ". SOA . . 1 1 1 1 1", Fixed: []string{"x"}} },
	} {
		c := mirrorConfig(t, "192.0.2.53:53")
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
