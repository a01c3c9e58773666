package zone

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"dnsbld/listing/index"

	"github.com/miekg/dns"
)

// unhex reads octets written in hexadecimal, strings between apostrophes.
func unhex(t testing.TB, text string) []byte {
	t.Helper()
	var out []byte
	for word := range strings.FieldsSeq(text) {
		if strings.HasPrefix(word, "'") {
			out = append(out, strings.Trim(word, "'")...)
			continue
		}
		raw, err := hex.DecodeString(word)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, raw...)
	}
	return out
}

// The form of an answer, octet by octet: whatever answers faster must agree.
func TestWireForm(t *testing.T) {
	const question = " 01 '7' 01 '2' 01 '0' 03 '192' 02 'Bl' 04 'tEst' 00"
	const soa = " c016 0006 0001 0000012c 0027" + // the owner: in the question
		" 03 'ns1' c016 0a 'hostmaster' c016 00001267 0000003c 0000000f 00093a80 0000012c"
	b := newServer(t, config(t), "192.0.2.7 helo-bare-ip\n192.0.2.7 helo-our-ip until=100")
	for about, row := range map[string]struct{ query, answer string }{
		"A": {
			"abcd 0100 0001 0000 0000 0000" + question + " 0001 0001",
			"abcd 8500 0001 0002 0000 0000" + question + " 0001 0001" +
				" c00c 0001 0001 00000063 0004 7f000003 c00c 0001 0001 00000063 0004 7f000002"},
		"A, EDNS, DO": {
			"abcd 0000 0001 0000 0000 0001" + question + " 0001 0001 00 0029 1000 00008000 0000",
			"abcd 8400 0001 0002 0000 0001" + question + " 0001 0001" +
				" c00c 0001 0001 00000063 0004 7f000003 c00c 0001 0001 00000063 0004 7f000002" +
				" 00 0029 04d0 00008000 0000"},
		"AAAA": {
			"abcd 0000 0001 0000 0000 0000" + question + " 001c 0001",
			"abcd 8400 0001 0000 0001 0000" + question + " 001c 0001" + soa},
		"not listed, EDNS": {
			"abcd 0000 0001 0000 0000 0001" + strings.Replace(question, "'2'", "'3'", 1) + " 0010 0001 00 0029 04d0 00000000 0000",
			"abcd 8403 0001 0000 0001 0001" + strings.Replace(question, "'2'", "'3'", 1) + " 0010 0001" + soa +
				" 00 0029 04d0 00000000 0000"},
		"refused, EDNS": {
			"abcd 0100 0001 0000 0000 0001 02 'cc' 00 0001 0001 00 0029 04d0 00000000 0000",
			"abcd 8105 0001 0000 0000 0001 02 'cc' 00 0001 0001 00 0029 04d0 00000000 0006 000f 0002 0014"},
	} {
		if got, want := b.answer(unhex(t, row.query), UDP), unhex(t, row.answer); !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", about, got, want)
		}
	}
	dst := []byte("before")
	got := b.server.Answer(dst, unhex(t, "abcd 1000 0000 0000 0000 0000"), Peer{})
	if want := unhex(t, "'before' abcd 9004 0000 0000 0000 0000"); !bytes.Equal(got, want) {
		t.Errorf("appended:\n got %x\nwant %x", got, want)
	}
}

