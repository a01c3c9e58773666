package main

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// rightReply is what a server should say to a query.
func rightReply(t testing.TB, query []byte, w want) dnsmessage.Message {
	t.Helper()
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		t.Fatal(err)
	}
	m.Response, m.Authoritative = true, true
	h := dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 300}
	switch {
	case w&wantListed == 0:
		m.RCode = dnsmessage.RCodeNameError
		zone := dnsmessage.MustNewName("bl.test.")
		h.Name = zone
		m.Authorities = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.SOAResource{NS: zone, MBox: zone}}}
	case w&wantTXT != 0:
		m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.TXTResource{TXT: []string{textPrefix + "192.0.2.7"}}}}
	default:
		m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, codeOctet}}}}
	}
	return m
}

func pack(t testing.TB, m dnsmessage.Message) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (ru rules) checkAll(q, reply []byte, w want) error {
	if err := ru.checkHead(q, reply, w); err != nil {
		return err
	}
	return ru.checkBody(q, reply, w)
}

var strict = rules{edns: true, text: textPrefix}

func TestRightAnswersPass(t *testing.T) {
	for _, w := range []want{0, wantListed, wantTXT, wantListed | wantTXT, wantEDNS, wantListed | wantEDNS} {
		q := onlyQuery(netip.MustParseAddr("192.0.2.7"), "bl.test", w).packet(0)
		if err := strict.checkAll(q, pack(t, rightReply(t, q, w)), w); err != nil {
			t.Errorf("want %b: %v", w, err)
		}
	}
}

func TestWrongAnswersAreNoticed(t *testing.T) {
	type message = dnsmessage.Message
	for _, c := range []struct {
		name  string
		want  want
		spoil func(*message)
		err   error
	}{
		{"listed but denied", wantListed, func(m *message) { m.RCode, m.Answers = 3, nil }, rcodeError{3, 0}},
		{"free but listed", 0, func(m *message) { m.RCode = 0 }, rcodeError{0, 3}},
		{"failure", 0, func(m *message) { m.RCode = 2 }, rcodeError{2, 3}},
		{"NODATA", wantListed, func(m *message) { m.Answers = nil }, errCount},
		{"answer twice", wantListed, func(m *message) { m.Answers = append(m.Answers, m.Answers[0]) }, errCount},
		{"answer in a denial", 0, func(m *message) { m.Answers = m.Authorities }, errCount},
		{"no question", wantListed, func(m *message) { m.Questions = nil }, errCount},
		{"a query", wantListed, func(m *message) { m.Response = false }, errHeader},
		{"truncated", wantListed, func(m *message) { m.Truncated = true }, errHeader},
		{"not authoritative", wantListed, func(m *message) { m.Authoritative = false }, errHeader},
		{"another name", wantListed, func(m *message) { m.Questions[0].Name = dnsmessage.MustNewName("8.2.0.192.bl.test.") }, errQuestion},
		{"another type", wantListed, func(m *message) { m.Questions[0].Type = dnsmessage.TypeTXT }, errQuestion},
		{"another code", wantListed, func(m *message) { m.Answers[0].Body = &dnsmessage.AResource{A: [4]byte{127, 0, 0, 2}} }, errContent},
		{"A for TXT", wantListed | wantTXT, func(m *message) { m.Answers[0].Body = &dnsmessage.AResource{A: [4]byte{127, 0, 0, codeOctet}} }, errContent},
		{"another text", wantListed | wantTXT, func(m *message) { m.Answers[0].Body = &dnsmessage.TXTResource{TXT: []string{"no"}} }, errContent},
		{"two strings", wantListed | wantTXT, func(m *message) {
			m.Answers[0].Body = &dnsmessage.TXTResource{TXT: []string{textPrefix, textPrefix}}
		}, errContent},
		{"no SOA", 0, func(m *message) { m.Authorities = nil }, errSOA},
		{"no OPT", wantEDNS, func(m *message) { m.Additionals = nil }, errOPT},
	} {
		q := onlyQuery(netip.MustParseAddr("192.0.2.7"), "bl.test", c.want).packet(0)
		m := rightReply(t, q, c.want)
		c.spoil(&m)
		if err := strict.checkAll(q, pack(t, m), c.want); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
	}
}

// No cut of a right reply passes or leads the checker out of its bytes.
func TestCutRepliesAreNoticed(t *testing.T) {
	for _, w := range []want{0, wantListed | wantTXT, wantListed | wantEDNS} {
		q := onlyQuery(netip.MustParseAddr("192.0.2.7"), "bl.test", w).packet(0)
		reply := pack(t, rightReply(t, q, w))
		for n := range reply {
			if strict.checkAll(q, reply[:n:n], w) == nil {
				t.Errorf("want %b: the first %d of %d octets pass", w, n, len(reply))
			}
		}
		if err := strict.checkAll(q, append(reply, 0), w); !errors.Is(err, errRecord) {
			t.Errorf("want %b: an octet too many: %v", w, err)
		}
	}
}

func TestEchoIsCompared(t *testing.T) {
	q := onlyQuery(netip.MustParseAddr("192.0.2.7"), "bl.test", wantListed).packet(0)
	echo, reply := rules{echo: true}, append([]byte(nil), q...)
	if err := echo.checkAll(q, reply, wantListed); err != nil {
		t.Error(err)
	}
	reply[len(reply)-1]++
	if err := echo.checkAll(q, reply, wantListed); !errors.Is(err, errEcho) {
		t.Errorf("a changed echo: %v", err)
	}
	if err := echo.checkAll(q, reply[:len(q)-1], wantListed); !errors.Is(err, errEcho) {
		t.Errorf("a cut echo: %v", err)
	}
}

// FuzzCheck: replies come from other programs; whatever they are, the checker stays within them.
func FuzzCheck(f *testing.F) {
	q := onlyQuery(netip.MustParseAddr("192.0.2.7"), "bl.test", wantListed|wantEDNS).packet(0)
	f.Add(pack(f, rightReply(f, q, wantListed|wantEDNS)), byte(wantListed|wantEDNS))
	f.Add([]byte{}, byte(0))
	f.Fuzz(func(t *testing.T, reply []byte, w byte) {
		w &= 7
		q := onlyQuery(netip.MustParseAddr("192.0.2.7"), "bl.test", want(w)).packet(0)
		err := strict.checkBody(q, reply, want(w)) // alone, as checkHead would keep most input from it
		if err == nil && len(reply) < headerLen {
			t.Errorf("%d octets pass", len(reply))
		}
	})
}
