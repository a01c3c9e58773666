package zone

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// fakePrimary answers transfers with records, signed as it should be.
type fakePrimary struct {
	whole, changes string                         // records of AXFR and IXFR, | between messages; none: it refuses
	mangle         func(n int, raw []byte) []byte // makes messages of a transfer others
	unsigned       func(n int) bool               // which messages of a transfer are not signed
	hold           bool                           // it leaves a connection open after a transfer
	connections    atomic.Int32
}

func (p *fakePrimary) asked() int { return int(p.connections.Load()) }

func (p *fakePrimary) start(t *testing.T) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var at sync.WaitGroup
	t.Cleanup(func() { l.Close(); at.Wait() })
	at.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.connections.Add(1)
			at.Go(func() { p.serve(t, conn.(*net.TCPConn)) })
		}
	})
	return l.Addr().String()
}

// serve answers until the mirror closes the connection, which it has to.
func (p *fakePrimary) serve(t *testing.T, conn *net.TCPConn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	for {
		q, err := readMessage(conn)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			t.Error("the mirror left a connection open")
			fallthrough
		case err != nil:
			return
		}
		p.answer(conn, q)
		if q.Question[0].Qtype != dns.TypeSOA && !p.hold {
			_ = conn.CloseWrite()
		}
	}
}

func (p *fakePrimary) answer(conn net.Conn, q *dns.Msg) {
	records := map[uint16]string{dns.TypeSOA: takenSOA, dns.TypeAXFR: p.whole, dns.TypeIXFR: p.changes}[q.Question[0].Qtype]
	transfer := q.Question[0].Qtype != dns.TypeSOA
	mac, since := q.IsTsig().MAC, []byte(nil)
	for n, text := range strings.Split(records, "|") {
		m := new(dns.Msg).SetReply(q)
		m.Authoritative = true
		for line := range strings.Lines(text) {
			rr, _ := dns.NewRR(line)
			m.Answer = append(m.Answer, rr)
		}
		if records == "" {
			m.Rcode = dns.RcodeRefused
		}
		var raw []byte
		switch {
		case transfer && p.unsigned != nil && p.unsigned(n):
			raw, _ = m.Pack()
			since = append(since, raw...)
		case n == 0:
			m.SetTsig(keyName, dns.HmacSHA256, 300, time.Now().Unix())
			raw, mac, _ = dns.TsigGenerate(m, keySecret, mac, false)
		default:
			raw, mac = signedAfter(m, mac, since)
			since = nil
		}
		if p.mangle != nil && transfer {
			raw = p.mangle(n, raw)
		}
		_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...))
	}
}

// signedAfter signs a later message of a stream: over the signature before, the
// messages since, itself and the time (RFC 8945, section 5.3.1).
func signedAfter(m *dns.Msg, mac string, since []byte) (raw []byte, next string) {
	raw, _ = m.Pack()
	before, _ := hex.DecodeString(mac)
	secret, _ := base64.StdEncoding.DecodeString(keySecret)
	now := time.Now().Unix()
	h := hmac.New(sha256.New, secret)
	h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(before))))
	h.Write(slices.Concat(before, since, raw))
	h.Write(binary.BigEndian.AppendUint16(appendTime(nil, uint64(now)), 300))
	m.SetTsig(keyName, dns.HmacSHA256, 300, now)
	t := m.IsTsig()
	t.MAC, t.MACSize, t.OrigId = hex.EncodeToString(h.Sum(nil)), uint16(h.Size()), m.Id
	raw, _ = m.Pack()
	return raw, t.MAC
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
