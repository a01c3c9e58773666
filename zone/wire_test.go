package zone

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// The wire path and the message path must say the same, octet by octet.

// wireSecret is that of RFC 9018, appendix A.
const wireSecret = "e5e973e5a6b2a43f48e7dc849e37bfcf"

// longZone is so long that negative answers do not fit.
var longZone = strings.Repeat(strings.Repeat("x", 40)+".", 4) + "test"

// wireConfigs differ in what compiled parts depend on.
func wireConfigs(t testing.TB) []Config {
	base := config(t)
	base.Cookies.Secrets = []string{wireSecret, "445536bcd2513298075a5d379663c962"}
	odd := base
	odd.NSID = "ns1"
	odd.Cookies.Demand = true
	odd.Zones = []Zone{
		{Name: "bl.test", NS: []NameServer{{Name: "ns.other.example"}}, Mailbox: "who@mail.other.example", TTL: time.Hour, NegativeTTL: time.Minute},
		{Name: "strict.bl.test", NS: []NameServer{{Name: "strict.bl.test"}}, Mailbox: "strict.bl.test", Reasons: []listing.Reason{3, 4, 5}, Page: "https://" + strings.Repeat("long.", 16) + "example/"},
		{Name: "2.0.192.bl.test", NS: []NameServer{{Name: "ns.bl.test"}}},
		{Name: "under.a.bl.test", NS: []NameServer{{Name: "ns.bl.test"}}},
		{Name: longZone, NS: []NameServer{{Name: strings.Repeat(strings.Repeat("n", 60)+".", 4) + "test"}}, Mailbox: strings.Repeat(strings.Repeat("m", 60)+".", 4) + "test", Page: "http://192.0.2.1/"},
	}
	return []Config{base, odd}
}

// askBoth has some queries answered as one batch on the wire path, and one by
// one on the message path.
func (b *bench) askBoth(t interface{ Fatalf(string, ...any) }, w *worker, queries [][]byte, from netip.AddrPort) (onWire int) {
	before := w.count[countWire].Load()
	batch := make([]datagram, len(queries))
	for n, q := range queries {
		batch[n] = datagram{append(make([]byte, 0, 1<<16), q...), from}
	}
	w.answer(batch)
	for n, q := range queries {
		want := b.server.Answer(nil, q, Peer{Addr: from, Over: UDP})
		if !bytes.Equal(batch[n].data, want) {
			t.Fatalf("query %x\n   wire %x\nmessage %x", q, batch[n].data, want)
		}
	}
	return int(w.count[countWire].Load() - before)
}

var wirePeers = []netip.AddrPort{netip.MustParseAddrPort("198.51.100.100:5353"), netip.MustParseAddrPort("[2001:db8:220:1:59de:d0f4:8769:82b8]:53")}

// wireList has something of everything.
const wireList = fuzzList + `
	192.0.2.9 helo-our-ip source=feed
	192.0.2.9 manual text=hidden by what is own
	192.0.2.0/28 network
	192.0.2.12 network except
	192.0.2.13 allow
	1.2.3.4 helo-bare-ip until=1
	1.2.3.4 helo-our-name
	1.2.3.4 helo-rcpt-domain
	255.255.255.254/31 imported
	2001:db8:8000::/127 imported
	2001:db8:ffff:ffff:ffff:ffff:ffff:fffe/127 network
	2001:db8:ffff:ffff:ffff:ffff:ffff:ffff helo-bare-ip until=77
`

func TestWireEqualsMessage(t *testing.T) {
	var benches []*bench
	var workers []*worker
	for _, c := range wireConfigs(t) {
		b := newServer(t, c, wireList)
		benches, workers = append(benches, b), append(workers, b.server.newWorker())
	}
	asked, wire := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, len(benches)-1).Draw(t, "configuration")
		queries := rapid.SliceOfN(wireQueries(benches[n].server.clock.Now()), batchSize/2, batchSize).Draw(t, "queries")
		from := rapid.SampledFrom(wirePeers).Draw(t, "peer")
		wire += benches[n].askBoth(t, workers[n], queries, from)
		asked += len(queries)
	})
	t.Logf("%d of %d on the wire path", wire, asked)
	if wire < asked/8 { // about a third; a short run draws few
		t.Errorf("%d of %d on the wire path", wire, asked)
	}
}

