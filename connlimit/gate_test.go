package connlimit

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// end is the server's end of a pipe that comes from an address.
type end struct {
	net.Conn
	from string
}

func (e end) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(e.from), 4711))
}

// door is a gate with those who came through it.
type door struct {
	t      *testing.T
	gate   *Gate
	limits Limits
	come   chan net.Conn
	in     net.Listener
}

func newDoor(t *testing.T, l Limits) *door {
	d := &door{t: t, limits: l, come: make(chan net.Conn, 10)}
	d.gate = New(func() Limits { return d.limits }, ByAddress)
	d.in = d.gate.Listen(d)
	return d
}

func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.come:
		return c, nil
	default:
		return nil, io.EOF // nobody waits
	}
}

func (d *door) Close() error   { return nil }
func (d *door) Addr() net.Addr { return nil }

// visitor is one connection, as both sides have it.
type visitor struct {
	client net.Conn
	server net.Conn // nil: turned away
}

// enter connects from an address, a second after the last.
func (d *door) enter(from string) visitor {
	d.t.Helper()
	time.Sleep(time.Second)
	client, server := net.Pipe()
	d.t.Cleanup(func() { client.Close() })
	d.come <- end{server, from}
	c, err := d.in.Accept()
	if err != nil {
		c = nil
	}
	return visitor{client, c}
}

// says has the client say something, and the server hear it.
func (v visitor) says(t *testing.T) {
	t.Helper()
	time.Sleep(time.Second)
	go v.client.Write([]byte("x"))
	if _, err := v.server.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

// open tells whether the server still has the connection.
func (v visitor) open() bool {
	v.client.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := v.client.Read(make([]byte, 1))
	return !errors.Is(err, io.EOF)
}

func wantOpen(t *testing.T, all []visitor, want ...int) {
	t.Helper()
	var got []int
	for n, v := range all {
		if v.open() {
			got = append(got, n)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("open are %v, want %v", got, want)
	}
}

// A client that has all it may have ends the connection of its own that it has let
// lie for longest, and nobody else's.
func TestClientMakesRoomForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, Limits{All: 10, PerClient: 2})
		all := []visitor{d.enter("192.0.2.1"), d.enter("2001:db8::1"), d.enter("2001:db8::2:0:0:1")}
		all[1].says(t)
		all = append(all, d.enter("2001:db8::3"))
		wantOpen(t, all, 0, 1, 3)
		all = append(all, d.enter("2001:db8:0:1::3"), d.enter("::ffff:192.0.2.1"), d.enter("192.0.2.1"))
		wantOpen(t, all, 1, 3, 4, 5, 6)
		if got, want := d.gate.Stats(), (Stats{Open: 5, Ended: 2}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

// When all are taken the one that was idle for longest makes room, whoever has it.
func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, Limits{All: 3})
		all := []visitor{d.enter("192.0.2.1"), d.enter("192.0.2.2"), d.enter("192.0.2.3")}
		all[0].says(t)
		all[1].server.Close()
		all[1].server.Close() // counts once
		all = append(all, d.enter("192.0.2.4"))
		wantOpen(t, all, 0, 2, 3)
		all = append(all, d.enter("192.0.2.5"))
		wantOpen(t, all, 0, 3, 4)
		all = append(all, d.enter("192.0.2.6"))
		wantOpen(t, all, 3, 4, 5)
		d.limits.All = 1 // by a reload
		all = append(all, d.enter("192.0.2.7"))
		wantOpen(t, all, 6)
	})
}