// M1: negative answers carry the SOA; case is kept and ignored; bits of the
// query change nothing but RD.
func TestM1(t *testing.T) {
	b := serve(t, config(t), "192.0.2.7 helo-bare-ip")
	for name, kind := range map[string]string{"8.2.0.192.bl.test.": "A", "7.2.0.192.bl.test.": "AAAA", "2.0.192.bl.test.": "A", "Bl.TesT.": "CAA"} {
		a := b.ask(query(name, kind), "udp")
		zone := name[strings.Index(strings.ToLower(name), "bl.test."):]
		if len(a.Ns) != 1 || a.Ns[0].String() != zone+"\t300\tIN\tSOA\tns1."+zone+" hostmaster."+zone+" 4711 60 15 604800 300" {
			t.Errorf("%s: authority %v", name, a.Ns)
		}
	}
	b.expects(`
		? 7.2.0.192.bL.TeSt. A
		NOERROR
		7.2.0.192.bL.TeSt. 300 IN A 127.0.0.2
	`)
	// Names keep their octets, also those that no text can hold.
	raw := unhex(t, "1234 0000 0001 0000 0000 0000 05 00ff2e5c41 02 'bL' 04 'TEST' 00 0001 0001")
	if got := b.answer(raw, UDP); !bytes.Equal(got[headerSize:len(raw)], raw[headerSize:]) || got[3] != dns.RcodeNameError {
		t.Errorf("odd octets: %x", got)
	}
	plain := b.answer(raw, UDP)
	for bit, what := range map[uint16]string{0x0400: "AA", 0x0200: "TC", 0x0080: "RA", 0x0040: "Z", 0x0020: "AD", 0x0010: "CD", 0x000f: "rcode"} {
		other := bytes.Clone(raw)
		binary.BigEndian.PutUint16(other[2:], bit)
		if got := b.answer(other, UDP); !bytes.Equal(got, plain) {
			t.Errorf("%s in the query:\n got %x\nwant %x", what, got, plain)
		}
	}
	raw[2] = flagRD
	if got := b.answer(raw, UDP); got[2] != plain[2]|flagRD {
		t.Errorf("RD: %x", got)
	}
}

// M2: ANY is answered minimally; class CHAOS as configured.
func TestM2(t *testing.T) {
	b := serve(t, config(t), "192.0.2.7 helo-bare-ip\n192.0.2.7 helo-our-ip")
	b.expects(`
		? 7.2.0.192.bl.test. ANY
		NOERROR
		7.2.0.192.bl.test. 300 IN A 127.0.0.3
		7.2.0.192.bl.test. 300 IN A 127.0.0.2

		? bl.test. ANY
		NOERROR
		bl.test. 300 IN SOA ns1.bl.test. hostmaster.bl.test. 4711 60 15 604800 300

		? version.bind. CH TXT
		REFUSED EDE 20

		? hostname.bind. CH TXT
		REFUSED EDE 20

		? id.server. CH TXT
		REFUSED EDE 20

		? 7.2.0.192.bl.test. CH A
		REFUSED EDE 20
	`)
	c := config(t)
	c.Chaos = Chaos{Version: `dnsbld "1"`, ID: "a"}
	b = serve(t, c, "")
	b.expects(`
		? VERSION.bind. CH TXT
		NOERROR
		VERSION.bind. 0 CH TXT "dnsbld \"1\""

		? version.server. CH ANY
		NOERROR
		version.server. 0 CH TXT "dnsbld \"1\""

		? id.server. CH TXT
		NOERROR
		id.server. 0 CH TXT "a"

		? version.bind. CH A
		REFUSED EDE 20

		? hostname.bind. CH TXT
		REFUSED EDE 20

		? version.bind. TXT
		REFUSED EDE 20
	`)
}

// ednsQuery is a query with an OPT record whose header says ttl.
func ednsQuery(t testing.TB, name, kind string, size uint16, ttl uint32, options ...dns.EDNS0) []byte {
	q := query(name, kind)
	q.Extra = []dns.RR{&dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: size, Ttl: ttl}, Option: options}}
	return pack(t, q)
}

