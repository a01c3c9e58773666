package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"dnsbld/db"
	"dnsbld/listing"
)

// opAudit: blctl audit verify over a chain of single adds, a record each, the dearest kind.
func opAudit(ctx context.Context, o *operations, name string) error {
	s, err := o.env.newSite("op-"+name, o.data)
	if err != nil {
		return err
	}
	records := min(len(o.data.hosts), 200_000)
	if err := chain(ctx, filepath.Join(s.dir, "data"), records); err != nil {
		return fmt.Errorf("making a chain: %w", err)
	}
	d, err := startDnsbld(ctx, s, "")
	if err != nil {
		return err
	}
	defer d.proc.stop()
	start := time.Now()
	if err := d.blctl(ctx, "audit", "verify"); err != nil {
		return err
	}
	o.figure(name, fmt.Sprintf("audit verify of %d changes", records), float64(records)/time.Since(start).Seconds(), "changes/s")
	return nil
}

// chain makes a store that adds have been made in, many at a time and not durably.
func chain(ctx context.Context, dir string, adds int) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	store, err := db.Open(filepath.Join(dir, "listings.db"), db.Options{NoSync: true})
	if err != nil {
		return err
	}
	const clients = 256
	var wg sync.WaitGroup
	var next atomic.Int64
	failed := make(chan error, clients)
	for range clients {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(adds); n = next.Add(1) {
				r := listing.Request{Header: listing.Header{ID: fmt.Sprint("bench-", n), Time: time.Now(), Actor: "bench"},
					Edits: []listing.Edit{{Op: listing.OpList, Key: listing.Key{Subject: listing.HostSubject(addr4(16<<24 + uint32(n)*37)), Reason: listing.Manual},
						Origin: listing.ByOperator, Life: listing.Lifetime{Base: listing.Life(30 * listing.Day), Longest: listing.Life(30 * listing.Day), Repeat: 1}}}}
				if _, err := store.Apply(ctx, r); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	return errors.Join(<-failed, store.Close())
}
