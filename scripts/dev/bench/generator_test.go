package main

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dnsbld/scripts/dev/freeport"
)

// serve answers queries on a loopback socket: reply makes an answer of a query, nil for none.
func serve(t *testing.T, reply func(n int, query []byte) []byte) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadBuffer(4 << 20); err != nil { // a late generator sends a whole window at once
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = conn.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, maxReply)
		for i := 0; ; i++ {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if r := reply(i, buf[:n]); r != nil {
				_, _ = conn.WriteToUDPAddrPort(r, from)
			}
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func noCPU() (time.Duration, error) { return 0, nil }

func measureWith(t *testing.T, l load, ru rules, reply func(int, []byte) []byte) measurement {
	t.Helper()
	l.warmup = 20 * time.Millisecond
	if l.window == 0 {
		l.window = 100 * time.Millisecond
	}
	if l.timeout == 0 {
		l.timeout = 10 * time.Second // only where queries are lost does anybody wait for it
	}
	d := newDataset(1, 1000, 24)
	g, err := newGenerator(serve(t, reply), newPool(d, 1, "bl.test", 500, coverage{}), ru, l)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	m, err := g.run(noCPU)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func loops() map[string]load {
	return map[string]load{
		"closed":             {sockets: 4, outstanding: 4},
		"closed, many ports": {sockets: 40, outstanding: 1},
		"open":               {sockets: 4, rate: 5000},
		"open, many ports":   {sockets: 256, rate: 5000},
	}
}

func TestEveryAnswerIsCounted(t *testing.T) {
	for name, l := range loops() {
		m := until(l, func(l load) (measurement, bool) {
			m := measureWith(t, l, rules{echo: true}, func(_ int, q []byte) []byte { return q })
			return m, m.Sent > 0
		})
		if m.Void || m.Sent == 0 || m.Answered != m.Sent || m.Lost != 0 || m.Wrong != 0 || m.Stray != 0 {
			t.Errorf("%s: %+v", name, m)
		}
		if m.P50 <= 0 || m.P50 > m.P99 || m.P99 > m.P999 {
			t.Errorf("%s: percentiles %v %v %v", name, m.P50, m.P99, m.P999)
		}
	}
}

func TestOpenLoopSendsWhatIsDue(t *testing.T) {
	m := measureWith(t, load{sockets: 4, rate: 5000}, rules{echo: true}, func(_ int, q []byte) []byte { return q })
	if m.Sent != 500 {
		t.Errorf("sent %d queries in 100 ms at 5000/s", m.Sent)
	}
}

// until measures until something comes about: where the machine has no time for the server or the generator within a
// window, a longer one is tried.
func until(l load, measure func(load) (m measurement, done bool)) measurement {
	for l.window = 100 * time.Millisecond; ; l.window *= 2 {
		if m, done := measure(l); done || l.window > 5*time.Second {
			return m
		}
	}
}

func TestLostQueriesAreCounted(t *testing.T) {
	for name, l := range loops() {
		l.timeout = 60 * time.Millisecond
		m := until(l, func(l load) (measurement, bool) {
			m := measureWith(t, l, rules{echo: true}, func(n int, q []byte) []byte {
				if n%10 == 9 {
					return nil
				}
				return q
			})
			return m, m.Lost > 0 && m.Answered > 0 && !m.Void
		})
		if m.Lost == 0 || m.Answered == 0 || m.Sent != m.Answered+m.Lost || m.Void {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestOneWrongAnswerMakesARunVoid(t *testing.T) {
	for name, l := range loops() {
		m := until(l, func(l load) (measurement, bool) {
			m := measureWith(t, l, rules{echo: true}, func(n int, q []byte) []byte {
				if n == 50 {
					return q[:len(q)-1]
				}
				return q
			})
			return m, m.Wrong > 0
		})
		if !m.Void || m.Wrong != 1 || !strings.Contains(m.Example, "bl.test. ") {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestSilenceIsVoid(t *testing.T) {
	m := until(load{sockets: 2, outstanding: 2, timeout: 60 * time.Millisecond}, func(l load) (measurement, bool) {
		m := measureWith(t, l, rules{echo: true}, func(int, []byte) []byte { return nil })
		return m, m.Sent > 0
	})
	if !m.Void || m.Answered != 0 || m.Lost != m.Sent || m.Example == "" {
		t.Errorf("%+v", m)
	}
}

// An answer to a query that was not asked is no answer.
func TestForeignIDsAreStray(t *testing.T) {
	m := until(load{sockets: 2, outstanding: 2, timeout: 60 * time.Millisecond}, func(l load) (measurement, bool) {
		m := measureWith(t, l, rules{echo: true}, func(_ int, q []byte) []byte {
			q[0] ^= 0x80
			return q
		})
		return m, m.Stray > 0
	})
	if !m.Void || m.Answered != 0 || m.Stray == 0 {
		t.Errorf("%+v", m)
	}
}

func TestClosedPortEndsTheRun(t *testing.T) {
	addr := netip.MustParseAddrPort(freeport.Address(t))
	l := load{sockets: 4, rate: 10000, window: time.Minute}
	g, err := newGenerator(addr, newPool(newDataset(1, 100, 24), 1, "bl.test", 10, coverage{}), strict, l)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	if _, err := g.run(noCPU); !errors.Is(err, errGone) {
		t.Errorf("a run against nobody: %v", err)
	}
}

// A server that stalls must not make the generator ask less: what was due meanwhile waits, and that is its latency.
func TestStallsShowInLatencies(t *testing.T) {
	const stall = 30 * time.Millisecond
	m := measureWith(t, load{sockets: 4, rate: 5000}, rules{echo: true}, func(n int, q []byte) []byte {
		if n == 300 {
			time.Sleep(stall)
		}
		return q
	})
	// 150 of 500 queries fell due in the stall: p99 is near its whole length.
	if m.P99 < 0.8*float64(stall.Microseconds()) {
		t.Errorf("p99 is %.0f µs after a stall of %v", m.P99, stall)
	}
}
