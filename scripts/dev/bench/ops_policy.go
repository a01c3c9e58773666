package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"dnsbld/ctl"
)

const (
	policyConnections = 64     // smtpd processes, each waiting for an answer before it asks again
	policyPerSession  = 10     // recipients of an SMTP session
	policyRate        = 50_000 // requests/s beside DNS
	policyDNSRate     = 1000   // queries/s beside them, at the most
)

// opPolicy: requests/s of the policy service on one core when its clients do not rest; and how long requests take at an agreed
// rate while DNS is answered beside it. Each connection asks as smtpd does, one request after the other, ten for a session, and the
// sessions are counted.
func opPolicy(ctx context.Context, o *operations, name string) error {
	d, policy, err := o.sensor(ctx, name)
	if err != nil {
		return err
	}
	defer d.proc.stop()
	clients := make(policyClients, policyConnections)
	for n := range clients {
		conn, err := net.Dial("unix", policy)
		if err != nil {
			return fmt.Errorf("asking the policy service: %w", err)
		}
		defer conn.Close()
		clients[n] = &policyClient{conn: conn, session: n << 20}
	}
	start, before := time.Now(), clients.asked()
	cpu, err := o.costs(d, func() error { return clients.ask(ctx, o.options.window, 0) })
	if err != nil {
		return err
	}
	requests := float64(clients.asked() - before)
	o.figure(name, fmt.Sprintf("%d connections that do not rest", policyConnections), requests/time.Since(start).Seconds(), "requests/s")
	o.figure(name, "CPU a request, its session counted", cpu.Seconds()*1e6/requests, "µs")

	before = clients.asked()
	start = time.Now()
	dns, err := o.askBeside(d, func() error { return clients.ask(ctx, o.options.window, policyRate) })
	if err != nil {
		return err
	}
	o.figure(name, "beside DNS", float64(clients.asked()-before)/time.Since(start).Seconds(), "requests/s")
	all := clients.latencies()
	o.figure(name, "p50 beside DNS", float64(all.ValueAtQuantile(50))/1e3, "µs")
	o.figure(name, "p99 beside DNS", float64(all.ValueAtQuantile(99))/1e3, "µs")
	o.figure(name, "DNS p99 meanwhile", float64(dns.latency.ValueAtQuantile(99))/1e3, "µs")
	o.figure(name, fmt.Sprintf("DNS lost, of %d queries", dns.latency.TotalCount()+int64(dns.lost)), float64(dns.lost), "queries")
	return o.counted(ctx, d, name, clients.asked())
}

// counted says how many of the sessions that were told have been counted.
func (o *operations) counted(ctx context.Context, d *dnsbld, name string, asked int64) error {
	time.Sleep(time.Second) // for the last ones to be reported
	st, err := ctl.NewClient(d.socket).Status(ctx)
	if err != nil {
		return fmt.Errorf("asking what was counted: %w", err)
	}
	var counted uint64
	for _, n := range st.Sensor.Totals {
		counted += n
	}
	o.figure(name, "sessions counted of those told", 100*float64(counted)*policyPerSession/float64(asked), "%")
	return nil
}

// costs is the run time of the daemon's threads while do runs.
func (o *operations) costs(d *dnsbld, do func() error) (time.Duration, error) {
	pids, err := family(d.proc.pid)
	if err != nil {
		return 0, err
	}
	before, err := runTime(pids)
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := runTime(pids)
	return after - before, err
}

// beside is how DNS was answered while something else went on.
type beside struct {
	latency *hdrhistogram.Histogram
	lost    int
}

// askBeside asks DNS, one question after the other, while do runs. The open loop of the other tables would take the processor from
// the policy service's clients.
func (o *operations) askBeside(d *dnsbld, do func() error) (beside, error) {
	b := beside{latency: hdrhistogram.New(1, int64(time.Minute), 3)}
	q := onlyQuery(addr4(127<<24|2), d.site.zone, wantListed)
	done := make(chan error, 1)
	go func() { done <- do() }()
	tick := time.NewTicker(time.Second / policyDNSRate)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return b, err
		case <-tick.C:
		}
		sent := time.Now()
		if ask(d.site.addr, q, rules{anyCode: true}, time.Second) != nil {
			b.lost++
		} else if err := b.latency.RecordValue(int64(time.Since(sent))); err != nil {
			return b, errors.Join(err, <-done)
		}
	}
}

// policyClient is one smtpd.
type policyClient struct {
	conn    net.Conn
	session int
	asked   int64
	latency *hdrhistogram.Histogram // of the last spell
	request []byte
}

type policyClients []*policyClient

func (cs policyClients) asked() (sum int64) {
	for _, c := range cs {
		sum += c.asked
	}
	return sum
}

func (cs policyClients) latencies() *hdrhistogram.Histogram {
	all := hdrhistogram.New(1, int64(time.Minute), 3)
	for _, c := range cs {
		all.Merge(c.latency)
	}
	return all
}

// ask has all of them ask for a while, so many requests a second in all, or as many as there are answers.
func (cs policyClients) ask(ctx context.Context, window time.Duration, rate int) error {
	var all sync.WaitGroup
	errs := make([]error, len(cs))
	start := time.Now()
	every := time.Duration(0)
	if rate > 0 {
		every = time.Second * time.Duration(len(cs)*policyPerSession) / time.Duration(rate)
	}
	for n, c := range cs {
		first := start.Add(every * time.Duration(n) / time.Duration(len(cs)))
		all.Go(func() { errs[n] = c.ask(ctx, first, start.Add(window), every) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// ask asks about a session every so often.
func (c *policyClient) ask(ctx context.Context, next, end time.Time, every time.Duration) error {
	c.latency = hdrhistogram.New(1, int64(time.Minute), 3)
	if err := c.conn.SetDeadline(end.Add(10 * time.Second)); err != nil {
		return err
	}
	for ctx.Err() == nil && time.Now().Before(end) {
		time.Sleep(time.Until(next))
		next = next.Add(every)
		c.session++
		client := addr4(100<<24 | uint32(c.session*7919)&0xffffff)
		c.request = policyRequest(c.request[:0], client, "mail.sender.example", c.session, 0)
		for range policyPerSession {
			sent := time.Now()
			if _, err := c.conn.Write(c.request); err != nil {
				return fmt.Errorf("asking the policy service: %w", err)
			}
			if err := readPolicy(c.conn); err != nil {
				return err
			}
			if err := c.latency.RecordValue(int64(time.Since(sent))); err != nil {
				return err
			}
			c.asked++
		}
	}
	return ctx.Err()
}
