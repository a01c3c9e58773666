package resolve

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// dnsServer is a small DNS server on loopback. Its zone is text, a record a line:
//
//	mail.sender.example A 203.0.113.7
//
// A name without records does not exist; "-" as type makes it exist. What the first label says decides how it is answered:
// servfail, refused and formerr fail; silent does not answer, deaf not the first time; forged sends wrong answers before the right
// one; big answers over TCP only; referral refers; broken sends no DNS.
type dnsServer struct {
	t    testing.TB
	addr netip.AddrPort
	zone map[string][]dns.RR

	mu    sync.Mutex
	asked []string // "A mail.sender.example"
}

func newDNSServer(t testing.TB, zone string) *dnsServer {
	t.Helper()
	s := &dnsServer{t: t, zone: map[string][]dns.RR{}}
	for line := range strings.Lines(zone) {
		s.parse(line)
	}
	// UDP and TCP on the same port: another one is tried if it is taken for TCP.
	for range 20 {
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err != nil {
			udp.Close()
			continue
		}
		s.addr = netip.MustParseAddrPort(udp.LocalAddr().String())
		var running sync.WaitGroup
		running.Go(func() { s.serveUDP(udp) })
		running.Go(func() { s.serveTCP(tcp) })
		t.Cleanup(func() {
			udp.Close()
			tcp.Close()
			running.Wait()
		})
		return s
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil
}

func (s *dnsServer) parse(line string) {
	f := strings.Fields(line)
	if len(f) < 2 {
		return
	}
	if f[1] == "-" {
		s.zone[f[0]] = nil
		return
	}
	s.zone[f[0]] = append(s.zone[f[0]], s.record(f[0]+" 300 "+strings.Join(f[1:], " ")))
}

// record reads a record as in a zone file; names are absolute, with or without the last dot.
func (s *dnsServer) record(text string) dns.RR {
	text = strings.Replace(text, " MX ", " MX 10 ", 1)
	rr, err := dns.NewRR(text)
	if err != nil {
		s.t.Fatalf("record %q: %v", text, err)
	}
	return rr
}

func (s *dnsServer) serveUDP(conn net.PacketConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		for _, reply := range s.replies(buf[:n], false) {
			conn.WriteTo(reply, from)
		}
	}
}

func (s *dnsServer) serveTCP(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		var length [2]byte
		io.ReadFull(conn, length[:])
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		io.ReadFull(conn, query)
		for _, reply := range s.replies(query, true) {
			conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
		}
		conn.Close()
	}
}

// replies returns what is sent for one query.
func (s *dnsServer) replies(query []byte, tcp bool) [][]byte {
	m := new(dns.Msg)
	if err := m.Unpack(query); err != nil || len(m.Question) != 1 || !m.RecursionDesired {
		s.t.Errorf("bad query %x: %v", query, err)
		return nil
	}
	q := m.Question[0]
	name := strings.TrimSuffix(q.Name, ".")
	s.mu.Lock()
	s.asked = append(s.asked, dns.TypeToString[q.Qtype]+" "+name)
	times := strings.Count(strings.Join(s.asked, "\n")+"\n", name+"\n")
	s.mu.Unlock()

	m.Response, m.RecursionAvailable = true, true
	s.resolve(m, name, q.Qtype)
	kind, _, _ := strings.Cut(name, ".")
	switch kind {
	case "servfail":
		m.Rcode, m.Answer = dns.RcodeServerFailure, nil
	case "refused":
		m.Rcode, m.Answer = dns.RcodeRefused, nil
	case "formerr":
		m.Rcode, m.Answer = dns.RcodeFormatError, nil
	case "silent":
		return nil
	case "deaf":
		if times == 1 {
			return nil
		}
	case "referral":
		m.Rcode, m.RecursionAvailable, m.Answer = dns.RcodeSuccess, false, nil
	case "broken":
		packed := s.pack(m)
		return [][]byte{packed[:len(packed)-1]}
	case "forged":
		return append(s.forgeries(m), s.pack(m))
	case "big":
		if !tcp {
			m.Truncated, m.Answer = true, nil
		}
	}
	return [][]byte{s.pack(m)}
}

// resolve fills in what a recursive resolver would answer.
func (s *dnsServer) resolve(m *dns.Msg, name string, kind uint16) {
	for range 30 {
		records, exists := s.zone[name]
		if !exists {
			m.Rcode = dns.RcodeNameError
			return
		}
		alias := ""
		for _, rr := range records {
			if c, ok := rr.(*dns.CNAME); ok {
				alias = strings.TrimSuffix(c.Target, ".")
			} else if rr.Header().Rrtype != kind {
				continue
			}
			m.Answer = append(m.Answer, rr)
		}
		if alias == "" {
			return
		}
		name = alias
	}
}

// forgeries are answers to other questions than that of m, all of them giving 198.51.100.66.
func (s *dnsServer) forgeries(m *dns.Msg) [][]byte {
	q := m.Question[0]
	var packed [][]byte
	for _, forge := range []func(*dns.Msg){
		func(m *dns.Msg) { m.Id++ },
		func(m *dns.Msg) { m.Question[0].Name = "other.example." },
		func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeMX },
		func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
		func(m *dns.Msg) { m.Response = false },
		func(m *dns.Msg) { m.Question = nil },
		func(m *dns.Msg) { m.Question = append(m.Question, q) },
	} {
		forged := m.Copy()
		forged.Response, forged.RecursionAvailable = true, true
		forged.Answer = []dns.RR{s.record(q.Name + " 300 A 198.51.100.66")}
		forge(forged)
		packed = append(packed, s.pack(forged))
	}
	return append(packed, nil, []byte("junk"))
}

func (s *dnsServer) pack(m *dns.Msg) []byte {
	packed, err := m.Pack()
	if err != nil {
		s.t.Errorf("packing answer: %v", err)
	}
	return packed
}

// questions returns what was asked since the last call.
func (s *dnsServer) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}
