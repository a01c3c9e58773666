package zone

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"dnsbld/connlimit"
	"dnsbld/listing"

	"github.com/miekg/dns"
)

// dial opens a connection to the server.
func (b *bench) dial(network string) net.Conn {
	b.t.Helper()
	c, err := net.DialTimeout(network, b.address(), time.Minute)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// framed is a message as TCP carries it.
func framed(raw []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...)
}

// receive reads one message from TCP.
func receive(c io.Reader) (*dns.Msg, error) {
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return nil, err
	}
	raw := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, raw); err != nil {
		return nil, err
	}
	a := new(dns.Msg)
	return a, a.Unpack(raw)
}

func (b *bench) eventually(what string, ok func() bool) {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("%s: not within a minute", what)
		}
	}
}

// wantClosed reads until the server has closed the connection.
func wantClosed(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, c)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the connection is still open")
	}
}

// T1: pipelined queries are all answered, each by its id; the connection stays
// open.
func TestT1Pipelined(t *testing.T) {
	b := serve(t, config(t), "192.0.2.0/25 helo-bare-ip")
	c := b.dial("tcp")
	const queries = 1000
	var all []byte
	for id := range queries {
		q := query(fmt.Sprintf("%d.2.0.192.bl.test.", id%256), "TXT")
		q.Id = uint16(id)
		all = append(all, framed(pack(t, q))...)
	}
	go c.Write(all)
	seen := map[uint16]bool{}
	for range queries {
		a, err := receive(c)
		if err != nil {
			t.Fatal(err)
		}
		listed := a.Id%256 < 128
		if seen[a.Id] || listed != (len(a.Answer) == 1) || !strings.HasPrefix(a.Question[0].Name, fmt.Sprintf("%d.", a.Id%256)) {
			t.Fatalf("%v", a)
		}
		seen[a.Id] = true
	}
	c.Write(framed(pack(t, query("bl.test.", "SOA"))))
	if a, err := receive(c); err != nil || len(a.Answer) != 1 {
		t.Errorf("afterwards: %v, %v", a, err)
	}
}

// writes counts what is written to a connection at a time.
type writes struct {
	net.Conn
	sizes *[]int
}

func (w writes) Write(b []byte) (int, error) {
	*w.sizes = append(*w.sizes, len(b))
	return w.Conn.Write(b)
}

// T1: length and message go out in one write.
func TestT1OneWrite(t *testing.T) {
	b := newServer(t, config(t), "")
	client, server := net.Pipe()
	var sizes []int
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.server.converse(t.Context(), writes{server, &sizes}, Peer{Over: TCP}, time.Second)
	}()
	client.Write(framed(pack(t, query("bl.test.", "SOA"))))
	a, err := receive(client)
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	<-done
	if raw := b.answer(pack(t, query("bl.test.", "SOA")), TCP); len(sizes) != 1 || sizes[0] != len(raw)+2 {
		t.Errorf("%v octets written at a time for %v", sizes, a)
	}
}

// T1: queries of every size, in pieces, and what gets no answer.
func TestT1Odd(t *testing.T) {
	b := serve(t, config(t), "192.0.2.7 helo-bare-ip")
	c := b.dial("tcp")
	small := framed(pack(t, query("7.2.0.192.bl.test.", "A")))
	large := framed(ednsQuery(t, "7.2.0.192.bl.test.", "A", 1232, 0, &dns.EDNS0_PADDING{Padding: make([]byte, 60000)}))
	for about, raw := range map[string][]byte{"small": small, "large": large} {
		for _, piece := range []int{1, 2, 3, len(raw)} {
			if about == "large" && piece < len(raw) {
				piece += 1 << 14
			}
			for part := range slicesOf(raw, piece) {
				if _, err := c.Write(part); err != nil {
					t.Fatal(err)
				}
			}
			if a, err := receive(c); err != nil || len(a.Answer) != 1 {
				t.Fatalf("%s in pieces of %d: %v, %v", about, piece, a, err)
			}
		}
	}
	response := pack(t, query("7.2.0.192.bl.test.", "A"))
	response[2] |= flagQR
	c.Write(framed(response)) // silence, and the connection stays open
	c.Write(framed(make([]byte, headerSize)))
	if a, err := receive(c); err != nil || a.Rcode != dns.RcodeFormatError {
		t.Errorf("after a message that is no query: %v, %v", a, err)
	}
	c.Write([]byte{0, 3, 1, 2, 3})
	wantClosed(t, c)
}

