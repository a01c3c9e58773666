package main

import (
	"context"
	"sync/atomic"
	"time"
)

// backup makes a backup with blctl while entries are added one after the other, and measures both: how long it takes,
// and the slowest add beside it and, for as long, before it.
func (o *operations) backup(ctx context.Context, d *dnsbld, name string) error {
	a, err := newAdder(d)
	if err != nil {
		return err
	}
	defer a.close()
	var next atomic.Uint32
	idle, err := a.slowest(ctx, &next, func() error { time.Sleep(o.options.window); return nil })
	if err != nil {
		return err
	}
	o.figure(name, "slowest add, nothing else going on", millis(idle), "ms")
	var took time.Duration
	beside, err := a.slowest(ctx, &next, func() error {
		start := time.Now()
		defer func() { took = time.Since(start) }()
		return d.blctl(ctx, "backup", "--force", d.site.path("backup.db"))
	})
	if err != nil {
		return err
	}
	o.figure(name, "backup", took.Seconds(), "s")
	o.figure(name, "slowest add beside the backup", millis(beside), "ms")
	return a.check(d, next.Load())
}

// slowest adds while something is done.
func (a *adder) slowest(ctx context.Context, next *atomic.Uint32, do func() error) (worst time.Duration, err error) {
	done := make(chan error, 1)
	go func() { done <- do() }()
	for {
		select {
		case err := <-done:
			return worst, err
		default:
		}
		start := time.Now()
		if err := a.add(ctx, addAddress(next.Add(1))); err != nil {
			<-done
			return worst, err
		}
		worst = max(worst, time.Since(start))
	}
}
