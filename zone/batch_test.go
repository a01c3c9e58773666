package zone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"dnsbld/listing"

	"github.com/miekg/dns"
)

// portable runs a test with batches, and as on systems without.
func portable(t *testing.T, test func(*testing.T, Config)) {
	for about, is := range map[string]bool{"batches": false, "one by one": true} {
		t.Run(about, func(t *testing.T) {
			c := config(t)
			c.Portable = is
			test(t, c)
		})
	}
}

// Many clients ask at once, for what either path answers, and among it comes
// what gets no answer: each gets what it asked for, and nothing else.
func TestUDPMix(t *testing.T) {
	portable(t, func(t *testing.T, c Config) {
		c.Coalesce = 250 * time.Microsecond
		b := serve(t, c, wireList)
		const clients, rounds = 16, 40
		var all sync.WaitGroup
		for n := range clients {
			all.Go(func() { b.mix(n, rounds) })
		}
		all.Wait()
		got := b.server.Stats().UDP
		if onWire := got["wire"] > 0; onWire == c.Portable || got["queries"] != clients*rounds*6 || got["silence"] != clients*rounds*2 || got["listed"] != clients*rounds*2 || got["data"] != clients*rounds {
			t.Errorf("%+v", got)
		}
		if errs := b.server.Stats().SocketErrors; errs != 0 {
			t.Errorf("%d socket errors", errs)
		}
	})
}

// mix asks from one port: each round six datagrams, and four answers.
func (b *bench) mix(client, rounds int) {
	conn := b.dial("udp")
	response := pack(b.t, query("7.2.0.192.bl.test.", "A"))
	response[2] |= flagQR
	for n := range rounds {
		id := uint16(client<<8 | n)
		asked := []*dns.Msg{query("7.2.0.192.bl.test.", "A"), query("9.2.0.192.bl.test.", "TXT"), query("bl.test.", "SOA"), query("7.7.7.7.bl.test.", "A")}
		conn.Write(response)
		for k, q := range asked {
			q.Id = id ^ uint16(k)<<14
			conn.Write(pack(b.t, q))
			if k == 1 {
				conn.Write([]byte{1, 2, 3})
			}
		}
		b.take(conn, asked)
	}
}

// take reads the answers to some queries, in whatever order.
func (b *bench) take(conn net.Conn, asked []*dns.Msg) {
	open := map[uint16]*dns.Msg{}
	for _, q := range asked {
		open[q.Id] = q
	}
	buf := make([]byte, 2048)
	for range asked {
		n, err := conn.Read(buf)
		if err != nil {
			b.t.Error(err)
			return
		}
		a := new(dns.Msg)
		if err := a.Unpack(buf[:n]); err != nil || open[a.Id] == nil || a.Question[0] != open[a.Id].Question[0] {
			b.t.Errorf("%v, %v", a, err)
			return
		}
		delete(open, a.Id)
	}
}

// A query of any size that UDP carries is answered.
func TestUDPLarge(t *testing.T) {
	portable(t, func(t *testing.T, c Config) {
		b := serve(t, c, "192.0.2.7 helo-bare-ip")
		for _, size := range []int{1200, 2100, 9000, 65000} {
			raw := ednsQuery(t, "7.2.0.192.bl.test.", "A", 1232, 0, &dns.EDNS0_PADDING{Padding: make([]byte, size)})
			conn := b.dial("udp")
			conn.Write(raw)
			buf := make([]byte, 2048)
			n, err := conn.Read(buf)
			a := new(dns.Msg)
			if err != nil || a.Unpack(buf[:n]) != nil || len(a.Answer) != 1 {
				t.Errorf("%d octets: %v, %v", size, a, err)
			}
		}
	})
}

