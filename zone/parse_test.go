package zone

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// Both paths of answering share one parser of queries. These tests hold it
// against the library's, which reads messages by itself.

// fataler is a test, or a property under test.
type fataler interface{ Fatalf(string, ...any) }

// FuzzParse reads any octets with both parsers.
func FuzzParse(f *testing.F) {
	for _, q := range parseSeeds(f) {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) >= headerSize && len(raw) <= tcpSize {
			checkParse(t, raw)
		}
	})
}

func parseSeeds(t testing.TB) [][]byte {
	record := func(text string) dns.RR {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		return rr
	}
	full := query("7.2.0.192.Bl.Test.", "TXT")
	full.Answer = []dns.RR{record("7.2.0.192.bl.test. 60 A 127.0.0.2"), record("a.bl.test. 60 TYPE65280 \\# 0")}
	full.Ns = []dns.RR{record("bl.test. 60 SOA ns.bl.test. desk.bl.test. 1 2 3 4 5")}
	full.SetEdns0(4096, true)
	full.Compress = true
	two := query("bl.test.", "A")
	two.Question = append(two.Question, two.Question[0])
	two.Compress = true
	update := query("bl.test.", "SOA")
	update.Opcode = dns.OpcodeUpdate
	options := []dns.EDNS0{&dns.EDNS0_NSID{Code: dns.EDNS0NSID}, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "2464c4abcf10c957"},
		&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE, Timeout: 7}, &dns.EDNS0_PADDING{Padding: make([]byte, 9)}}
	long := strings.Repeat(strings.Repeat("l", 63)+".", 3) + strings.Repeat("l", 61) + "."
	seeds := [][]byte{pack(t, full), pack(t, two), pack(t, update), pack(t, query(long, "A")), pack(t, query(".", "NS")), pack(t, query(`\000\.\255\092.bl.test.`, "MX"))}
	for n := range 1 << len(options) {
		var some []dns.EDNS0
		for k, o := range options {
			if n>>k&1 == 1 {
				some = append(some, o)
			}
		}
		seeds = append(seeds, ednsQuery(t, "1.2.0.192.bl.test.", "A", uint16(n*300), uint32(n&1)<<15|uint32(n&2)<<15, some...))
	}
	return seeds
}

// TestParse reads queries that the library wrote, whole and damaged.
func TestParse(t *testing.T) {
	seeds := parseSeeds(t)
	rapid.Check(t, func(t *rapid.T) {
		raw := bytes.Clone(rapid.SampledFrom(seeds).Draw(t, "query"))
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(raw)-1).Draw(t, "at")
			switch rapid.IntRange(0, 3).Draw(t, "how") {
			case 0:
				raw[at] = rapid.Byte().Draw(t, "octet")
			case 1:
				raw = raw[:max(at, headerSize)]
			case 2:
				raw = append(raw, rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "more")...)
			case 3: // what stands behind moves
				raw = append(raw[:at:at], append(rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "between"), raw[at:]...)...)
			}
		}
		checkParse(t, raw)
	})
}

// checkParse holds what both parsers must say of one message.
func checkParse(t fataler, raw []byte) {
	var r request
	r.read(raw)
	var m dns.Msg
	known := m.Unpack(raw) == nil && complete(&m, raw)
	if known && !r.legible && !pointed(raw, len(m.Question)) {
		t.Fatalf("%x is not legible, and is\n%v", raw, &m)
	}
	if got := int(raw[2] >> 3 & 0xf); r.opcode() != got || r.questions != int(binary.BigEndian.Uint16(raw[4:])) {
		t.Fatalf("%x: opcode %d, %d questions", raw, r.opcode(), r.questions)
	}
	if !r.legible {
		if r.opt.present {
			t.Fatalf("%x is not legible, and has OPT %+v", raw, r.opt)
		}
		return
	}
	if r.questions == 1 {
		checkQuestion(t, raw, &r)
	}
	if known {
		checkOPT(t, raw, &r, &m)
	}
}

// complete reports whether the library read what the header promises: of a
// message that ends too early it keeps what there is.
func complete(m *dns.Msg, raw []byte) bool {
	for n, got := range []int{len(m.Question), len(m.Answer), len(m.Ns), len(m.Extra)} {
		if int(binary.BigEndian.Uint16(raw[4+2*n:])) != got {
			return false
		}
	}
	off := headerSize
	for range m.Question {
		_, end, err := dns.UnpackDomainName(raw, off)
		if off = end + 4; err != nil || off > len(raw) {
			return false // it ends within type and class
		}
	}
	return true
}