// wireQueries draws queries, most of them for the wire path.
func wireQueries(now uint32) *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		q := new(dns.Msg)
		q.Id = rapid.Uint16().Draw(t, "id")
		q.RecursionDesired, q.CheckingDisabled = rapid.Bool().Draw(t, "rd"), rapid.Bool().Draw(t, "cd")
		kind := rapid.SampledFrom([]uint16{dns.TypeA, dns.TypeA, dns.TypeTXT, dns.TypeTXT, dns.TypeANY, dns.TypeAAAA, dns.TypeSOA, dns.TypeAXFR, dns.TypeIXFR, 65280}).Draw(t, "type")
		class := rapid.SampledFrom([]uint16{1, 1, 1, 1, 1, 1, 1, 1, 3, 255}).Draw(t, "class")
		q.Question = []dns.Question{{Name: wireNames().Draw(t, "name"), Qtype: kind, Qclass: class}}
		if rapid.Bool().Draw(t, "edns") {
			q.Extra = []dns.RR{wireOPT(now).Draw(t, "opt")}
		}
		raw, err := q.Pack()
		if err != nil {
			t.Fatalf("%v: %v", q, err)
		}
		switch rapid.IntRange(0, 29).Draw(t, "garble") {
		case 0:
			raw = append(raw, 0)
		case 1:
			raw[2] |= rapid.Byte().Draw(t, "opcode") & 0x78
		case 2:
			raw[rapid.IntRange(0, len(raw)-1).Draw(t, "at")] ^= rapid.Byte().Draw(t, "by")
			raw = raw[:rapid.IntRange(0, len(raw)).Draw(t, "cut")]
		}
		return raw
	})
}

// wireNames draws names of and around what is listed.
func wireNames() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		address := rapid.SampledFrom([]string{"192.0.2.7", "192.0.2.9", "192.0.2.12", "192.0.2.13", "192.0.2.1", "198.51.100.1", "1.2.3.4", "1.0.0.2", "127.0.0.2", "127.0.0.1",
			"127.0.0.3", "0.1.2.3", "203.0.113.1", "255.255.255.255", "2001:db8::7", "2001:db8:8000::1", "2001:db8:8000::2", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8:ffff:ffff:ffff:ffff:ffff:fffe",
			"::ffff:192.0.2.7", "2002:c000:207::1", "::ffff:127.0.0.2", "2002:7f00:1::"}).Draw(t, "address")
		labels := strings.Split(reversed(netip.MustParseAddr(address), ""), ".")
		labels = labels[:len(labels)-1]
		switch rapid.IntRange(0, 9).Draw(t, "part") {
		case 0, 1, 2: // a parent
			labels = labels[rapid.IntRange(0, len(labels)).Draw(t, "from"):]
		case 3:
			labels = slices.Insert(labels, rapid.IntRange(0, len(labels)).Draw(t, "at"), rapid.SampledFrom([]string{"0", "a", "01", "256", "x", "policy", "ns1"}).Draw(t, "odd"))
		}
		zone := rapid.SampledFrom([]string{"bl.test", "bl.test", "strict.bl.test", longZone, "under.a.bl.test", "example.test", ""}).Draw(t, "zone")
		name := strings.Join(append(labels, zone), ".")
		if rapid.Bool().Draw(t, "upper") {
			name = strings.ToUpper(name)
		}
		if _, ok := dns.IsDomainName(name); !ok {
			return "bl.test."
		}
		return dns.Fqdn(name)
	})
}

