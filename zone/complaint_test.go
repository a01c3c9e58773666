package zone

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Whoever cannot have a zone reads why in the log, once a minute.
func TestComplaints(t *testing.T) {
	c := transferConfig(t)
	c.Zones[1].TransferFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.99/32")}
	b := newServer(t, c, "")
	var log bytes.Buffer
	b.server.Report(slog.New(slog.NewTextHandler(&log, nil)))
	signed := func(zone, key, secret string, at time.Time) []byte {
		m := axfr(zone)
		m.SetTsig(key, dns.HmacSHA256, 300, at.Unix())
		raw, _, err := dns.TsigGenerate(m, secret, "", false)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	from := 0
	ask := func(raw []byte, over Transport) string {
		log.Reset()
		b.server.Answer(nil, raw, Peer{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(from)}), 4000), Over: over})
		return log.String()
	}
	now := time.Now()
	for want, raw := range map[string][]byte{
		"zone=bl.test. secondary=192.0.2.0 because=\"the question is not signed\"":                     pack(t, axfr("bl.test.")),
		"the signature is not good: BADSIG\"":                                                          signed("bl.test.", keyName, otherSecret, now),
		"the signature is not good: BADKEY\"":                                                          signed("bl.test.", "none.test.", keySecret, now),
		"the signature is not good: BADTIME\"":                                                         signed("bl.test.", keyName, keySecret, now.Add(-time.Hour)),
		"zone=strict.bl.test. secondary=192.0.2.0 because=\"transfer_from does not have the address\"": pack(t, axfr("strict.bl.test.")),
		"it is no zone of ours":                                                                        pack(t, axfr("other.test.")),
	} {
		from++
		got := ask(raw, TCP)
		if !strings.Contains(got, "level=WARN msg=\"zone transfer refused\"") || !strings.Contains(got, strings.ReplaceAll(want, "192.0.2.0", netip.AddrFrom4([4]byte{192, 0, 2, byte(from)}).String())) {
			t.Errorf("%s: %s", want, got)
		}
		if again := ask(raw, TCP); again != "" {
			t.Errorf("said again: %s", again)
		}
	}
	from++
	if got := ask(pack(t, query("7.2.0.192.bl.test.", "A")), TCP); got != "" {
		t.Errorf("a question: %s", got)
	}
}

func TestComplaintsAreFew(t *testing.T) {
	var c complaints
	now, said := time.Now(), 0
	for n := range 1000 {
		if c.isDue(netip.AddrFrom4([4]byte{192, 0, byte(n >> 8), byte(n)}), now) {
			said++
		}
	}
	if said != mostComplaints || len(c.last) > mostComplaints {
		t.Errorf("%d lines, %d kept", said, len(c.last))
	}
	a := netip.MustParseAddr("192.0.0.7")
	if c.isDue(a, now.Add(complaintEvery-1)) || !c.isDue(a, now.Add(complaintEvery)) {
		t.Error("not a line a minute")
	}
}