// M3: EDNS.
func TestM3(t *testing.T) {
	c := config(t)
	c.NSID = "ns1\xff"
	b := newServer(t, c, "192.0.2.7 helo-bare-ip")
	local := &dns.EDNS0_LOCAL{Code: 65001, Data: []byte("unknown")}
	nsid := &dns.EDNS0_NSID{Code: dns.EDNS0NSID}
	const do = 1 << 15
	for about, row := range map[string]struct {
		query []byte
		rcode int
		ttl   uint32
		nsid  string
	}{
		"EDNS":               {ednsQuery(t, "7.2.0.192.bl.test.", "A", 4096, 0), dns.RcodeSuccess, 0, ""},
		"DO":                 {ednsQuery(t, "7.2.0.192.bl.test.", "A", 4096, do), dns.RcodeSuccess, do, ""},
		"other flags":        {ednsQuery(t, "7.2.0.192.bl.test.", "A", 4096, 0x7fff), dns.RcodeSuccess, 0, ""},
		"an extended rcode":  {ednsQuery(t, "7.2.0.192.bl.test.", "A", 4096, 0xff<<24), dns.RcodeSuccess, 0, ""},
		"size 0":             {ednsQuery(t, "7.2.0.192.bl.test.", "A", 0, 0), dns.RcodeSuccess, 0, ""},
		"NXDOMAIN":           {ednsQuery(t, "8.2.0.192.bl.test.", "A", 4096, do), dns.RcodeNameError, do, ""},
		"REFUSED":            {ednsQuery(t, "example.test.", "A", 4096, do), dns.RcodeRefused, do, ""},
		"unknown option":     {ednsQuery(t, "7.2.0.192.bl.test.", "A", 4096, 0, local, local), dns.RcodeSuccess, 0, ""},
		"NSID":               {ednsQuery(t, "7.2.0.192.bl.test.", "A", 4096, 0, local, nsid), dns.RcodeSuccess, 0, "6e7331ff"},
		"NSID, REFUSED":      {ednsQuery(t, "example.test.", "A", 4096, 0, nsid), dns.RcodeRefused, 0, "6e7331ff"},
		"version 1":          {ednsQuery(t, "7.2.0.192.bl.test.", "A", 4096, 1<<16|do), dns.RcodeBadVers, 1<<24 | do, ""},
		"version 255, NSID":  {ednsQuery(t, "7.2.0.192.bl.test.", "A", 4096, 255<<16, nsid), dns.RcodeBadVers, 1 << 24, ""},
		"version 1, no zone": {ednsQuery(t, "example.test.", "A", 4096, 1<<16), dns.RcodeBadVers, 1 << 24, ""},
	} {
		a := new(dns.Msg)
		if err := a.Unpack(b.answer(row.query, UDP)); err != nil {
			t.Fatalf("%s: %v", about, err)
		}
		opt := a.IsEdns0()
		if opt == nil || opt.Hdr.Class != ednsSize || opt.Hdr.Ttl != row.ttl || a.Rcode != row.rcode || len(a.Extra) != 1 {
			t.Errorf("%s: %v", about, a)
			continue
		}
		got := ""
		for _, o := range opt.Option {
			switch o := o.(type) {
			case *dns.EDNS0_NSID:
				got += o.Nsid
			case *dns.EDNS0_EDE:
			default:
				t.Errorf("%s: option %v", about, o)
			}
		}
		if got != row.nsid {
			t.Errorf("%s: NSID %q, want %q", about, got, row.nsid)
		}
		if row.rcode == dns.RcodeBadVers && (len(a.Answer)+len(a.Ns) > 0 || len(a.Question) != 1) {
			t.Errorf("%s: %v", about, a)
		}
	}
	if a := b.reply(query("7.2.0.192.bl.test.", "A"), UDP); len(a.Extra) != 0 {
		t.Errorf("OPT though there was none in the query: %v", a)
	}
}

// M3: what is wrong with OPT is a format error.
func TestM3Malformed(t *testing.T) {
	const question = "abcd 0000 0001 0000 0000 0001 02 'bl' 04 'test' 00 0006 0001 "
	const opt = "00 0029 04d0 00008000 "
	b := newServer(t, config(t), "")
	for about, text := range map[string]string{
		"two":                     "abcd 0000 0001 0000 0000 0002" + question[29:] + opt + "0000" + opt + "0000",
		"two, the other unknown":  "abcd 0000 0001 0000 0000 0002" + question[29:] + opt + "0000 00 0029 04d0 00010000 0000",
		"an owner":                question + "01 'a' 00 0029 04d0 00008000 0000",
		"the root by a pointer":   question + "c015 0029 04d0 00008000 0000",
		"an option cut short":     question + opt + "0005 0003 0002 00",
		"half an option":          question + opt + "0003 0003 00",
		"in the answer section":   "abcd 0000 0001 0001 0000 0000" + question[29:] + opt + "0000",
		"in the authority":        "abcd 0000 0001 0000 0001 0000" + question[29:] + opt + "0000",
		"something comes after":   question + opt + "0000 00",
		"two, and an unknown one": "abcd 0000 0001 0000 0000 0002" + question[29:] + "00 0029 04d0 00010000 0000" + opt + "0000",
	} {
		a := new(dns.Msg)
		if err := a.Unpack(b.answer(unhex(t, text), UDP)); err != nil {
			t.Fatalf("%s: %v", about, err)
		}
		if a.Rcode != dns.RcodeFormatError || a.IsEdns0() == nil || len(a.Question) != 1 || a.Authoritative {
			t.Errorf("%s: %v", about, a)
		}
	}
}