func wireOPT(now uint32) *rapid.Generator[*dns.OPT] {
	return rapid.Custom(func(t *rapid.T) *dns.OPT {
		o := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
		o.SetUDPSize(rapid.SampledFrom([]uint16{0, 512, 600, 700, 1232, 4096}).Draw(t, "size"))
		if rapid.Bool().Draw(t, "do") {
			o.SetDo()
		}
		if rapid.IntRange(0, 9).Draw(t, "version") == 0 {
			o.SetVersion(1)
		}
		for range rapid.IntRange(0, 2).Draw(t, "options") {
			cookie := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: wireCookies(now).Draw(t, "cookie")}
			other := &dns.EDNS0_LOCAL{Code: rapid.SampledFrom([]uint16{dns.EDNS0NSID, dns.EDNS0TCPKEEPALIVE, dns.EDNS0PADDING, 100}).Draw(t, "code"), Data: []byte{}}
			o.Option = append(o.Option, rapid.SampledFrom([]dns.EDNS0{cookie, cookie, cookie, other}).Draw(t, "option"))
		}
		return o
	})
}

// wireCookies draws cookies in hexadecimal: of clients, good, old, forged and
// of sizes that are none.
func wireCookies(now uint32) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var p problems
		j := Cookies{Secrets: []string{rapid.SampledFrom([]string{wireSecret, "445536bcd2513298075a5d379663c962", strings.Repeat("00", 16)}).Draw(t, "secret")}}.compile(&p)
		client := rapid.SliceOfN(rapid.Byte(), clientCookie, clientCookie).Draw(t, "client")
		age := rapid.SampledFrom([]uint32{0, 1, 1800, 1801, 3600, 3601, 1 << 31, ^uint32(0), ^uint32(299), ^uint32(300)}).Draw(t, "age")
		whole, _ := j.reply(client, rapid.SampledFrom(wirePeers).Draw(t, "peer").Addr(), now-age)
		size := rapid.SampledFrom([]int{8, wholeCookie, wholeCookie, wholeCookie, 0, 7, 9, 15, 16, 40, 41}).Draw(t, "size")
		return hex.EncodeToString(append(whole[:], make([]byte, 32)...)[:size])
	})
}

// FuzzWireEqualsMessage gives both paths any octets.
func FuzzWireEqualsMessage(f *testing.F) {
	for _, name := range []string{"7.2.0.192.bl.test.", "9.2.0.192.BL.test.", "4.3.2.1.bl.test.", "1.2.0.192.strict.bl.test.", "2.0.0.127.bl.test.", "2.0.192.bl.test.",
		"1.0.0.2.bl.test.", "x.bl.test.", "policy.bl.test.", "b.a.bl.test.", "example.test.", reversed(netip.MustParseAddr("2001:db8::1"), "bl.test.")} {
		for _, kind := range []string{"A", "TXT", "AAAA", "ANY"} {
			f.Add(pack(f, query(name, kind)), false, false)
			f.Add(ednsQuery(f, name, kind, 1232, 1<<15, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "2464c4abcf10c957"}), true, true)
		}
	}
	var benches []*bench
	var workers []*worker
	for _, c := range wireConfigs(f) {
		b := newServer(f, c, wireList)
		benches, workers = append(benches, b), append(workers, b.server.newWorker())
	}
	f.Fuzz(func(t *testing.T, raw []byte, other, v6 bool) {
		n, peer := 0, wirePeers[0]
		if other {
			n = 1
		}
		if v6 {
			peer = wirePeers[1]
		}
		if len(raw) < 1<<16 {
			benches[n].askBoth(t, workers[n], [][]byte{raw}, peer)
		}
	})
}

