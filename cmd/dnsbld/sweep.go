package main

import (
	"context"

	"dnsbld/listing"
	"dnsbld/listing/index"
	"dnsbld/nice"
)

// endDue ends what is due, until ctx is done. What is usual in this list is read
// from its log, beside everything else.
func (d *dnsbld) endDue(ctx context.Context) {
	s := &index.Sweeper{Live: d.live, Clock: d.clock, Log: d.log, Apply: d.sweep, Last: d.lastChange, Settle: d.cfg.Load().Settle}
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
