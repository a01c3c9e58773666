package main

import (
	"context"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"
	"dnsbld/nice"
)

// storeFile is [store]: how the list is kept.
type storeFile struct {
	Settle life `toml:"settle"`
}

// longestSettle is how long the sweep may be told to wait: what has ended is not
// answered, but secondaries go on with it until the sweep takes it out.
const longestSettle = 24 * time.Hour

// settle is how long nothing is ended where the time is in doubt.
func (f storeFile) settle(wrong *mistakes) time.Duration {
	d := f.Settle.Duration()
	if d < 0 || d > longestSettle {
		wrong.addf("store.settle = %s: up to %s", f.Settle, longestSettle)
	}
	return d
}

// endDue ends what is due, until ctx is done. What is usual in this list is read
// from its log, beside everything else.
func (d *dnsbld) endDue(ctx context.Context) {
	s := &index.Sweeper{Live: d.live, Clock: d.clock, Log: d.log, Apply: d.sweep, Last: d.lastChange, Settle: d.cfg.Load().settle}
	nice.Do(func() {
		var err error
		if s.Usual, err = d.store.Ends(ctx); err != nil && ctx.Err() == nil {
			d.log.Warn("reading how many entries end in an hour: more than 100 wait", "err", err)
		}
	})
	d.sweeper.Store(s)
	s.Run(ctx)
}

// sweep writes the end of entries whose time has come. DNS has not answered them
// since; the change gives zones another serial, and history its date.
func (d *dnsbld) sweep(ctx context.Context, edits []listing.Edit) error {
	err := d.book.Sweep(ctx, self(), edits)
	if err != nil && ctx.Err() == nil {
		d.log.Warn("ending entries whose time has come", "entries", len(edits), "err", err)
	}
	return err
}