// Whether an answer fits is the same question on both paths, to the octet.
func TestWireTruncates(t *testing.T) {
	list := ""
	for _, reason := range []string{"helo-bare-ip", "helo-our-ip", "helo-our-name", "helo-rcpt-domain", "manual"} {
		list += "1.2.3.4 " + reason + "\n"
	}
	b := newServer(t, wireConfigs(t)[0], list)
	w := b.server.newWorker()
	cookie := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "2464c4abcf10c957"}
	name := reversed(netip.MustParseAddr("1.2.3.4"), "bl.test.")
	for size := uint16(480); size < 700; size++ {
		for _, options := range [][]dns.EDNS0{nil, {cookie}} {
			if b.askBoth(t, w, [][]byte{ednsQuery(t, name, "TXT", size, 0, options...)}, wirePeers[0]) == 0 {
				t.Fatal("not on the wire path")
			}
		}
	}
	if got := b.server.Stats().UDP; got["truncated"] == 0 || got["truncated"] == got["queries"] {
		t.Errorf("%d of %d are truncated", got["truncated"], got["queries"])
	}
}

// Plain questions are answered by the wire path: the message path would be right too,
// and slow.
func TestWireTakes(t *testing.T) {
	b := newServer(t, config(t), wireList)
	w := b.server.newWorker()
	v6 := reversed(netip.MustParseAddr("2001:db8::1"), "bl.test.")
	cookie := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "2464c4abcf10c957"}
	takes := func(want int, name, kind string, options ...dns.EDNS0) {
		t.Helper()
		for about, raw := range map[string][]byte{"plain": pack(t, query(name, kind)), "EDNS": ednsQuery(t, name, kind, 1232, 0, options...), "DO": ednsQuery(t, name, kind, 512, 1<<15, options...)} {
			if got := b.askBoth(t, w, [][]byte{raw}, wirePeers[0]); got != want {
				t.Errorf("%s %s, %s: %d on the wire path", name, kind, about, got)
			}
		}
	}
	for _, name := range []string{"7.2.0.192.bl.test.", "1.2.3.4.bl.test.", "4.3.2.1.bl.test.", "4.3.2.1.strict.bl.test.", "1.100.51.198.Bl.Test.", "1.113.0.203.bl.test.", "2.0.0.127.bl.test.", "1.0.0.127.bl.test.", "2.0.192.bl.test.", "x.y.bl.test.", "0.bl.test.", v6} {
		for _, kind := range []string{"A", "AAAA", "ANY", "MX", "TYPE65280"} {
			takes(1, name, kind, cookie)
		}
		if !strings.Contains(name, "8.b.d") { // that entry has a text of its own
			takes(1, name, "TXT", cookie)
		}
	}
	for _, name := range []string{"bl.test.", "policy.bl.test.", "example.test.", "."} {
		takes(0, name, "A")
	}
	takes(0, v6, "TXT")
	takes(0, "7.2.0.192.bl.test.", "AXFR")
	count := b.server.Stats().UDP
	if sum := count["listed"] + count["data"] + count["nodata"] + count["nxdomain"] + count["refused"]; sum != count["queries"] || count["wire"] == 0 || count["wire"]*2 >= count["queries"] {
		t.Errorf("%+v", count)
	}
}

// Texts are put together right whatever their length makes of them.
func TestWireTexts(t *testing.T) {
	for _, page := range []string{"", "https://bl.example/", "https://" + strings.Repeat("l", 92)} {
		c := config(t)
		c.Zones[0].Page = page
		b := newServer(t, c, "")
		z := b.server.tables.Load().ordered[0]
		rapid.Check(t, func(t *rapid.T) {
			subject := wireSubjects().Draw(t, "subject")
			reason := rapid.SampledFrom([]listing.Reason{2, 3, 4, 5, 20, 21, 22}).Draw(t, "reason")
			s := shown{reason: reason, prefix: subject.Prefix}
			if got, want := string(z.parts.appendText(nil, &s)), z.say(s); got != want {
				t.Fatalf("%s: %q, want %q", subject.Text(), got, want)
			}
		})
	}
	infos := listing.DefaultReasons()
	infos[0].Text = "looks like ::2"
	catalogue, err := listing.NewReasons(infos)
	if err != nil {
		t.Fatal(err)
	}
	z := &zone{reasons: catalogue}
	z.parts = &parts{}
	z.parts.texts[infos[0].Code] = z.textsOf(infos[0].Code)
	s := shown{reason: infos[0].Code, prefix: netip.MustParsePrefix("::1/128")}
	if got, want := string(z.parts.appendText(nil, &s)), z.say(s); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func wireSubjects() *rapid.Generator[listing.Subject] {
	return rapid.Custom(func(t *rapid.T) listing.Subject {
		size := rapid.SampledFrom([]int{4, 16}).Draw(t, "size")
		a, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0, 0, 1, 99, 0xff}), size, size).Draw(t, "address"))
		s, err := listing.ParseSubject(netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, "bits")).Masked().String())
		if err != nil {
			return listing.HostSubject(netip.IPv6Unspecified())
		}
		return s
	})
}

