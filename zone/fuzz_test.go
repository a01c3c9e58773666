package zone

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

// fuzzList has entries of all kinds near the names of the seeds.
const fuzzList = `
	192.0.2.7 helo-bare-ip
	192.0.2.7 helo-our-ip until=100
	198.51.100.0/24 network
	2001:db8::/33 manual text=own
	0.0.0.0/8 imported source=feed
`

// FuzzAnswer holds what must be true of the answer to any octets.
func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"bl.test.", "7.2.0.192.bl.test.", "8.2.0.192.strict.bl.test.", "2.0.0.127.bl.test.", "policy.bl.test.", "ns1.bl.test.",
		"2.0.192.bl.test.", "1.0.0.2.bl.test.", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test.", "example.test.", "."} {
		for _, kind := range []string{"A", "TXT", "ANY", "SOA", "AXFR"} {
			f.Add(pack(f, query(name, kind)), false)
			f.Add(ednsQuery(f, name, kind, 4096, 1<<15, &dns.EDNS0_NSID{Code: dns.EDNS0NSID}), true)
		}
	}
	f.Add(pack(f, query("version.bind.", "CH", "TXT")), false)
	c := config(f)
	c.NSID, c.Chaos.Version = "ns1", "1"
	b := newServer(f, c, fuzzList)
	f.Fuzz(func(t *testing.T, raw []byte, stream bool) {
		over := UDP
		if stream {
			over = TCP
		}
		if len(raw) > 1<<16-1 {
			return
		}
		got := b.answer(raw, over)
		if again := b.answer(raw, over); !bytes.Equal(got, again) {
			t.Fatalf("%x, then %x", got, again)
		}
		if silent := len(raw) < headerSize || raw[2]&flagQR != 0; (got == nil) != silent {
			t.Fatalf("answer %x", got)
		}
		if got == nil {
			return
		}
		checkAnswer(t, raw, got, over)
		before := []byte("before")
		if appended := b.server.Answer(before, raw, Peer{Over: over}); !bytes.Equal(appended[len(before):], got) {
			t.Fatalf("%x, appended %x", got, appended)
		}
	})
}

func checkAnswer(t *testing.T, raw, got []byte, over Transport) {
	if over == UDP && len(got) > ednsSize {
		t.Fatalf("%d octets over UDP", len(got))
	}
	if !bytes.Equal(raw[:2], got[:2]) || got[2]&flagQR == 0 || (raw[2]^got[2])&0x79 != 0 || got[3]&0xf0 != 0 {
		t.Fatalf("header %x for %x", got[:headerSize], raw[:headerSize])
	}
	a := new(dns.Msg)
	if err := a.Unpack(got); err != nil {
		t.Fatalf("%x: %v", got, err)
	}
	if len(a.Question) == 1 {
		end, ok := skipName(got, headerSize)
		if !ok || !bytes.Equal(raw[headerSize:end+4], got[headerSize:end+4]) {
			t.Fatalf("question of %x in %x", raw, got)
		}
	}
	opt := a.IsEdns0()
	if opt == nil && over == UDP && len(got) > plainSize {
		t.Fatalf("%d octets over UDP without EDNS", len(got))
	}
	if records := len(a.Answer) + len(a.Ns); a.Truncated && records > 0 || (!a.Authoritative && records > 0) {
		t.Fatalf("%v", a)
	}
	q := new(dns.Msg)
	understood := a.Rcode != dns.RcodeFormatError && a.Rcode != dns.RcodeNotImplemented
	if understood && q.Unpack(raw) == nil && (q.IsEdns0() == nil) != (opt == nil) {
		t.Fatalf("OPT in %v\nand in %v", q, a)
	}
}

// A name of an address answers as the library reads it, whichever zone it is
// in: the message path must not be fooled by its own reading of names.
func TestAnswersByLibrary(t *testing.T) {
	b := newServer(t, config(t), fuzzList)
	for text, rcode := range map[string]int{"192.0.2.7": 0, "192.0.2.8": 3, "198.51.100.255": 0, "0.1.2.3": 3, "2001:db8::1": 0, "2001:db8:8000::1": 3} {
		name, err := dns.ReverseAddr(text)
		if err != nil {
			t.Fatal(err)
		}
		labels := dns.SplitDomainName(name)
		q := query(dns.Fqdn(joinLabels(labels[:len(labels)-2])+"bl.test"), "A")
		if a := b.reply(q, UDP); a.Rcode != rcode {
			t.Errorf("%s: %v", netip.MustParseAddr(text), a)
		}
	}
}

func joinLabels(labels []string) (s string) {
	for _, l := range labels {
		s += l + "."
	}
	return s
}
