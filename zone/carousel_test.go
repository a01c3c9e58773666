package zone

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"dnsbld/connlimit"
)

// hosts are so many lines of a list.
func hosts(n int) string {
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "45.%d.%d.%d helo-our-ip\n", i>>16&255, i>>8&255, i&255)
	}
	return list.String()
}

// unpacked are the records of frames, by their text.
func unpacked(t testing.TB, frames []byte, to map[string]int) {
	t.Helper()
	for len(frames) > 0 {
		size := binary.BigEndian.Uint16(frames)
		raw := append([]byte{}, frames[2:2+size]...)
		frames = frames[2+size:]
		raw[5] = 1 // there is room for a question
		copy(raw[headerSize:], "\x02bl\x04test\x00\x00\xfc\x00\x01")
		var m dns.Msg
		if err := m.Unpack(raw); err != nil {
			t.Error(err)
			return
		}
		for _, rr := range m.Answer {
			to[rr.String()]++
		}
	}
}

// Whoever gets on a carousel, when and however fast, gets each record once; and
// what those get who are together is rendered once.
func TestCarousel(t *testing.T) {
	b := newServer(t, config(t), hosts(20_000))
	r := rendering{b.server.tables.Load().ordered[0], b.live.Set()}
	records, want := map[string]int{}, 0
	for range r.listRecords() {
		want++
	}
	ride := func(c *carousel, pause func(pieces int)) {
		got, octets := map[string]bool{}, 0
		passenger := rider{}
		for n := 0; c.take(&passenger); n++ {
			got[string(passenger.piece)] = true
			octets += len(passenger.piece)
			pause(n)
		}
		if len(got) != c.all || octets != len(strings.Join(slices.Collect(maps.Keys(got)), "")) {
			t.Errorf("%d different pieces of %d, %d octets", len(got), c.all, octets)
		}
	}
	t.Run("alone", func(t *testing.T) {
		c := newCarousel(r, headerSize+13, windowPieces)
		defer c.stop()
		in := map[string]int{} // the piece that has a name
		for passenger := (rider{}); c.take(&passenger); {
			piece := map[string]int{}
			unpacked(t, passenger.piece, piece)
			for rr, n := range piece {
				records[rr] += n
				name, _, _ := strings.Cut(rr, "\t")
				if at, had := in[name]; had && at != passenger.count {
					t.Errorf("%s is in two pieces", name)
				}
				in[name] = passenger.count
			}
		}
		if len(records) != want {
			t.Errorf("%d records, want %d", len(records), want)
		}
		for rr, n := range records {
			if n != 1 {
				t.Errorf("%d times %s", n, rr)
			}
		}
	})
	never := func(int) {}
	t.Run("together", func(t *testing.T) {
		c := newCarousel(r, headerSize+13, windowPieces)
		defer c.stop()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { ride(c, func(int) { time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond) }) })
		}
		all.Wait()
		c.stop() // it makes some ahead
		if c.made > c.all+ahead {
			t.Errorf("%d pieces were made for ten, of %d", c.made, c.all)
		}
	})
	t.Run("later", func(t *testing.T) {
		c := newCarousel(r, headerSize+13, 3)
		defer c.stop()
		half, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			<-half
			ride(c, never)
		}()
		ride(c, func(n int) {
			if n == 20 {
				close(half)
			}
		})
		<-done
	})
	t.Run("slower", func(t *testing.T) {
		c := newCarousel(r, headerSize+13, 3)
		defer c.stop()
		first, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			ride(c, func(n int) {
				if n == 5 { // then the other one is far ahead
					<-first
				}
			})
		}()
		ride(c, never)
		close(first)
		<-done
	})
	t.Run("gone", func(t *testing.T) {
		var all carousels
		one, other := all.board(r, headerSize+13), all.board(r, headerSize+13)
		if one != other {
			t.Error("two of the same")
		}
		one.take(&rider{})
		all.leave(one)
		other.take(&rider{})
		all.leave(other)
		select {
		case <-one.ended:
		default:
			t.Error("it goes on without riders")
		}
		if len(all.all) != 0 {
			t.Errorf("%d are left", len(all.all))
		}
	})
}