// Nobody is at port 0, whoever says so: no path answers.
func TestWirePortZero(t *testing.T) {
	b := newServer(t, config(t), wireList)
	w := b.server.newWorker()
	batch := []datagram{{append(make([]byte, 0, 1<<12), pack(t, query("7.2.0.192.bl.test.", "A"))...), netip.MustParseAddrPort("192.0.2.1:0")}}
	w.answer(batch)
	if got := b.server.Stats().UDP; batch[0].data != nil || got["silence"] != 1 || got["queries"] != 1 {
		t.Errorf("%x, %+v", batch[0].data, got)
	}
}

// One batch has one Set and one second, and none is kept.
func TestWireNotLoaded(t *testing.T) {
	b := newServer(t, config(t), "")
	b.server.view = index.NewLive()
	w := b.server.newWorker()
	if got := b.askBoth(t, w, [][]byte{pack(t, query("7.2.0.192.bl.test.", "A"))}, wirePeers[0]); got != 0 {
		t.Error("answered without a list")
	}
}

func BenchmarkWire(b *testing.B) {
	var list strings.Builder
	for n := range 4096 {
		fmt.Fprintf(&list, "198.51.%d.%d helo-bare-ip\n", n>>8, n&0xff)
	}
	list.WriteString("2001:db8::/64 manual\n198.51.200.7 helo-our-ip\n198.51.200.7 helo-bare-ip\n")
	s := newServer(b, config(b), list.String())
	w := s.server.newWorker()
	name, v6 := "7.3.51.198.bl.test.", reversed(netip.MustParseAddr("2001:db8::7"), "bl.test.")
	jar := s.server.tables.Load().jar
	client, _ := hex.DecodeString("2464c4abcf10c957")
	whole, _ := jar.reply(client, wirePeers[0].Addr(), s.server.clock.Now())
	cookie := func(raw []byte) dns.EDNS0 {
		return &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString(raw)}
	}
	for _, bench := range []struct {
		about string
		raw   []byte
	}{
		{"A", pack(b, query(name, "A"))},
		{"A,EDNS", ednsQuery(b, name, "A", 1232, 1<<15)},
		{"A,new_cookie", ednsQuery(b, name, "A", 1232, 1<<15, cookie(client))},
		{"A,good_cookie", ednsQuery(b, name, "A", 1232, 1<<15, cookie(whole[:]))},
		{"A,two_reasons", pack(b, query("7.200.51.198.bl.test.", "A"))},
		{"A,IPv6", pack(b, query(v6, "A"))},
		{"A,test_point", pack(b, query("2.0.0.127.bl.test.", "A"))},
		{"TXT", pack(b, query(name, "TXT"))},
		{"TXT,IPv6", pack(b, query(v6, "TXT"))},
		{"ANY", pack(b, query(name, "ANY"))},
		{"AAAA", pack(b, query(name, "AAAA"))},
		{"NXDOMAIN", pack(b, query("7.77.51.198.bl.test.", "A"))},
		{"NXDOMAIN,EDNS", ednsQuery(b, "7.77.51.198.bl.test.", "A", 1232, 1<<15)},
		{"NXDOMAIN,IPv6", pack(b, query(reversed(netip.MustParseAddr("2001:db8:1::7"), "bl.test."), "A"))},
		{"NXDOMAIN,junk", pack(b, query("junk.bl.test.", "A"))},
		{"NODATA", pack(b, query("3.51.198.bl.test.", "A"))},
		{"strict_zone", pack(b, query("7.200.51.198.strict.bl.test.", "A"))},
	} {
		b.Run(bench.about, func(b *testing.B) { benchmarkWire(b, w, bench.raw) })
	}
}