func slicesOf(raw []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(raw) > 0 {
			n := min(size, len(raw))
			if !yield(raw[:n]) {
				return
			}
			raw = raw[n:]
		}
	}
}

// T2: idle and slow clients are dropped in time.
func TestT2Idle(t *testing.T) {
	c := config(t)
	c.TCP.Idle = 200 * time.Millisecond
	b := serve(t, c, "")
	idle, slow, half := b.dial("tcp"), b.dial("tcp"), b.dial("tcp")
	half.Write([]byte{0, 40, 1, 2, 3})
	stop := make(chan struct{})
	defer close(stop)
	go func() { // octet by octet, each in time
		for _, octet := range framed(pack(t, query("bl.test.", "SOA"))) {
			if _, err := slow.Write([]byte{octet}); err != nil {
				return
			}
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	for _, c := range []net.Conn{idle, slow, half} {
		wantClosed(t, c)
	}
	b.eventually("connections are given back", func() bool { return b.server.Stats().Connections == 0 })
}

// T2: a thousand idle connections delay nobody over UDP.
func TestT2ThousandIdle(t *testing.T) {
	c := config(t)
	c.TCP = Limits{connlimit.Limits{All: 2000, PerClient: 2000}, 30 * time.Second}
	b := serve(t, c, "192.0.2.7 helo-bare-ip")
	half := framed(pack(t, query("bl.test.", "SOA")))
	for n := range 1000 {
		conn := b.dial("tcp")
		if n%2 == 0 {
			conn.Write(half[:n%len(half)])
		}
	}
	b.eventually("all are open", func() bool { return b.server.Stats().Connections == 1000 })
	for range 200 {
		if a := b.ask(query("7.2.0.192.bl.test.", "A"), "udp"); len(a.Answer) != 1 {
			t.Fatal(a)
		}
	}
	if a := b.ask(query("7.2.0.192.bl.test.", "A"), "tcp"); len(a.Answer) != 1 {
		t.Fatal(a)
	}
}

// T2: a client that does not read its answers is dropped, and nobody waits.
func TestT2SlowReader(t *testing.T) {
	c := config(t)
	c.TCP.Idle = 300 * time.Millisecond
	b := serve(t, c, many(t))
	deaf := b.dial("tcp")
	one := framed(pack(t, query("7.2.0.192.bl.test.", "TXT")))
	flood := bytes.Repeat(one, 200)
	deaf.SetWriteDeadline(time.Now().Add(time.Minute)) // it hangs up long before
	var failed error
	for failed == nil {
		_, failed = deaf.Write(flood)
		if a := b.ask(query("bl.test.", "SOA"), "udp"); len(a.Answer) != 1 {
			t.Fatal(a)
		}
	}
	var timeout net.Error
	if errors.As(failed, &timeout) && timeout.Timeout() {
		t.Error("the server did not hang up")
	}
	b.eventually("the connection is given back", func() bool { return b.server.Stats().Connections == 0 })
}

// T2: limits per client and in all. Whoever comes is answered: the connection that
// was idle for longest ends, of the client that has too many or of all.
func TestT2Limits(t *testing.T) {
	c := config(t)
	c.TCP.All, c.TCP.PerClient = 3, 2
	b := serve(t, c, "")
	asks := func(c net.Conn) {
		t.Helper()
		c.Write(framed(pack(t, query("bl.test.", "SOA"))))
		if a, err := receive(c); err != nil || len(a.Answer) != 1 {
			t.Errorf("%v, %v", a, err)
		}
	}
	dial := func(from byte) net.Conn {
		t.Helper()
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, from)}}).DialContext(t.Context(), "tcp", b.address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(time.Minute))
		asks(c)
		return c
	}
	first, second := dial(1), dial(1)
	asks(first)
	third := dial(1)
	wantClosed(t, second)
	fourth := dial(9)
	asks(first)
	fifth := dial(8)
	wantClosed(t, third)
	for _, c := range []net.Conn{first, fourth, fifth} {
		asks(c)
	}
	if got := b.server.Stats(); got.TurnedAway != 2 || got.Connections != 3 {
		t.Errorf("%d turned away, %d open", got.TurnedAway, got.Connections)
	}
	first.Close()
	b.eventually("one is given back", func() bool { return b.server.Stats().Connections == 2 })
}

