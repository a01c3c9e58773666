package zone

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// secondaryServer notes what it is told, and does not answer the first one.
func secondaryServer(t *testing.T) (at netip.AddrPort, heard <-chan *dns.Msg) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	all := make(chan *dns.Msg, 100)
	var first sync.Once // is not answered
	server := &dns.Server{PacketConn: conn, TsigSecret: map[string]string{keyName: keySecret}, MsgAcceptFunc: func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept },
		Handler: dns.HandlerFunc(func(w dns.ResponseWriter, m *dns.Msg) {
			if w.TsigStatus() != nil || m.IsTsig() == nil {
				t.Errorf("%v: %v", m, w.TsigStatus())
			}
			all <- m
			deaf := false
			if first.Do(func() { deaf = true }); deaf {
				return
			}
			a := new(dns.Msg).SetReply(m)
			a.Authoritative = true
			a.SetTsig(keyName, dns.HmacSHA256, 300, time.Now().Unix())
			_ = w.WriteMsg(a)
		})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	return netip.MustParseAddrPort(conn.LocalAddr().String()), all
}

// X2: secondaries are told after a start and of each change, and again until
// they answer; a burst is told once.
func TestNotify(t *testing.T) {
	at, heard := secondaryServer(t)
	c := transferConfig(t)
	c.Zones[0].Notify = []netip.AddrPort{at}
	b := serve(t, c, "")
	next := func(within time.Duration) *dns.Msg {
		select {
		case m := <-heard:
			return m
		case <-time.After(within):
			return nil
		}
	}
	told := 0
	tell := func() {
		t.Helper()
		m := next(time.Minute)
		if told++; m == nil || m.Opcode != dns.OpcodeNotify || m.Question[0].Name != "bl.test." || m.Answer[0].(*dns.SOA).Serial != 4711 {
			t.Fatalf("%d: %v", told, m)
		}
	}
	tell()
	tell()
	failures := 0
	b.eventually("its answer has come", func() bool {
		all := b.server.Secondaries("bl.test")
		if len(all) != 1 || all[0].Answered.IsZero() {
			return false
		}
		failures = int(all[0].Failures)
		return true
	})
	for told < failures+1 { // sent again, since an answer took long
		tell()
	}
	if m := next(2 * time.Second); m != nil {
		t.Errorf("told again of what it knows: %v", m)
	}
	for n := range 5 {
		s, err := b.live.Set().With(revised(t, uint32(5000+n), "192.0.2.7 helo-bare-ip"))
		if err != nil {
			t.Fatal(err)
		}
		b.live.Publish(s)
	}
	told = 1 // of the last, and before perhaps of one in the midst of the burst
	for m := next(time.Minute); m == nil || m.Answer[0].(*dns.SOA).Serial != 5004; m = next(time.Minute) {
		if told++; m == nil || told > 3 {
			t.Fatalf("after a burst: %v, at the time %d", m, told)
		}
	}
}

// A secondary is told from an address at which it knows the server.
func TestNotifySource(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.1:53") // the system would come from there
	for _, c := range []struct{ ours, want string }{
		{"127.0.0.1", ""}, {"0.0.0.0", ""}, {"::", ""}, {"127.0.0.2", "127.0.0.2:0"}, {"127.0.0.2 127.0.0.1", ""}, {"192.0.2.53 127.0.0.3 127.0.0.2", "127.0.0.3:0"},
		{"192.0.2.53", ""}, {"::1", ""}, {"", ""},
	} {
		var ours []netip.Addr
		for text := range strings.FieldsSeq(c.ours) {
			ours = append(ours, netip.MustParseAddr(text))
		}
		got := ""
		if from := sourceFor(at, ours); from != nil {
			got = from.String()
		}
		if got != c.want {
			t.Errorf("of %q: %q, want %q", c.ours, got, c.want)
		}
	}
}

// X5: a catalog of all other zones.
func TestX5(t *testing.T) {
	c := transferConfig(t)
	c.Zones = append(c.Zones, Zone{Name: "catalog.test", Catalog: true, TransferKey: "secondaries.bl.test"})
	b := serve(t, c, "192.0.2.7 helo-bare-ip")
	all, _, err := b.pull(axfr("catalog.test."), keySecret)
	if err != nil {
		t.Fatal(err)
	}
	var members []string
	for _, rr := range all {
		switch rr := rr.(type) {
		case *dns.PTR:
			members = append(members, rr.Ptr)
		case *dns.TXT:
			if rr.Hdr.Name != "version.catalog.test." || rr.Txt[0] != "2" {
				t.Error(rr)
			}
		}
	}
	if !slices.Equal(members, []string{"bl.test.", "strict.bl.test."}) && !slices.Equal(members, []string{"strict.bl.test.", "bl.test."}) {
		t.Errorf("%v", all)
	}
	if a := b.reply(query("7.2.0.192.catalog.test.", "A"), UDP); a.Rcode != dns.RcodeNameError {
		t.Errorf("a catalog lists: %v", a)
	}
	before := all[0].(*dns.SOA).Serial
	if err := b.server.Configure(c); err != nil {
		t.Fatal(err)
	}
	if a := b.reply(query("catalog.test.", "SOA"), UDP); a.Answer[0].(*dns.SOA).Serial <= before {
		t.Errorf("%v, after serial %d", a, before)
	}
}