// many is an address with so many reasons that its TXT records take more than
// a datagram.
func many(t testing.TB) string {
	var list strings.Builder
	for _, i := range reasons(t).All() {
		fmt.Fprintf(&list, "192.0.2.7 %s\n", i.Symbol)
	}
	return list.String()
}

// M4: what does not fit is cut to nothing, never to a part.
func TestM4(t *testing.T) {
	c := config(t)
	c.Zones[0].Page += strings.Repeat("p", 60)
	b := serve(t, c, many(t))
	whole := b.ask(query("7.2.0.192.bl.test.", "TXT"), "tcp")
	if len(whole.Answer) != 9 || whole.Truncated || whole.Len() < ednsSize {
		t.Fatalf("over TCP: %v", whole)
	}
	for _, size := range []uint16{0, 1, 512, 1231, 1232, 4096, 65535} {
		q := query("7.2.0.192.bl.test.", "TXT")
		most := 512
		if size > 0 {
			q.SetEdns0(size, true)
			most = int(max(min(size, ednsSize), 512))
		}
		raw := b.answer(pack(t, q), UDP)
		a := new(dns.Msg)
		if err := a.Unpack(raw); err != nil {
			t.Fatal(err)
		}
		if len(raw) > most || !a.Truncated || len(a.Answer)+len(a.Ns) != 0 || a.Rcode != dns.RcodeSuccess || len(a.Question) != 1 || (a.IsEdns0() == nil) != (size == 0) {
			t.Errorf("size %d: %d octets, %v", size, len(raw), a)
		}
	}
	// One octet decides.
	c = config(t)
	for n := range 2 {
		c.Zones[0].TXT = []string{strings.Repeat("y", 250), strings.Repeat("z", 512-headerSize-13-13-250-13+n)}
		b = newServer(t, c, "")
		raw := b.answer(pack(t, query("bl.test.", "TXT")), UDP)
		if cut := raw[2]&flagTC != 0; cut != (n == 1) || (!cut && len(raw) != 512) {
			t.Errorf("%d octets, TC %v", len(raw), cut)
		}
	}
	udp, tcp := b.server.Stats().UDP, b.server.Stats().TCP
	if udp["truncated"] != 1 || tcp["truncated"] != 0 {
		t.Errorf("%+v, %+v", udp, tcp)
	}
}