// T2: edns-tcp-keepalive (RFC 7828) over TCP only, and only when asked for.
func TestT2Keepalive(t *testing.T) {
	c := config(t)
	c.TCP.Idle = 2500 * time.Millisecond
	b := newServer(t, c, "")
	option := &dns.EDNS0_LOCAL{Code: dns.EDNS0TCPKEEPALIVE}
	for _, row := range []struct {
		over  Transport
		asked bool
		want  string
	}{{TCP, true, "25"}, {TCP, false, ""}, {UDP, true, ""}} {
		raw := ednsQuery(t, "bl.test.", "SOA", 1232, 0)
		if row.asked {
			raw = ednsQuery(t, "bl.test.", "SOA", 1232, 0, option)
		}
		a := new(dns.Msg)
		if err := a.Unpack(b.answer(raw, row.over)); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, o := range a.IsEdns0().Option {
			got += fmt.Sprint(o.(*dns.EDNS0_TCP_KEEPALIVE).Timeout)
		}
		if got != row.want {
			t.Errorf("%+v: %q", row, got)
		}
	}
}

// Many ask at once, also for what is the same for all, while the list and the
// configuration change. The race detector watches.
func TestAtOnce(t *testing.T) {
	b := newServer(t, config(t), "192.0.2.7 helo-bare-ip")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				for _, kind := range []string{"SOA", "NS", "A", "AAAA", "MX", "TXT"} {
					if a := b.reply(query("bl.test.", kind), TCP); len(a.Answer) == 0 {
						t.Error(a)
					}
				}
				if a := b.reply(query("7.2.0.192.bl.test.", "A"), UDP); len(a.Answer) != 1 {
					t.Error(a)
				}
			}
		})
	}
	for range 50 {
		b.publish("192.0.2.7 helo-bare-ip\n192.0.2.8 manual")
		if err := b.server.Configure(config(t)); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
}

// A server that stops answers what has arrived, and leaves nothing behind.
func TestDrain(t *testing.T) {
	b := serve(t, config(t), "192.0.2.7 helo-bare-ip")
	busy, udp := b.dial("tcp"), b.dial("udp")
	b.eventually("it is open", func() bool { return b.server.Stats().Connections == 1 })
	raw := pack(t, query("7.2.0.192.bl.test.", "A"))
	busy.Write(bytes.Repeat(framed(raw), 100))
	udp.Write(raw)
	b.server.drain = time.Minute
	b.stop()
	for range 100 {
		if a, err := receive(busy); err != nil || len(a.Answer) != 1 {
			t.Fatalf("over TCP: %v, %v", a, err)
		}
	}
	if n, err := udp.Read(make([]byte, 512)); err != nil || n < headerSize {
		t.Errorf("over UDP: %v", err)
	}
	busy.Close()
	b.packet.Close()
	b.isGone()
}

// A server that stops waits no longer for connections on which nothing comes.
func TestDrainIdle(t *testing.T) {
	b := serve(t, config(t), "")
	idle, busy := b.dial("tcp"), b.dial("tcp")
	busy.Write(framed(pack(t, query("bl.test.", "SOA"))))
	if _, err := receive(busy); err != nil {
		t.Fatal(err)
	}
	b.eventually("they are open", func() bool { return b.server.Stats().Connections == 2 })
	b.server.drain = 10 * time.Millisecond
	b.stop()
	wantClosed(t, idle)
	wantClosed(t, busy)
	b.isGone()
}

