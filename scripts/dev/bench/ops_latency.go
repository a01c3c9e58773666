package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// quietRate is what the daemon is asked while it imports: little enough to see each stall.
const quietRate = 20000

// quietSpell is short enough to lie within an import, and long enough for fifty queries above p99.
const quietSpell = 250 * time.Millisecond

// opLatency: p99 of DNS while the daemon imports the list, and while it replaces 1 % of it, beside that of an idle one.
// With two cores blctl shares the daemon's, which is the harder case.
func opLatency(ctx context.Context, o *operations, name string) error {
	d, err := o.daemon(ctx, name, o.data)
	if err != nil {
		return err
	}
	defer d.proc.stop()
	// A small list stands beside the big one, under its own source, and is all that is asked for: what is right stays
	// the same throughout.
	small := newDataset(o.options.seed+1, 1000, 24)
	if _, err := d.load(ctx, small, false); err != nil {
		return err
	}
	p := hitsOnly(small, o.options.seed, o.env.zone)
	spells := int(o.options.window / quietSpell)
	if err := o.spells(d, p, name, "idle", times(spells)); err != nil {
		return err
	}
	if err := o.editing(ctx, d, p, name, spells); err != nil {
		return err
	}
	if err := o.busy(ctx, d, p, name, "importing", o.data); err != nil {
		return err
	}
	return o.busy(ctx, d, p, name, "replacing 1 %", o.data.churned(o.options.seed))
}

// times is true so many times.
func times(n int) func() bool {
	return func() bool { n--; return n >= 0 }
}

// editing asks while addresses are listed one after the other, each durably.
func (o *operations) editing(ctx context.Context, d *dnsbld, p *pool, name string, spells int) error {
	a, err := newAdder(d)
	if err != nil {
		return err
	}
	defer a.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error)
	added := uint32(0)
	go func() {
		for ctx.Err() == nil {
			if err := a.add(ctx, addAddress(added)); err != nil && ctx.Err() == nil {
				done <- err
				return
			}
			added++
		}
		done <- nil
	}()
	err = o.spells(d, p, name, "while editing", times(spells))
	cancel()
	if failed := <-done; failed != nil {
		return errors.Join(err, failed)
	}
	o.figure(name, "edits meanwhile", float64(added), "edits")
	return err
}

// busy asks while blctl imports, until it is done.
func (o *operations) busy(ctx context.Context, d *dnsbld, p *pool, name, what string, data *dataset) error {
	file := d.site.path("big.txt")
	if err := data.writePlain(file); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var took time.Duration
	var failed error
	done := make(chan struct{})
	go func() {
		defer close(done)
		start := time.Now()
		failed = d.blctl(ctx, "import", file, "--format", "plain", "--reason", "imported", "--source", "big", "--replace")
		took = time.Since(start)
	}()
	err := o.spells(d, p, name, "while "+what, func() bool {
		select {
		case <-done:
			return false
		default:
			return true
		}
	})
	if err != nil {
		cancel()
	}
	<-done
	cancel()
	if err == nil && failed == nil {
		o.figure(name, what+" took", took.Seconds(), "s")
	}
	return errors.Join(err, failed)
}

// spells asks one spell after the other while more says so, at least one, and keeps the worst.
func (o *operations) spells(d *dnsbld, p *pool, name, when string, more func() bool) error {
	var worst measurement
	var p999 float64
	var lost int64
	for first := true; more() || first; first = false {
		m, err := o.askGently(d, p)
		if err != nil {
			return err
		}
		if m.Void {
			return fmt.Errorf("%s: the run is void: %s", when, m.Example)
		}
		lost += m.Lost
		p999 = max(p999, m.P999)
		if m.P99 > worst.P99 {
			worst = m
		}
	}
	o.figure(name, "DNS p50, worst quarter second "+when, worst.P50, "µs")
	o.figure(name, "DNS p99, worst quarter second "+when, worst.P99, "µs")
	o.figure(name, "DNS p99.9, worst quarter second "+when, p999, "µs")
	o.figure(name, "lost "+when, float64(lost), "queries")
	return nil
}

// askGently measures one spell of the open loop at the quiet rate.
func (o *operations) askGently(d *dnsbld, p *pool) (measurement, error) {
	pids, err := family(d.proc.pid)
	if err != nil {
		return measurement{}, err
	}
	r := &running{candidate: dnsbldServer(), site: d.site, proc: d.proc, pids: pids}
	return r.measure(p, load{rate: quietRate, sockets: o.options.sockets, window: quietSpell, timeout: 500 * time.Millisecond})
}

// hitsOnly asks for every host of d, A and TXT in turn.
func hitsOnly(d *dataset, seed uint64, zone string) *pool {
	p, suffix := &pool{}, wireName(zone)
	r := stream(seed, streamQueries)
	for range 1 << 14 {
		w := wantListed
		if r.IntN(8) == 0 {
			w |= wantTXT
		}
		p.add(addr4(d.hosts[r.IntN(len(d.hosts))]), suffix, w)
	}
	return p
}