// A request in hand is not idle, however long it takes.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, Limits{All: 2})
		all := []visitor{d.enter("192.0.2.1"), d.enter("192.0.2.2")}
		r, err := http.NewRequestWithContext(Context(t.Context(), tls.Server(all[0].server, nil)), "GET", "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		release := HoldRequest(r)
		all = append(all, d.enter("192.0.2.3"))
		wantOpen(t, all, 0, 2)
		also := Hold(all[2].server)
		all = append(all, d.enter("192.0.2.4"))
		wantOpen(t, all, 0, 2)
		if got, want := d.gate.Stats(), (Stats{Open: 2, Ended: 1, Refused: 1}); all[3].server != nil || got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		also()
		time.Sleep(time.Second)
		release() // so it was busy until now
		all = append(all, d.enter("192.0.2.5"))
		wantOpen(t, all, 0, 4)
		Hold(all[0].client)() // of nobody's count
		HoldRequest(r.WithContext(context.Background()))()
	})
}

// Some clients have no limit of their own. That of all holds for them too.
func TestExempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, Limits{All: 3, PerClient: 1, Exempt: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")}})
		all := []visitor{d.enter("192.0.2.1"), d.enter("192.0.2.1"), d.enter("192.0.2.77"), d.enter("192.0.2.77")}
		wantOpen(t, all, 0, 1, 3)
		all = append(all, d.enter("192.0.2.1"))
		wantOpen(t, all, 1, 3, 4)
	})
}

// A client may be given a time after which its connections end.
func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, Limits{All: 3})
		d.gate.client = func(net.Conn, Limits) Client { return Client{Key: 1, Most: 1, Life: 5 * time.Second} }
		all := []visitor{d.enter("192.0.2.1")}
		all[0].says(t)
		wantOpen(t, all, 0)
		time.Sleep(5 * time.Second)
		wantOpen(t, all)
	})
}

// A client under TLS that takes nothing does not hold up who makes room.
func TestEndsBelowTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, Limits{All: 1})
		client, server := net.Pipe()
		d.come <- tls.Server(end{server, "192.0.2.1"}, &tls.Config{})
		if _, err := d.in.Accept(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		all := []visitor{{client: client}, d.enter("192.0.2.2")}
		wantOpen(t, all, 1)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// Whatever comes and goes: no client has more than it may, all have no more than
// they may, and whoever comes is taken while a connection is idle.
func TestLimitsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Limits{All: rapid.IntRange(1, 6).Draw(t, "all"), PerClient: rapid.IntRange(1, 3).Draw(t, "own")}
		g := New(func() Limits { return l }, ByAddress)
		var open []*Conn
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if len(open) > 0 && rapid.IntRange(0, 3).Draw(t, "what") == 0 {
				at := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				open[at].Close()
				open = slices.Delete(open, at, at+1)
				continue
			}
			_, server := net.Pipe()
			from := rapid.SampledFrom([]string{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"}).Draw(t, "from")
			c := g.admit(end{server, from})
			if c == nil {
				t.Fatalf("turned away from %+v", g.Stats())
			}
			open = append(open, c)
			for key, n := range g.byClient {
				if n > l.PerClient {
					t.Fatalf("%v has %d", key, n)
				}
			}
			if n := len(g.open); n > l.All || n != g.Stats().Open {
				t.Fatalf("%d are open", n)
			}
			for at, c := range g.open {
				if c.at != at {
					t.Fatalf("%d stands at %d", c.at, at)
				}
			}
		}
	})
}

// A Unix socket has no address to be counted by, so it is not counted.
func TestByAddressOfNobody(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if got := ByAddress(a, Limits{PerClient: 3}); got != (Client{}) {
		t.Errorf("%+v", got)
	}
}

// A client is an address, or the IPv6 network of which anybody can take as many
// addresses as he likes.
func TestByAddress(t *testing.T) {
	for in, want := range map[string]string{"192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32",
		"2001:db8::1:2:3:4": "2001:db8::/64", "fe80::1%eth0": "fe80::/64"} {
		if got := ByAddress(end{nil, in}, Limits{PerClient: 3}); got != (Client{Key: netip.MustParsePrefix(want), Most: 3}) {
			t.Errorf("%s: %+v, want %s", in, got, want)
		}
	}
}
