package zone

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
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
	var kept []listing.Entry
	for e := range old.List.Entries {
		kept = append(kept, e)
	}
	slices.SortFunc(kept, func(a, b listing.Entry) int { return a.Key.Compare(b.Key) })
	for n := range kept {
		c.List.Keep(&kept[n])
	}
	whole, err := r.server.Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := entriesOf(c.List), entriesOf(whole.List); !slices.Equal(got, want) {
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

func entriesOf(l *wildcard.Taken) (all []listing.Entry) {
	for e := range l.Entries {
		all = append(all, e)
	}
	return all
}

// A primary that sends rubbish, or stops, or signs nothing: all that comes of it is
// an error, soon.
func TestMirrorRefuses(t *testing.T) {
	soa := "bl.test. 300 IN SOA ns1.bl.test. hostmaster.bl.test. 7 60 15 604800 300"
	for name, c := range map[string]struct {
		records  string // of the transfer, | between messages
		mangle   func([]byte) []byte
		unsigned bool
		want     string
	}{
		"right":         {records: soa + "\n7.2.0.192.bl.test. 300 IN A 127.0.0.3\n" + soa},
		"in pieces":     {records: soa + "|7.2.0.192.bl.test. 300 IN A 127.0.0.3|" + soa},
		"stops":         {records: soa + "\n7.2.0.192.bl.test. 300 IN A 127.0.0.3", want: "stopped in the middle"},
		"no SOA":        {records: "7.2.0.192.bl.test. 300 IN A 127.0.0.3\n" + soa, want: "does not begin with an SOA"},
		"another end":   {records: soa + "\n7.2.0.192.bl.test. 300 IN A 127.0.0.3\n" + strings.Replace(soa, " 7 ", " 8 ", 1), want: "serial 8"},
		"more":          {records: soa + "\nbl.test. 300 IN NS ns1.bl.test.\n" + soa + "\nbl.test. 300 IN NS ns2.bl.test.", want: "more than the zone"},
		"other zone":    {records: soa + "\n7.2.0.192.xx.test. 300 IN A 127.0.0.3\n" + soa, want: "not in the zone"},
		"other name":    {records: soa + "\n5.19.198.bl.test. 300 IN A 127.0.0.3\n" + soa, want: "no whole address"},
		"other type":    {records: soa + "\n7.2.0.192.bl.test. 300 IN CNAME x.test.\n" + soa, want: "type CNAME: a list has A and TXT alone"},
		"other answer":  {records: soa + "\n7.2.0.192.bl.test. 300 IN A 127.0.1.3\n" + soa, want: "A 127.0.1.3"},
		"delegation":    {records: soa + "\nsub.bl.test. 300 IN NS ns1.bl.test.\n" + soa, want: "delegates sub.bl.test: serve that too"},
		"signed zone":   {records: soa + "\nbl.test. 300 IN DNSKEY 257 3 13 AAAA\n" + soa, want: "type DNSKEY"},
		"not signed":    {records: soa + "\nbl.test. 300 IN NS ns1.bl.test.\n" + soa, unsigned: true, want: "does not sign"},
		"changed after": {records: soa + "\nbl.test. 300 IN NS ns1.bl.test.\n" + soa, mangle: func(b []byte) []byte { b[30]++; return b }, want: "signature is not good"},
		"rubbish":       {records: soa + "\n" + soa, mangle: func([]byte) []byte { return []byte("GET / HTTP/1.1\r\n") }, want: "no message"},
		"refused":       {want: "REFUSED"},
	} {
		t.Run(name, func(t *testing.T) {
			address := fakePrimary(t, c.records, soa, c.mangle, c.unsigned)
			r := newServer(t, mirrorConfig(t, address), "")
			got, err := r.server.Take(t.Context(), nil)
			switch {
			case c.want == "" && (err != nil || got.List.Len() != 1):
				t.Errorf("%+v, %v", got, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// fakePrimary answers one transfer with the records, signed as it should be.
func fakePrimary(t *testing.T, records, soa string, mangle func([]byte) []byte, unsigned bool) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	secrets := map[string]string{keyName: keySecret}
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for messages := []string{soa}; ; messages = strings.Split(records, "|") {
			q, err := readMessage(conn)
			if err != nil {
				return
			}
			mac := q.IsTsig().MAC
			for n, text := range messages {
				m := new(dns.Msg).SetReply(q)
				m.Authoritative = true
				for line := range strings.Lines(text) {
					rr, _ := dns.NewRR(line)
					m.Answer = append(m.Answer, rr)
				}
				transfer := q.Question[0].Qtype == dns.TypeAXFR
				if records == "" {
					m.Rcode = dns.RcodeRefused
				}
				raw, _ := m.Pack()
				if !unsigned || !transfer {
					m.SetTsig(keyName, dns.HmacSHA256, 300, time.Now().Unix())
					raw, mac, _ = dns.TsigGenerate(m, secrets[keyName], mac, n > 0)
				}
				if mangle != nil && transfer {
					raw = mangle(raw)
				}
				_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...))
			}
			if q.Question[0].Qtype == dns.TypeAXFR {
				return
			}
		}
	}()
	return l.Addr().String()
}

func readMessage(conn net.Conn) (*dns.Msg, error) {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	raw := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, raw); err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	return m, errors.Join(m.Unpack(raw))
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

// What does not fit beside a primary is a mistake in the configuration.
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