// pointed reports whether the name of a single question is compressed. There
// is nothing before it that it could point to, so we do not read such ones.
func pointed(raw []byte, questions int) bool {
	off := headerSize
	for questions == 1 && raw[off] != 0 && raw[off] < 0xc0 {
		off += 1 + int(raw[off])
	}
	return raw[off] >= 0xc0
}

// checkQuestion has the library read a message of the question alone.
func checkQuestion(t fataler, raw []byte, r *request) {
	alone := append([]byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, raw[headerSize:r.end]...)
	var m dns.Msg
	if err := m.Unpack(alone); err != nil || len(m.Question) != 1 {
		t.Fatalf("%x: question %x: %v", raw, raw[headerSize:r.end], err)
	}
	q := m.Question[0]
	lower := make([]byte, 2*maxName)
	end, err := dns.PackDomainName(strings.ToLower(q.Name), lower, 0, nil, false)
	if err != nil || !bytes.Equal(lower[:end], r.name.from(0)) || q.Qtype != r.qtype || q.Qclass != r.qclass {
		t.Fatalf("%x: read %x, type %d, class %d\nwant %x, type %d, class %d (%v)", raw, r.name.from(0), r.qtype, r.qclass, lower[:end], q.Qtype, q.Qclass, err)
	}
	if labels := dns.CountLabel(q.Name); labels != r.name.labels {
		t.Fatalf("%s: %d labels, want %d", q.Name, r.name.labels, labels)
	}
}

// checkOPT compares all that an answer depends on of OPT (RFC 6891), if there
// is one and where it belongs.
func checkOPT(t fataler, raw []byte, r *request, m *dns.Msg) {
	var all []*dns.OPT
	for n, rr := range append(append(m.Answer, m.Ns...), m.Extra...) {
		if opt, ok := rr.(*dns.OPT); ok {
			all = append(all, opt)
			if n < len(m.Answer)+len(m.Ns) || opt.Hdr.Name != "." {
				all = append(all, opt) // out of place is as bad as twice
			}
		}
	}
	if r.opt.present != (len(all) > 0) || (len(all) > 1 && !r.opt.bad) {
		t.Fatalf("%x: OPT %+v, and has %d: %v", raw, r.opt, len(all), all)
	}
	if len(all) != 1 {
		return
	}
	opt, want := all[0], option{present: true, version: all[0].Version(), do: all[0].Do(), size: all[0].UDPSize()}
	for _, o := range opt.Option {
		switch o := o.(type) {
		case *dns.EDNS0_NSID:
			want.nsid = true
		case *dns.EDNS0_TCP_KEEPALIVE:
			want.keepalive = true
		case *dns.EDNS0_COOKIE:
			if want.cookie == nil {
				want.cookie, _ = hex.DecodeString(o.Cookie)
				size := len(want.cookie)
				want.bad = size < 8 || (size > 8 && size < 16) || size > 40 // RFC 7873, section 4
			}
		}
	}
	if want.version != 0 { // what options mean in it is not known
		want.nsid, want.keepalive, want.cookie, want.bad = false, false, nil, false
	}
	if want.bad {
		want.cookie = nil
	}
	if got := r.opt; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%x: OPT %+v\nwant %+v", raw, got, want)
	}
}

// An address is asked for under the name that the library makes of it, less
// the zone of reverse DNS.
func TestReversedByLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, _ := netip.AddrFromSlice(rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 4, 4), rapid.SliceOfN(rapid.Byte(), 16, 16)).Draw(t, "address"))
		arpa, err := dns.ReverseAddr(a.String())
		if a = a.Unmap(); err != nil {
			t.Fatalf("%v", err)
		}
		labels := dns.SplitDomainName(arpa)
		labels = labels[:len(labels)-2]
		name := reversed(a, "bl.test.")
		if want := joinLabels(labels) + "bl.test."; name != want {
			t.Fatalf("%s, want %s", name, want)
		}
		_, wire, err := wireName(name)
		if err != nil {
			t.Fatalf("%v", err)
		}
		back, ok := wire.octets(len(labels))
		if a.Is6() {
			back, ok = wire.nibbles(len(labels))
		}
		if !ok || back.Addr() != a || !back.IsSingleIP() {
			t.Fatalf("%s is read as %s", name, back)
		}
	})
}