// M5: what is no query, and what is none that can be read.
func TestM5(t *testing.T) {
	b := newServer(t, config(t), "192.0.2.7 helo-bare-ip")
	const asked = " 02 'bl' 04 'test' 00 0006 0001"
	long := strings.Repeat(" 3f "+strings.Repeat("61", 63), 3)
	for about, row := range map[string]struct{ query, answer string }{
		"nothing":                  {"", ""},
		"11 octets":                {"abcd 0000 0001 0000 0000 00", ""},
		"an answer":                {"abcd 8000 0001 0000 0000 0000" + asked, ""},
		"an answer, opcode 15":     {"abcd f800 0000 0000 0000 0000", ""},
		"a header":                 {"abcd 0100 0000 0000 0000 0000", "abcd 8101 0000 0000 0000 0000"},
		"half a question":          {"abcd 0100 0001 0000 0000 0000 02 'bl'", "abcd 8101 0000 0000 0000 0000"},
		"no question":              {"abcd 0100 0001 0000 0000 0000", "abcd 8101 0000 0000 0000 0000"},
		"a question without class": {"abcd 0100 0001 0000 0000 0000 02 'bl' 04 'test' 00 0006 00", "abcd 8101 0000 0000 0000 0000"},
		"two questions":            {"abcd 0100 0002 0000 0000 0000" + asked + asked, "abcd 8101 0000 0000 0000 0000"},
		"65535 questions":          {"abcd 0100 ffff 0000 0000 0000" + asked, "abcd 8101 0000 0000 0000 0000"},
		"no question, but OPT":     {"abcd 0100 0000 0000 0000 0001 00 0029 04d0 00000000 0000", "abcd 8101 0000 0000 0000 0001 00 0029 04d0 00000000 0000"},
		"a record is missing":      {"abcd 0100 0001 0000 0000 0001" + asked, "abcd 8101 0000 0000 0000 0000"},
		"a record too long":        {"abcd 0100 0001 0000 0000 0001" + asked + " 00 0001 0001 00000000 0005 7f0000", "abcd 8101 0000 0000 0000 0000"},
		"something comes after":    {"abcd 0100 0001 0000 0000 0000" + asked + " 00", "abcd 8101 0001 0000 0000 0000" + asked},
		"a name in a loop":         {"abcd 0100 0001 0000 0000 0000 c00c 0006 0001", "abcd 8101 0000 0000 0000 0000"},
		"a pointer":                {"abcd 0100 0001 0000 0000 0000 02 'bl' c012 04 'test' 00 0006 0001", "abcd 8101 0000 0000 0000 0000"},
		"a label of a new type":    {"abcd 0100 0001 0000 0000 0000 42 'bl' 00 0006 0001", "abcd 8101 0000 0000 0000 0000"},
		"a name of 255 octets": {"abcd 0100 0001 0000 0000 0000" + long + " 3d " + strings.Repeat("61", 61) + " 00 0001 0001",
			"abcd 8105 0001 0000 0000 0000" + long + " 3d " + strings.Repeat("61", 61) + " 00 0001 0001"},
		"a name of 256 octets":     {"abcd 0100 0001 0000 0000 0000" + long + " 3e " + strings.Repeat("61", 62) + " 00 0001 0001", "abcd 8101 0000 0000 0000 0000"},
		"a loop in another record": {"abcd 0100 0001 0001 0000 0000" + asked + " c019 0001 0001 00000000 0000", "abcd 8500 0001 0001 0000 0000" + asked},
		"STATUS, no question":      {"abcd 1000 0000 0000 0000 0000", "abcd 9004 0000 0000 0000 0000"},
		"STATUS":                   {"abcd 1000 0001 0000 0000 0000" + asked, "abcd 9004 0001 0000 0000 0000" + asked},
		"NOTIFY":                   {"abcd 2400 0001 0000 0000 0000" + asked, "abcd a004 0001 0000 0000 0000" + asked},
		"UPDATE":                   {"abcd 2800 0001 0000 0000 0000" + asked, "abcd a804 0001 0000 0000 0000" + asked},
		"opcode 15, garbage":       {"abcd 7900 ffff ffff ffff ffff ff", "abcd f904 0000 0000 0000 0000"},
		"opcode 15, EDNS 1": {"abcd 7900 0000 0000 0000 0001 00 0029 04d0 00010000 0000",
			"abcd f904 0000 0000 0000 0001 00 0029 04d0 00000000 0006 000f 0002 0015"},
	} {
		got, want := b.answer(unhex(t, row.query), UDP), unhex(t, row.answer)
		if len(want) > headerSize && len(got) > len(want) && want[7] == 1 {
			got = got[:len(want)] // the answer itself is not what is tested
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", about, got, want)
		}
	}
}

