package mta

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
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
	zone map[string][]dnsmessage.Resource

	mu    sync.Mutex
	asked []string // "A mail.sender.example", in lower case
	names []string // as they were spelt
}

func newDNSServer(t testing.TB, zone string) *dnsServer {
	t.Helper()
	s := &dnsServer{t: t, zone: map[string][]dnsmessage.Resource{}}
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
	owner := dnsmessage.MustNewName(f[0] + ".")
	r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: 300}}
	switch f[1] {
	case "A":
		r.Body = &dnsmessage.AResource{A: netip.MustParseAddr(f[2]).As4()}
	case "AAAA":
		r.Body = &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(f[2]).As16()}
	case "PTR":
		r.Body = &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(f[2] + ".")}
	case "CNAME":
		r.Body = &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(f[2] + ".")}
	case "MX":
		r.Body = &dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName(strings.TrimSuffix(f[2], ".") + ".")}
	case "TXT":
		r.Body = &dnsmessage.TXTResource{TXT: f[2:]}
	case "-":
		s.zone[f[0]] = append(s.zone[f[0]], []dnsmessage.Resource{}...)
		return
	default:
		s.t.Fatalf("zone line %q", line)
	}
	s.zone[f[0]] = append(s.zone[f[0]], r)
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
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 || !m.RecursionDesired {
		s.t.Errorf("bad query %x: %v", query, err)
		return nil
	}
	q := m.Questions[0]
	name := fold(q.Name)
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimPrefix(q.Type.String(), "Type")+" "+name)
	s.names = append(s.names, q.Name.String())
	times := strings.Count(strings.Join(s.asked, "\n")+"\n", name+"\n")
	s.mu.Unlock()

	m.Response, m.RecursionAvailable = true, true
	s.resolve(&m, name, q.Type)
	kind, _, _ := strings.Cut(name, ".")
	switch kind {
	case "servfail":
		m.RCode, m.Answers = dnsmessage.RCodeServerFailure, nil
	case "refused":
		m.RCode, m.Answers = dnsmessage.RCodeRefused, nil
	case "formerr":
		m.RCode, m.Answers = dnsmessage.RCodeFormatError, nil
	case "silent":
		return nil
	case "deaf":
		if times == 1 {
			return nil
		}
	case "referral":
		m.RCode, m.RecursionAvailable, m.Answers = dnsmessage.RCodeSuccess, false, nil
	case "broken":
		packed := s.pack(m)
		return [][]byte{packed[:len(packed)-1]}
	case "forged":
		return append(s.forgeries(m), s.pack(m))
	case "big":
		if !tcp {
			m.Truncated, m.Answers = true, nil
		}
	}
	return [][]byte{s.pack(m)}
}

// resolve fills in what a recursive resolver would answer.
func (s *dnsServer) resolve(m *dnsmessage.Message, name string, kind dnsmessage.Type) {
	for range 30 {
		records, exists := s.zone[name]
		if !exists {
			m.RCode = dnsmessage.RCodeNameError
			return
		}
		alias := ""
		for _, r := range records {
			if c, ok := r.Body.(*dnsmessage.CNAMEResource); ok {
				alias = fold(c.CNAME)
			} else if bodyType(r.Body) != kind {
				continue
			}
			m.Answers = append(m.Answers, r)
		}
		if alias == "" {
			return
		}
		name = alias
	}
}

func bodyType(b dnsmessage.ResourceBody) dnsmessage.Type {
	switch b.(type) {
	case *dnsmessage.AResource:
		return dnsmessage.TypeA
	case *dnsmessage.AAAAResource:
		return dnsmessage.TypeAAAA
	case *dnsmessage.PTRResource:
		return dnsmessage.TypePTR
	case *dnsmessage.MXResource:
		return dnsmessage.TypeMX
	case *dnsmessage.TXTResource:
		return dnsmessage.TypeTXT
	}
	return 0
}

// forgeries are answers to other questions than ours, all of them giving 198.51.100.66.
func (s *dnsServer) forgeries(m dnsmessage.Message) [][]byte {
	wrong := dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 300},
		Body:   &dnsmessage.AResource{A: [4]byte{198, 51, 100, 66}},
	}
	m.Answers = []dnsmessage.Resource{wrong}
	id, name, kind := m, m, m
	id.ID++
	name.Questions = []dnsmessage.Question{{Name: dnsmessage.MustNewName("other.example."), Type: m.Questions[0].Type, Class: dnsmessage.ClassINET}}
	kind.Questions = []dnsmessage.Question{{Name: m.Questions[0].Name, Type: dnsmessage.TypeMX, Class: dnsmessage.ClassINET}}
	query := m
	query.Response = false
	none := m
	none.Questions = nil
	var packed [][]byte
	for _, one := range []dnsmessage.Message{id, name, kind, query, none} {
		packed = append(packed, s.pack(one))
	}
	return append(packed, nil, []byte("junk"))
}

func (s *dnsServer) pack(m dnsmessage.Message) []byte {
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