// A reader that stops or vanishes holds up nobody and leaves nothing behind.
func TestSlowTransfers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := transferConfig(t)
		c.Zones[0].TransferKey, c.Zones[0].TransferFrom = "", []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		b := newServer(t, c, hosts(3000))
		var open sync.WaitGroup
		connect := func(from string) net.Conn {
			client, server := net.Pipe() // without any buffer
			open.Go(func() {
				b.server.converse(t.Context(), server, Peer{Addr: netip.MustParseAddrPort(from), Over: TCP}, 300*time.Millisecond)
			})
			if _, err := client.Write(framed(pack(t, axfr("bl.test.")))); err != nil {
				t.Fatal(err)
			}
			return client
		}
		for n := range 20 {
			stuck := connect("192.0.2.7:4000")
			defer stuck.Close()
			if n%2 == 0 {
				if _, err := io.CopyN(io.Discard, stuck, 100); n < mostOfClient && err != nil {
					t.Error(err)
				}
				stuck.Close()
			}
		}
		good := connect("192.0.2.8:4000")
		soas := 0
		for soas < 2 {
			m, err := receive(good)
			if err != nil {
				t.Fatal(err)
			}
			for _, rr := range m.Answer {
				if rr.Header().Rrtype == dns.TypeSOA {
					soas++
				}
			}
		}
		good.Close()
		open.Wait()
		if len(b.server.carousels.all) != 0 || b.server.admission.all != 0 || len(b.server.admission.from) != 0 {
			t.Errorf("left behind: %d carousels, %d turns", len(b.server.carousels.all), b.server.admission.all)
		}
	})
}

// A thousand at once take a bounded room, and each gets the zone or an end.
func TestThousandTransfers(t *testing.T) {
	c := transferConfig(t)
	c.TCP = Limits{Limits: connlimit.Limits{All: 2000, PerClient: 2000}, Idle: 20 * time.Second}
	b := serve(t, c, hosts(500))
	raw := framed(pack(t, axfr("strict.bl.test.")))
	var before, most runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	connections := make([]net.Conn, 1000)
	for n := range connections {
		connections[n] = b.dial("tcp")
		connections[n].SetDeadline(time.Now().Add(3 * time.Minute))
		if _, err := connections[n].Write(raw); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	var whole atomic.Int64
	for n, conn := range connections {
		all.Go(func() {
			defer conn.Close()
			switch n % 10 {
			case 0: // vanishes
			case 1: // vanishes in the middle
				io.CopyN(io.Discard, conn, 500)
			default:
				soas := 0
				for soas < 2 {
					m, err := receive(conn)
					if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // it was not its turn for long
						return
					}
					if err != nil {
						t.Errorf("client %d: %v", n, err)
						return
					}
					for _, rr := range m.Answer {
						if rr.Header().Rrtype == dns.TypeSOA {
							soas++
						}
					}
				}
				whole.Add(1)
			}
		})
	}
	runtime.GC() // what is garbage takes no room for long
	runtime.ReadMemStats(&most)
	if grown := int64(most.HeapAlloc) - int64(before.HeapAlloc); grown > 60<<20 {
		t.Errorf("the heap has grown by %d MB", grown>>20)
	}
	all.Wait()
	if whole.Load() < 50 {
		t.Errorf("%d have the zone", whole.Load())
	}
	b.eventually("all turns given back", func() bool {
		b.server.admission.mu.Lock()
		defer b.server.admission.mu.Unlock()
		return b.server.admission.all == 0
	})
	if _, _, err := b.pull(axfr("strict.bl.test."), ""); err != nil {
		t.Error(err)
	}
}