// M5: no query makes much be allocated.
func TestM5Allocation(t *testing.T) {
	b := newServer(t, config(t), "192.0.2.7 helo-bare-ip")
	const most, answers = 2048, 100 // octets an answer
	records := []byte{0xab, 0xcd, 0, 0, 0, 1, 0x10, 0, 0x10, 0, 0x10, 0, 0, 0, 1, 0, 1}
	for len(records) < 60000 {
		records = append(records, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0)
	}
	for about, raw := range map[string][]byte{
		"many records":   records,
		"many questions": append([]byte{0xab, 0xcd, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0}, bytes.Repeat([]byte{0, 0, 1, 0, 1}, 12000)...),
		"many options":   append(unhex(t, "abcd 0000 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 00000000 fa00"), bytes.Repeat([]byte{0, 99, 0, 0}, 16000)...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range answers {
			b.answer(raw, UDP)
		}
		runtime.ReadMemStats(&after)
		if per := (after.TotalAlloc - before.TotalAlloc) / answers; per > most {
			t.Errorf("%s: %d octets allocated for one answer", about, per)
		}
	}
}

// M8: extended errors, to those who speak EDNS.
func TestM8(t *testing.T) {
	b := serve(t, config(t), "192.0.2.7 helo-bare-ip")
	b.expects(`
		; 20: not authoritative
		? example.test. A
		REFUSED EDE 20

		; 18: prohibited
		? bl.test. AXFR
		REFUSED EDE 18

		? bl.test. IXFR
		REFUSED EDE 18

		; none that could mean that the answer was tampered with
		? 7.2.0.192.bl.test. A
		NOERROR
		7.2.0.192.bl.test. 300 IN A 127.0.0.2

		? 8.2.0.192.bl.test. A
		NXDOMAIN
	`)
	notify := query("bl.test.", "SOA")
	notify.Opcode = dns.OpcodeNotify
	notify.SetEdns0(ednsSize, false)
	if got := statusOf(b.reply(notify, UDP)); got != "NOTIMP EDE 21" {
		t.Errorf("NOTIFY: %s", got)
	}
	for _, name := range []string{"7.2.0.192.bl.test.", "example.test."} {
		if a := b.reply(query(name, "A"), UDP); len(a.Extra) != 0 {
			t.Errorf("EDNS to a client that does not speak it: %v", a)
		}
	}
}

// M8: while the list is not loaded, and as soon as it is.
func TestM8NotReady(t *testing.T) {
	b := newServer(t, config(t), "")
	b.live = index.NewLive()
	b.server.view = b.live
	b.listen("127.0.0.1:0")
	b.expects(`
		; 14: not ready, never a wrong NXDOMAIN
		? 7.2.0.192.bl.test. A
		SERVFAIL EDE 14

		? 2.0.0.127.bl.test. A
		SERVFAIL EDE 14

		? bl.test. SOA
		SERVFAIL EDE 14

		? example.test. A
		REFUSED EDE 20
	`)
	if a := b.reply(query("7.2.0.192.bl.test.", "A"), UDP); a.Rcode != dns.RcodeServerFailure || len(a.Extra) != 0 {
		t.Errorf("EDNS to a client that does not speak it: %v", a)
	}
	b.publish("192.0.2.7 helo-bare-ip")
	b.expects(`
		? 7.2.0.192.bl.test. A
		NOERROR
		7.2.0.192.bl.test. 300 IN A 127.0.0.2
	`)
}

// Each answer is counted, by what it says.
func TestStats(t *testing.T) {
	b := newServer(t, config(t), "192.0.2.7 helo-bare-ip")
	b.reply(query("7.2.0.192.bl.test.", "A"), UDP)
	b.reply(query("7.2.0.192.bl.test.", "AAAA"), UDP)
	b.reply(query("8.2.0.192.bl.test.", "A"), UDP)
	b.reply(query("bl.test.", "SOA"), UDP)
	b.reply(query("example.test.", "SOA"), UDP)
	b.answer(unhex(t, "abcd 0000 0000 0000 0000 0000"), UDP)
	b.answer(unhex(t, "abcd 1000 0000 0000 0000 0000"), UDP)
	b.answer(unhex(t, "abcd 8000 0000 0000 0000 0000"), UDP)
	b.answer(ednsQuery(t, "bl.test.", "A", 4096, 1<<16), TCP)
	b.server.view = index.NewLive()
	b.reply(query("bl.test.", "SOA"), UDP)
	got := b.server.Stats()
	want := map[string]uint64{"queries": 9, "listed": 1, "data": 1, "nodata": 1, "nxdomain": 1, "formerr": 1, "servfail": 1, "notimp": 1, "refused": 1,
		"silence": 1, "badvers": 0, "notauth": 0, "cookie": 0, "badcookie": 0, "truncated": 0, "wire": 0}
	if !maps.Equal(got.UDP, want) {
		t.Errorf("UDP: %+v\nwant %+v", got.UDP, want)
	}
	if got.TCP["queries"] != 1 || got.TCP["badvers"] != 1 {
		t.Errorf("TCP: %+v", got.TCP)
	}
}

// Answers do not depend on who asks, and not on what was asked before.
func TestDeterministic(t *testing.T) {
	b := newServer(t, config(t), many(t))
	raw := pack(t, query("7.2.0.192.bl.test.", "TXT"))
	first := b.answer(raw, TCP)
	for n := range 20 {
		peer := Peer{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}), 53), Over: TCP}
		if got := b.server.Answer(make([]byte, 0, n*100), raw, peer); !bytes.Equal(got, first) {
			t.Fatalf("%x, then %x", first, got)
		}
	}
}
