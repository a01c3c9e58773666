package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const (
	addSingles = 50              // adds one after the other
	addClients = 64              // clients at once
	addSpell   = 2 * time.Second // how long each number of clients adds
	addCap     = 1 << 16         // addresses there are
)

// opAdd: one durable add beside one fsync on the same disk, and adds/s of many clients beside one.
func opAdd(ctx context.Context, o *operations, name string) error {
	d, err := o.daemon(ctx, name, o.data)
	if err != nil {
		return err
	}
	defer d.proc.stop()
	sync, err := fsyncTime(d.site.path("data"))
	if err != nil {
		return err
	}
	o.figure(name, "one fsync in the data directory, median", millis(sync), "ms")
	a, err := newAdder(d)
	if err != nil {
		return err
	}
	defer a.close()
	var next atomic.Uint32
	single, err := a.singles(ctx, &next)
	if err != nil {
		return err
	}
	o.figure(name, "one durable add, median, "+a.how, millis(single), "ms")
	o.figure(name, "one durable add over one fsync", single.Seconds()/sync.Seconds(), "×")
	one, err := a.rate(ctx, &next, 1)
	if err != nil {
		return err
	}
	many, err := a.rate(ctx, &next, addClients)
	if err != nil {
		return err
	}
	o.figure(name, "1 client", one, "adds/s")
	o.figure(name, fmt.Sprintf("%d clients", addClients), many, "adds/s")
	o.figure(name, fmt.Sprintf("%d clients over 1", addClients), many/one, "×")
	return a.check(d, next.Load())
}

// singles is the median time of an add with nobody else about.
func (a *adder) singles(ctx context.Context, next *atomic.Uint32) (time.Duration, error) {
	var took []float64
	for range addSingles {
		start := time.Now()
		if err := a.add(ctx, addAddress(next.Add(1))); err != nil {
			return 0, err
		}
		took = append(took, time.Since(start).Seconds())
	}
	return time.Duration(median(took) * float64(time.Second)), nil
}

// rate lets clients add, each one after the other, and counts what was acknowledged.
func (a *adder) rate(ctx context.Context, next *atomic.Uint32, clients int) (float64, error) {
	var wg sync.WaitGroup
	var done atomic.Int64
	failed := make(chan error, clients)
	start := time.Now()
	for range clients {
		wg.Go(func() {
			for time.Since(start) < addSpell {
				if err := a.add(ctx, addAddress(next.Add(1))); err != nil {
					failed <- err
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	select {
	case err := <-failed:
		return 0, fmt.Errorf("%d clients: %w", clients, err)
	default:
		return float64(done.Load()) / took.Seconds(), nil
	}
}

// check asks DNS for the last address: what was acknowledged is served.
func (a *adder) check(d *dnsbld, last uint32) error {
	q := onlyQuery(addAddress(last), d.site.zone, wantListed)
	if err := ask(d.site.addr, q, rules{anyCode: true}, time.Second); err != nil {
		return fmt.Errorf("%s was added but is not answered: %w", addAddress(last), err)
	}
	return nil
}

// addAddress is the n-th address to add, all in different places.
func addAddress(n uint32) netip.Addr {
	return addr4((16+n%64)<<24 | (n*40503%addCap)<<8 | n&255)
}

// fsyncTime is the median time to append a little to a file in dir and make it durable.
func fsyncTime(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "fsync-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(filepath.Clean(f.Name()))
	defer f.Close()
	var took []float64
	for range addSingles {
		start := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("syncing in %s: %w", dir, err)
		}
		took = append(took, time.Since(start).Seconds())
	}
	return time.Duration(median(took) * float64(time.Second)), nil
}

func millis(d time.Duration) float64 { return d.Seconds() * 1e3 }
