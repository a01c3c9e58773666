package zone

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"

	"github.com/miekg/dns"
)

// Tests here are tables in the text of zone files. A list is one entry a line:
//
//	192.0.2.0/24 network [until=SECONDS] [except] [source=NAME] [allow] [text=WORDS…]
//
// Questions and answers are blocks with an empty line between:
//
//	? 7.2.0.192.bl.test. A
//	NOERROR
//	7.2.0.192.bl.test. 300 IN A 127.0.0.2
//
// The second line is an rcode, with the extended error if there is one, or
// NODATA. Everything is asked over UDP and TCP, and the answers must be alike.

// epoch is when tests take place, in Unix seconds.
const epoch = 1_800_000_000

// bench is a server under test.
type bench struct {
	t      testing.TB
	server *Server
	live   *index.Live
	now    atomic.Int64 // in milliseconds
	clock  *index.Clock
	packet net.PacketConn
	stream net.Listener
	stop   context.CancelFunc
	done   chan struct{} // closed when Serve has returned
	failed error         // what it returned
}

func reasons(t testing.TB) *listing.Reasons {
	t.Helper()
	r, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// config is two zones, one of all published reasons and one of three.
func config(t testing.TB) Config {
	ns := []NameServer{
		{Name: "ns1.bl.test", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8::53")}},
		{Name: "ns2.example.test"},
	}
	return Config{Reasons: reasons(t), Zones: []Zone{
		{Name: "bl.test", NS: ns, Page: "https://bl.example/",
			Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.80"), netip.MustParseAddr("2001:db8::80")},
			TXT:       []string{"This is a DNS blocklist"}, MX: []MX{{10, "mail.example.test"}},
			Policy: `Lists hosts that greet with a "bogus" HELO \ name`},
		{Name: "strict.bl.test", NS: ns, Page: "https://bl.example/", Reasons: []listing.Reason{3, 4, 5}},
	}}
}

// newServer is a server over a list, without sockets.
func newServer(t testing.TB, c Config, list string) *bench {
	t.Helper()
	b := &bench{t: t, live: index.NewLive()}
	b.now.Store(epoch * 1000)
	b.clock = index.NewClock(b.time)
	b.live.Protect(listing.DefaultPolicy().NeverList())
	b.publish(list)
	var err error
	if b.server, err = New(b.live, b.clock, c); err != nil {
		t.Fatal(err)
	}
	return b
}

// serve is a server on sockets of the loopback interface.
func serve(t testing.TB, c Config, list string) *bench {
	t.Helper()
	b := newServer(t, c, list)
	b.listen("127.0.0.1:0")
	return b
}

func (b *bench) listen(address string) {
	b.t.Helper()
	var err error
	if b.packet, b.stream, err = Listen(b.t.Context(), address); err != nil {
		b.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stop, b.done = stop, make(chan struct{})
	go func() {
		defer close(b.done)
		b.failed = b.server.Serve(ctx, []net.PacketConn{b.packet}, []net.Listener{b.stream})
	}()
	b.t.Cleanup(func() {
		stop()
		<-b.done
	})
}

func (b *bench) time() time.Time  { return time.UnixMilli(b.now.Load()) }
func (b *bench) address() string  { return b.packet.LocalAddr().String() }
func (b *bench) publish(l string) { b.live.Publish(set(b.t, l)) }

// at moves the clock to some time after the epoch.
func (b *bench) at(after time.Duration) {
	b.now.Store(epoch*1000 + after.Milliseconds())
	b.clock = index.NewClock(b.time)
	b.server.clock = b.clock
}

// set is a list at revision 4711.
func set(t testing.TB, list string) *index.Set {
	t.Helper()
	const revision = 4711
	changes := []listing.Change{{Kind: listing.ConfigChange}}
	sources := map[string]bool{"": true}
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		c, source := change(t, fields)
		if !sources[source] {
			sources[source] = true
			changes = append(changes, listing.Change{Kind: listing.SourceChange,
				SourceAfter: &listing.Source{Name: source, Until: time.Unix(epoch, 0).Add(listing.Day)}})
		}
		changes = append(changes, c)
	}
	for n := range changes {
		changes[n].Revision = revision
	}
	s, err := index.NewSet().With(changes)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func change(t testing.TB, fields []string) (c listing.Change, source string) {
	t.Helper()
	subject, err := listing.ParseSubject(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	if fields[1] == "allow" {
		return listing.Change{Kind: listing.AllowChange, AllowAfter: &listing.Allow{Subject: subject, Owner: "postmaster"}}, ""
	}
	info, err := reasons(t).Find(fields[1])
	if err != nil {
		t.Fatal(err)
	}
	e := listing.Entry{Key: listing.Key{Subject: subject, Reason: info.Code}, Until: time.Unix(epoch, 0).Add(3 * listing.Day)}
	for n, f := range fields[2:] {
		key, value, _ := strings.Cut(f, "=")
		switch key {
		case "until":
			after, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			e.Until = time.Unix(epoch+int64(after), 0)
		case "except":
			e.Except = true
		case "source":
			e.Source = value
		case "text":
			e.PublicNote = strings.Join(append([]string{value}, fields[n+3:]...), " ")
			return listing.Change{Kind: listing.EntryChange, After: &e}, e.Source
		default:
			t.Fatalf("list: %q", f)
		}
	}
	return listing.Change{Kind: listing.EntryChange, After: &e}, e.Source
}

// expects asks what the blocks of a table ask, and compares.
func (b *bench) expects(table string) {
	b.t.Helper()
	for block := range strings.SplitSeq(table, "\n\n") {
		var lines []string
		for line := range strings.Lines(block) {
			if line = strings.TrimSpace(line); line != "" && line[0] != ';' {
				lines = append(lines, line)
			}
		}
		if len(lines) == 0 {
			continue
		}
		fields := strings.Fields(lines[0])
		if len(lines) < 2 || fields[0] != "?" {
			b.t.Fatalf("not a block:\n%s", block)
		}
		b.expect(fields[1], fields[2:], lines[1], lines[2:])
	}
}

func (b *bench) expect(name string, kind []string, status string, records []string) {
	b.t.Helper()
	q := query(name, kind...)
	q.SetEdns0(ednsSize, false)
	udp, tcp := b.ask(q, "udp"), b.ask(q, "tcp")
	if udp.Truncated {
		udp = tcp
	}
	if udp.String() != tcp.String() {
		b.t.Errorf("%s: over UDP\n%v\nover TCP\n%v", q.Question[0].String(), udp, tcp)
	}
	b.judge(q, udp, status, records)
}

// judge compares an answer with what a block says.
func (b *bench) judge(q, a *dns.Msg, status string, records []string) {
	b.t.Helper()
	about := strings.TrimPrefix(q.Question[0].String(), ";")
	var want, got []string
	for _, r := range records {
		rr, err := dns.NewRR(r)
		if err != nil {
			b.t.Fatalf("%s: %v", r, err)
		}
		want = append(want, rr.String())
	}
	for _, rr := range a.Answer {
		got = append(got, rr.String())
	}
	if is := statusOf(a); is != status {
		b.t.Errorf("%s: %s, want %s", about, is, status)
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("%s:\n got %s\nwant %s", about, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	authoritative := a.Rcode == dns.RcodeSuccess || a.Rcode == dns.RcodeNameError
	if a.Authoritative != authoritative || a.RecursionAvailable || !a.Response || a.Id != q.Id {
		b.t.Errorf("%s: header %v", about, a.MsgHdr)
	}
	if !bytes.Equal(pack(b.t, &dns.Msg{Question: a.Question}), pack(b.t, &dns.Msg{Question: q.Question})) {
		b.t.Errorf("%s: question %v", about, a.Question)
	}
	negative := authoritative && len(a.Answer) == 0
	if soa := len(a.Ns) == 1 && a.Ns[0].Header().Rrtype == dns.TypeSOA; negative != soa || len(a.Ns) > 1 {
		b.t.Errorf("%s: authority %v", about, a.Ns)
	}
}

// statusOf is the second line of a block.
func statusOf(a *dns.Msg) string {
	status := dns.RcodeToString[a.Rcode]
	if a.Rcode == dns.RcodeSuccess && len(a.Answer) == 0 {
		status = "NODATA"
	}
	if opt := a.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok {
				status += " EDE " + strconv.Itoa(int(e.InfoCode))
			}
		}
	}
	return status
}

// query is a question: NAME, [CLASS] TYPE.
func query(name string, kind ...string) *dns.Msg {
	q := new(dns.Msg)
	q.Id = dns.Id()
	q.Question = []dns.Question{{Name: name, Qtype: typeOf(kind[len(kind)-1]), Qclass: dns.ClassINET}}
	if len(kind) == 2 {
		q.Question[0].Qclass = dns.StringToClass[kind[0]]
	}
	return q
}

func typeOf(text string) uint16 {
	if t, known := dns.StringToType[text]; known {
		return t
	}
	n, _ := strconv.Atoi(strings.TrimPrefix(text, "TYPE"))
	return uint16(n)
}

// ask sends a query with a stock client.
func (b *bench) ask(q *dns.Msg, network string) *dns.Msg {
	b.t.Helper()
	c := dns.Client{Net: network, UDPSize: ednsSize, Timeout: time.Minute}
	a, _, err := c.Exchange(q, b.address())
	if err != nil {
		b.t.Fatalf("%v over %s: %v", q.Question, network, err)
	}
	return a
}

// answer has raw octets answered, without a socket.
func (b *bench) answer(raw []byte, over Transport) []byte {
	return b.server.Answer(nil, raw, Peer{Addr: netip.MustParseAddrPort("192.0.2.1:53"), Over: over})
}

// reply has a query answered, without a socket.
func (b *bench) reply(q *dns.Msg, over Transport) *dns.Msg {
	b.t.Helper()
	a := new(dns.Msg)
	if raw := b.answer(pack(b.t, q), over); raw == nil {
		b.t.Fatalf("%v: silence", q)
	} else if err := a.Unpack(raw); err != nil {
		b.t.Fatalf("%v: %v", q, err)
	}
	return a
}

func pack(t testing.TB, q *dns.Msg) []byte {
	t.Helper()
	raw, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
