package zone

import (
	"net"
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

func TestSerial(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		soa, err := dns.NewRR("bl.test. 60 SOA ns.bl.test. desk.bl.test. 8231 60 15 604800 60")
		if err != nil {
			t.Error(err)
		}
		switch q.Question[0].Name {
		case "bl.test.":
			m.Authoritative, m.Answer = true, []dns.RR{soa}
		case "lame.test.": // from a cache
			m.Answer = []dns.RR{soa}
		default:
			m.Rcode = dns.RcodeRefused
		}
		_ = w.WriteMsg(m)
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	at := netip.MustParseAddrPort(conn.LocalAddr().String())
	if serial, err := Serial(t.Context(), at, "bl.test"); serial != 8231 || err != nil {
		t.Errorf("%d, %v", serial, err)
	}
	for _, name := range []string{"lame.test", "other.test."} {
		if serial, err := Serial(t.Context(), at, name); err == nil {
			t.Errorf("%s: %d", name, serial)
		}
	}
}
