package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dnsbld/ctl"
)

const (
	webRate    = 2000 // lookups a second: half of them pages, half JSON
	webClients = 16   // that share them, each over one connection
	webSeen    = 90   // addresses that are listed from sessions, with a history: fewer than the breaker stops
	webSingles = 300  // lookups one after the other
)

// webConfig lifts the limits for one client, gives sessions something to pretend to be, and has them count at once.
const webConfig = `
[limits]
web_per_minute = 100000000
api_per_minute = 100000000
[our]
addresses = ["192.0.2.25", "192.0.2.26"]
[sensor]
probation = "0"`

// opWeb: how long a page and the JSON of an address take, what they cost at 2,000 a second on the daemon's one core, and
// what DNS on that core notices. A third of the addresses are listed from sessions with a history of them, a third are
// imported, a third are not listed.
func opWeb(ctx context.Context, o *operations, name string) error {
	d, base, err := o.daemonWithPages(ctx, name)
	if err != nil {
		return err
	}
	defer d.proc.stop()
	small := newDataset(o.options.seed+1, 1000, 24)
	if _, err := d.load(ctx, small, false); err != nil {
		return err
	}
	if err := d.sessions(ctx); err != nil {
		return err
	}
	v := newVisitors(base, small)
	for _, kind := range []string{"/", "/api/v1/ip/"} {
		what := map[string]string{"/": "page", "/api/v1/ip/": "JSON"}[kind]
		took, err := v.singles(ctx, kind)
		if err != nil {
			return err
		}
		o.figure(name, what+", median, one at a time", millis(took), "ms")
	}
	p := hitsOnly(small, o.options.seed, o.env.zone)
	spells := int(o.options.window / quietSpell)
	if err := o.spells(d, p, name, "without lookups", times(spells)); err != nil {
		return err
	}
	return o.visited(ctx, d, p, v, name, spells)
}

// visited asks DNS while people look addresses up.
func (o *operations) visited(ctx context.Context, d *dnsbld, p *pool, v *visitors, name string, spells int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pids, err := family(d.proc.pid)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() { v.visit(ctx); close(done) }()
	ran, err := runTime(pids)
	began := time.Now()
	if err == nil { // alone first: what lookups cost
		time.Sleep(o.options.window)
	}
	after, err2 := runTime(pids)
	alone, lasted := v.count.Load(), time.Since(began)
	if err == nil && err2 == nil {
		err = o.spells(d, p, name, fmt.Sprintf("with %d lookups/s", webRate), times(spells))
	}
	cancel()
	<-done
	if err != nil || err2 != nil {
		return fmt.Errorf("lookups beside DNS: %w", firstError(err, err2))
	}
	if failed := v.failed.Load(); failed != nil {
		return *failed
	}
	o.figure(name, "lookups a second", float64(alone)/lasted.Seconds(), "lookups/s")
	o.figure(name, "CPU of a lookup", (after-ran).Seconds()*1e6/float64(max(alone, 1)), "µs")
	o.figure(name, "lookup, median, beside all others", millis(v.median()), "ms")
	return nil
}

func firstError(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// daemonWithPages starts dnsbld with pages on a free port of loopback.
func (o *operations) daemonWithPages(ctx context.Context, name string) (*dnsbld, string, error) {
	s, err := o.env.newSite("op-"+name, o.data)
	if err != nil {
		return nil, "", err
	}
	d, err := startDnsbld(ctx, s, webConfig)
	if err != nil {
		return nil, "", err
	}
	d.proc.stop()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	web := free.Addr().String()
	if err := free.Close(); err != nil {
		return nil, "", err
	}
	d.argv = append(slices.Clone(d.argv), "--web", web)
	if d.proc, err = startProcess(s.dir, s.env.serverCPU, d.argv); err == nil {
		err = d.awaitReady(ctx)
	}
	return d, "http://" + web, err
}

// sessions makes addresses known from sessions, in which they pretend to be us.
func (d *dnsbld) sessions(ctx context.Context) error {
	var b strings.Builder
	at := time.Now().Add(-time.Hour)
	for n := range webSeen {
		for i := range 12 {
			fmt.Fprintf(&b, `{"time":%q,"receiver":"mx%d","id":"%d-%d","client":%q,"helo":"192.0.2.%d"}`+"\n", at.Add(time.Duration(i)*time.Second).UTC().Format(time.RFC3339),
				1+i%2, n, i, addAddress(uint32(n)), 25+i%2)
		}
	}
	got, err := ctl.NewClient(d.socket).Observe(ctx, ctl.None{}, strings.NewReader(b.String()))
	if err == nil && len(got.Listed) != webSeen {
		err = fmt.Errorf("%d addresses are listed, not %d", len(got.Listed), webSeen)
	}
	return err
}

// visitors look addresses up.
type visitors struct {
	base      string
	addresses []netip.Addr
	client    *http.Client
	count     atomic.Int64
	failed    atomic.Pointer[error]
	mu        sync.Mutex
	took      []time.Duration
}

func newVisitors(base string, imported *dataset) *visitors {
	v := &visitors{base: base, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: webClients}, Timeout: 5 * time.Second}}
	for n := range webSeen {
		v.addresses = append(v.addresses, addAddress(uint32(n)), addr4(imported.hosts[n]), netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}))
	}
	return v
}

// look looks an address up and reads all of the answer.
func (v *visitors) look(ctx context.Context, kind string, n int) (time.Duration, error) {
	start := time.Now()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+kind+v.addresses[n%len(v.addresses)].String(), nil)
	if err != nil {
		return 0, err
	}
	resp, err := v.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s is answered with %s (%w)", r.URL, resp.Status, err)
	}
	return time.Since(start), nil
}

func (v *visitors) singles(ctx context.Context, kind string) (time.Duration, error) {
	var all []time.Duration
	for n := range webSingles {
		took, err := v.look(ctx, kind, n)
		if err != nil {
			return 0, err
		}
		all = append(all, took)
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// visit looks up at the rate until ctx is done. Each visitor keeps to his times; one that is late does not slow down the
// next.
func (v *visitors) visit(ctx context.Context) {
	var all sync.WaitGroup
	const pause = time.Second * webClients / webRate
	for c := range webClients {
		all.Go(func() {
			next := time.Now().Add(pause * time.Duration(c) / webClients)
			for n := c * 37; ; n++ {
				next = next.Add(pause)
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(next)):
				}
				took, err := v.look(ctx, []string{"/", "/api/v1/ip/"}[n%2], n)
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					v.failed.CompareAndSwap(nil, &err)
					return
				}
				v.count.Add(1)
				v.mu.Lock()
				v.took = append(v.took, took)
				v.mu.Unlock()
			}
		})
	}
	all.Wait()
}

func (v *visitors) median() time.Duration {
	slices.Sort(v.took)
	if len(v.took) == 0 {
		return 0
	}
	return v.took[len(v.took)/2]
}