// isGone waits for the end of a server, of which nothing may be left.
func (b *bench) isGone() {
	t := b.t
	t.Helper()
	if <-b.done; b.failed != nil {
		t.Error(b.failed)
	}
	if got := b.server.Stats(); got.Connections != 0 || got.SocketErrors != 0 {
		t.Errorf("%+v", got)
	}
	if _, err := net.Dial("tcp", b.stream.Addr().String()); err == nil {
		t.Error("the listener is still open")
	}
}

// A socket on the wildcard address answers from the address that was asked: a
// client takes no answer from another.
func TestWildcardSource(t *testing.T) {
	v4 := []string{"127.0.0.1", "127.0.0.5", "127.1.2.3"}
	sockets := map[string][]string{"0.0.0.0:0": v4, ":0": v4}
	if packet, stream, err := Listen(t.Context(), "[::1]:0"); err == nil { // the host has IPv6
		packet.Close()
		stream.Close()
		both := append(v4, "::1")
		sockets[":0"], sockets["[::]:0"] = both, both
	}
	for listen, asked := range sockets {
		t.Run(listen, func(t *testing.T) {
			b := newServer(t, config(t), "192.0.2.7 helo-bare-ip")
			b.listen(listen)
			port := b.packet.LocalAddr().(*net.UDPAddr).Port
			for _, host := range asked {
				c := dns.Client{Timeout: time.Minute}
				a, _, err := c.Exchange(query("7.2.0.192.bl.test.", "A"), net.JoinHostPort(host, fmt.Sprint(port)))
				if err != nil || len(a.Answer) != 1 {
					t.Errorf("%s: %v, %v", host, a, err)
				}
			}
		})
	}
}

// A socket that fails is counted and does not keep others from answering.
func TestFailingSocket(t *testing.T) {
	b := newServer(t, config(t), "192.0.2.7 helo-bare-ip")
	good, stream, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bad, _, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bad.Close()
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if err := b.server.Serve(ctx, []net.PacketConn{bad, good}, []net.Listener{&failing{Listener: stream}}); err != nil {
			t.Error(err)
		}
	})
	b.packet, b.stream = good, stream
	for _, network := range []string{"udp", "tcp"} {
		if a := b.ask(query("7.2.0.192.bl.test.", "A"), network); len(a.Answer) != 1 {
			t.Error(a)
		}
	}
	stop()
	done.Wait()
	if got := b.server.Stats().SocketErrors; got != 1+failures {
		t.Errorf("%d socket errors", got)
	}
}

// failing fails some times before it accepts, as when there are no more file
// descriptors.
type failing struct {
	net.Listener
	failed int
}

const failures = 5

func (f *failing) Accept() (net.Conn, error) {
	if f.failed < failures {
		f.failed++
		return nil, errors.New("too many open files")
	}
	return f.Listener.Accept()
}

func TestServeRefusesOtherSockets(t *testing.T) {
	b := newServer(t, config(t), "")
	unix, err := net.ListenPacket("unixgram", t.TempDir()+"/socket")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.server.Serve(t.Context(), []net.PacketConn{unix}, nil); err == nil || !strings.Contains(err.Error(), "not a UDP socket") {
		t.Error(err)
	}
}

func TestListen(t *testing.T) {
	packet, stream, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packet.Close()
	defer stream.Close()
	if packet.LocalAddr().(*net.UDPAddr).Port != stream.Addr().(*net.TCPAddr).Port {
		t.Errorf("%s and %s", packet.LocalAddr(), stream.Addr())
	}
	udpOnly, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udpOnly.Close()
	for address, code := range map[string]string{
		stream.Addr().String():       "address-in-use",
		udpOnly.LocalAddr().String(): "address-in-use",
		"192.0.2.1:5300":             "no-such-address",
		"127.0.0.1":                  "bad-address",
		"127.0.0.1:65536":            "bad-address",
		"127.0.0.1:dns":              "bad-address",
		"localhost:53":               "bad-address",
		"":                           "bad-address",
	} {
		_, _, err := Listen(t.Context(), address)
		var e *listing.Error
		if !errors.As(err, &e) || e.Code != code || e.Hint == "" {
			t.Errorf("%s: %v, want %s", address, err, code)
		}
	}
}
