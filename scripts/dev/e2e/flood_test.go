//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"dnsbld/ctl"
	"dnsbld/scripts/dev/freeport"
)

var flood = flag.Duration("flood", 5*time.Second, "how long TestFlood floods dnsbld; the long campaign takes 60s")

const floodConfig = `[[zone]]
name = "bl.test"
ns = ["ns.bl.test 192.0.2.53"]
[our]
addresses = []
[listen]
web = %q
`

// Strangers send garbage and names that nobody has ever seen, hold slow connections
// open, and connect ten thousand times from a thousand addresses. Meanwhile a resolver
// is answered, over UDP, and over a connection that it makes then; so are a browser
// and an operator.
//
//	resolver 127.0.0.1 ─────────────┐
//	floods 127.0.0.1, 127.1.0.0/16 ─┴─ dnsbld
func TestFlood(t *testing.T) {
	d := &daemon{bin: programs(t), dir: workDir(t)}
	web, file := freeport.Address(t), filepath.Join(d.dir, "dnsbld.toml")
	if err := os.WriteFile(file, fmt.Appendf(nil, floodConfig, web), 0o600); err != nil {
		t.Fatal(err)
	}
	d.flags = []string{"--config", file}
	d.start(t)
	client := ctl.NewClient(d.socket())
	if _, err := client.Add(t.Context(), entry(t, "20.200.0.1")); err != nil {
		t.Fatal(err)
	}
	const connections = 10_000
	limit := unix.Rlimit{Cur: connections + 2000, Max: connections + 2000}
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil || now.Cur < limit.Cur {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit.Cur, Max: max(now.Max, limit.Max)}); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	defer all.Wait()
	ctx, stop := context.WithTimeout(t.Context(), *flood)
	defer stop()
	var sent atomic.Int64
	for range 2 {
		all.Go(func() { d.datagrams(ctx, t, &sent) })
	}
	all.Go(func() { d.connections(ctx, t, web, connections) })
	var took []time.Duration
	for len(took) == 0 || ctx.Err() == nil {
		began := time.Now()
		if !d.listed(t, "20.200.0.1") {
			t.Fatal("a good query is answered wrongly")
		}
		took = append(took, time.Since(began))
		time.Sleep(time.Millisecond)
	}
	tcp := &dns.Client{Net: "tcp", Timeout: time.Minute}
	if a, _, err := tcp.Exchange(new(dns.Msg).SetQuestion("1.0.200.20.bl.test.", dns.TypeA), d.dns); err != nil || len(a.Answer) != 1 {
		t.Errorf("over TCP: %v, %v", a, err)
	}
	if err := (&soaked{web: web}).lookUp(0); err != nil {
		t.Errorf("a browser: %v", err)
	}
	if _, err := client.Status(t.Context()); err != nil {
		t.Errorf("an operator: %v", err)
	}
	all.Wait()
	slices.Sort(took)
	t.Logf("%d datagrams of strangers in %s; %d good queries: half took %s, 99%% took %s", sent.Load(), *flood, len(took), took[len(took)/2], took[len(took)*99/100])
	d.kill(t)
}

// datagrams sends garbage and random names, some ten thousand a second.
func (d *daemon) datagrams(ctx context.Context, t *testing.T, sent *atomic.Int64) {
	c, err := net.Dial("udp", d.dns)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	for garbage := make([]byte, 300); ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		for range 25 {
			_, _ = rand.Read(garbage)
			raw, err := new(dns.Msg).SetQuestion(fmt.Sprintf("%x.%x.bl.test.", garbage[:8], garbage[8:16]), dns.TypeTXT).Pack()
			if err != nil {
				t.Error(err)
			}
			_, _ = c.Write(raw)
			_, _ = c.Write(garbage[:mathrand.IntN(len(garbage))]) // a full queue is what is wanted
			sent.Add(2)
		}
	}
}

// connections are made to DNS and to the pages, from many addresses, and kept: each
// says an octet of what should be a query, and now and then one more.
func (d *daemon) connections(ctx context.Context, t *testing.T, web string, most int) {
	var all []net.Conn
	for n := 0; n < most && ctx.Err() == nil; n++ {
		from := net.Dialer{Timeout: time.Minute, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n/250%4), byte(n%250+1))}}
		c, err := from.DialContext(t.Context(), "tcp", []string{d.dns, web}[n%2]) // has a minute, also at the end
		if err != nil {
			t.Errorf("connection %d: %v", n, err)
			break
		}
		defer c.Close()
		all = append(all, c)
		_, _ = c.Write([]byte{0})
		_, _ = all[mathrand.IntN(len(all))].Write([]byte{0}) // it may be ended by now
	}
	t.Logf("%d connections were made", len(all))
	<-ctx.Done()
}