// Answers come from the address that was asked, also for those of a batch.
func TestUDPWildcard(t *testing.T) {
	portable(t, func(t *testing.T, c Config) {
		b := newServer(t, c, wireList)
		b.listen("0.0.0.0:0")
		port := b.packet.LocalAddr().(*net.UDPAddr).Port
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() {
				host := fmt.Sprintf("127.0.0.%d", 10+n)
				conn, err := net.Dial("udp", net.JoinHostPort(host, fmt.Sprint(port)))
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(time.Minute))
				for range 20 {
					asked := []*dns.Msg{query("7.2.0.192.bl.test.", "A"), query("bl.test.", "SOA"), query("1.1.1.1.bl.test.", "A")}
					for k, q := range asked {
						q.Id = uint16(k)
						conn.Write(pack(t, q))
					}
					b.take(conn, asked)
				}
			})
		}
		all.Wait()
	})
}

// Questions that came before the server stops are answered, and the port is free
// afterwards.
func TestUDPDrain(t *testing.T) {
	portable(t, func(t *testing.T, c Config) {
		b := serve(t, c, "192.0.2.7 helo-bare-ip")
		conn := b.dial("udp")
		const queries = 200
		raw := pack(t, query("7.2.0.192.bl.test.", "A"))
		for range queries {
			conn.Write(raw)
		}
		b.server.drain = time.Minute
		b.stop()
		buf := make([]byte, 512)
		for n := range queries {
			if _, err := conn.Read(buf); err != nil {
				t.Fatalf("after %d: %v", n, err)
			}
		}
		b.packet.Close() // what is not on the wire path waits for more until then
		<-b.done
		again, stream, err := Listen(t.Context(), b.address())
		if err != nil {
			t.Fatal(err)
		}
		again.Close()
		stream.Close()
	})
}

// Workers divide one port; whoever else wants it is told that it is taken.
func TestWorkers(t *testing.T) {
	const workers = 3
	b := newServer(t, config(t), "192.0.2.7 helo-bare-ip")
	packets, stream, err := ListenWorkers(t.Context(), "127.0.0.1:0", workers)
	if err != nil {
		t.Fatal(err)
	}
	if len(packets) != workers {
		t.Fatalf("%d sockets", len(packets))
	}
	b.packet, b.stream = packets[0], stream
	_, _, err = ListenWorkers(t.Context(), b.address(), workers)
	var e *listing.Error
	if !errors.As(err, &e) || e.Code != "address-in-use" {
		t.Errorf("a second server: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.server.Serve(ctx, packets, []net.Listener{stream}) }()
	for range 50 { // from as many ports
		if a := b.ask(query("7.2.0.192.bl.test.", "A"), "udp"); len(a.Answer) != 1 {
			t.Fatal(a)
		}
	}
	b.server.workers.mu.Lock()
	busy := 0
	for _, one := range b.server.workers.all {
		if one.counters[countWire].Load() > 0 {
			busy++
		}
	}
	b.server.workers.mu.Unlock()
	if got := b.server.Stats().UDP; got["queries"] != 50 || got["wire"] != 50 || busy < 2 {
		t.Errorf("%d workers, %+v", busy, got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The list may be replaced while a worker waits: the next query is answered
// from the new one.
func TestWireFollows(t *testing.T) {
	b := serve(t, config(t), "")
	for n := range 20 {
		list := ""
		if n%2 == 1 {
			list = "192.0.2.7 helo-bare-ip"
		}
		b.publish(list)
		if a := b.ask(query("7.2.0.192.bl.test.", "A"), "udp"); len(a.Answer) != n%2 {
			t.Fatalf("%d: %v", n, a)
		}
	}
	if got := b.server.Stats().UDP; got["wire"] != 20 {
		t.Errorf("%+v", got)
	}
}

func TestPeerOfBatch(t *testing.T) {
	b := serve(t, config(t), "192.0.2.7 helo-bare-ip")
	q := cookieQuery(clientHex)
	client := dns.Client{Timeout: time.Minute}
	a, _, err := client.Exchange(q, b.address())
	if err != nil {
		t.Fatal(err)
	}
	jar := b.server.tables.Load().jar
	want, _ := jar.reply([]byte("\x24\x64\xc4\xab\xcf\x10\xc9\x57"), netip.MustParseAddr("127.0.0.1"), b.clock.Now())
	if got := cookieOf(a); got != fmt.Sprintf("%x", want) {
		t.Errorf("%s, want %x: made for another address", got, want)
	}
}