// benchmarkWire has whole batches answered; ns/op are for one query.
func benchmarkWire(b *testing.B, w *worker, raw []byte) {
	b.ReportAllocs()
	batch := make([]datagram, batchSize)
	slots := make([][]byte, batchSize)
	for n := range slots {
		slots[n] = make([]byte, 2048)
	}
	before := w.count[countWire].Load()
	b.ResetTimer()
	for n := 0; n < b.N; n += len(batch) {
		for i := range batch {
			batch[i] = datagram{slots[i][:copy(slots[i], raw)], wirePeers[0]}
			binary.BigEndian.PutUint16(batch[i].data, uint16(i))
		}
		w.answer(batch)
	}
	if w.count[countWire].Load()-before < uint64(b.N) {
		b.Error("not on the wire path")
	}
}

// BenchmarkWireMillion is the mix of a resolver over a million hosts: what is
// asked for is not in the caches of the processor.
func BenchmarkWireMillion(b *testing.B) {
	s, queries := million(b)
	w, m := s.server.newWorker(), newMix(queries)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += batchSize {
		w.answer(m.batch(n))
	}
}

// million is a list of a million hosts, and questions about it.
func million(b *testing.B) (s *bench, queries [][]byte) {
	const hosts, asked = 1 << 20, 1 << 18
	r := rand.New(rand.NewPCG(1, 2))
	source := listing.Change{Kind: listing.SourceChange, SourceAfter: &listing.Source{Name: "feed", Until: time.Unix(epoch, 0).Add(listing.Day)}}
	changes := []listing.Change{source}
	addrs := make([]netip.Addr, hosts)
	for n := range addrs {
		ip := 16<<24 + r.Uint32N(1<<20)<<4 + r.Uint32N(1<<5)
		addrs[n] = netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)})
		e := listing.Entry{Key: listing.Key{Subject: listing.HostSubject(addrs[n]), Reason: listing.Imported, Source: "feed"}}
		changes = append(changes, listing.Change{Kind: listing.EntryChange, After: &e})
	}
	set, err := index.NewSet().With(changes)
	if err != nil {
		b.Fatal(err)
	}
	s = newServer(b, config(b), "")
	s.live.Publish(set)
	queries = make([][]byte, asked)
	for n := range queries {
		a := addrs[r.IntN(hosts)]
		if n%3 > 0 { // a miss, most likely
			a = a.Next()
		}
		name := reversed(a, "bl.test.")
		switch {
		case n%10 == 0:
			queries[n] = pack(b, query(name, "TXT"))
		case n%10 < 4:
			queries[n] = ednsQuery(b, name, "A", 1232, 1<<15)
		default:
			queries[n] = pack(b, query(name, "A"))
		}
	}
	return s, queries
}

// mix gives questions a batch at a time.
type mix struct {
	queries   [][]byte
	datagrams []datagram
	slots     []byte
}

func newMix(queries [][]byte) *mix {
	return &mix{queries, make([]datagram, batchSize), make([]byte, batchSize*2048)}
}

func (m *mix) batch(n int) []datagram {
	for i := range m.datagrams {
		slot := m.slots[i*2048:][:2048]
		m.datagrams[i] = datagram{slot[:copy(slot, m.queries[(n+i)%len(m.queries)])], wirePeers[0]}
	}
	return m.datagrams
}
