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
	policyConnections = 64   // smtpd processes, each waiting for an answer before it asks again
	policyPerSession  = 10   // recipients of an SMTP session
	policyDNSRate     = 5000 // queries/s meanwhile
)

// opPolicy: requests/s of the policy service on one core, and how long they take, while DNS is answered beside it. Each connection
// asks as smtpd does, one request after the other, ten for a session.
func opPolicy(ctx context.Context, o *operations, name string) error {
	d, policy, err := o.sensor(ctx, name)
	if err != nil {
		return err
	}
	defer d.proc.stop()
	conns := make([]*policyClient, policyConnections)
	for n := range conns {
		conn, err := net.Dial("unix", policy)
		if err != nil {
			return fmt.Errorf("asking the policy service: %w", err)
		}
		defer conn.Close()
		conns[n] = &policyClient{conn: conn, session: n << 20, latency: hdrhistogram.New(1, int64(time.Minute), 3)}
	}
	pids, err := family(d.proc.pid)
	if err != nil {
		return err
	}
	before, err := runTime(pids)
	if err != nil {
		return err
	}
	start := time.Now()
	dns, failed := o.askBeside(d, func() error { return askAll(ctx, conns, o.options.window) })
	took := time.Since(start)
	if failed != nil {
		return failed
	}
	after, err := runTime(pids)
	if err != nil {
		return err
	}
	all := hdrhistogram.New(1, int64(time.Minute), 3)
	for _, c := range conns {
		all.Merge(c.latency)
	}
	requests := float64(all.TotalCount())
	o.figure(name, fmt.Sprintf("%d connections", policyConnections), requests/took.Seconds(), "requests/s")
	o.figure(name, "p50", float64(all.ValueAtQuantile(50))/1e3, "µs")
	o.figure(name, "p99", float64(all.ValueAtQuantile(99))/1e3, "µs")
	o.figure(name, "CPU a request, sessions counted and DNS beside it", (after-before).Seconds()*1e6/requests, "µs")
	o.figure(name, "DNS p99 meanwhile", dns.P99, "µs")
	o.figure(name, "DNS lost meanwhile", float64(dns.Lost), "queries")
	st, err := ctl.NewClient(d.socket).Status(ctx)
	if err != nil {
		return fmt.Errorf("asking what was counted: %w", err)
	}
	var counted uint64
	for _, n := range st.Sensor.Totals {
		counted += n
	}
	o.figure(name, "sessions counted of those told", 100*float64(counted)*policyPerSession/requests, "%")
	return nil
}

// askBeside measures DNS at a middling rate while do runs.
func (o *operations) askBeside(d *dnsbld, do func() error) (measurement, error) {
	pids, err := family(d.proc.pid)
	if err != nil {
		return measurement{}, err
	}
	p, suffix := &pool{}, wireName(o.env.zone)
	p.add(addr4(127<<24|2), suffix, wantListed)
	done := make(chan error, 1)
	go func() { done <- do() }()
	server := dnsbldServer()
	server.rules.anyCode = true
	r := &running{candidate: server, site: d.site, proc: d.proc, pids: pids}
	m, err := r.measure(p, load{rate: policyDNSRate, sockets: o.options.sockets, window: o.options.window, timeout: 500 * time.Millisecond})
	if err == nil && m.Void {
		err = fmt.Errorf("the run is void: %s", m.Example)
	}
	return m, errors.Join(err, <-done)
}

// policyClient is one smtpd.
type policyClient struct {
	conn    net.Conn
	session int
	latency *hdrhistogram.Histogram
	request []byte
}

func askAll(ctx context.Context, conns []*policyClient, window time.Duration) error {
	var all sync.WaitGroup
	errs := make([]error, len(conns))
	end := time.Now().Add(window)
	for n, c := range conns {
		all.Go(func() { errs[n] = c.ask(ctx, end) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (c *policyClient) ask(ctx context.Context, end time.Time) error {
	if err := c.conn.SetDeadline(end.Add(10 * time.Second)); err != nil {
		return err
	}
	for ctx.Err() == nil && time.Now().Before(end) {
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
		}
	}
	return ctx.Err()
}
