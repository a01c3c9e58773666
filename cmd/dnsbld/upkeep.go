package main

import (
	"context"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/nice"
)

// When the file of the list is compacted by itself: looked at every lookEvery, from a
// while after the start on.
const (
	lookEvery  = time.Hour
	worthwhile = 64 << 20 // free octets, if they are half of the file
)

// upkeep compacts the file of the list when that is worth it, until ctx is done.
func (d *dnsbld) upkeep(ctx context.Context) {
	every(ctx, lookEvery, func() { nice.Do(func() { d.compactIfDue(ctx, worthwhile) }) })
}

// every does something again and again until ctx is done, for the first time when the
// time has passed once.
func every(ctx context.Context, period time.Duration, do func()) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

// compactIfDue compacts the file if so many octets of it are free and they are half of
// it, or if enough of it is older than what is kept. What fails is tried again in an hour.
func (d *dnsbld) compactIfDue(ctx context.Context, free int64) {
	st, err := d.store.Status(ctx)
	if err != nil || st.Failed != "" {
		return // which is said elsewhere
	}
	due := st.Free >= free && st.Free >= st.Bytes/2
	if keep := d.cfg.Load().Keep; keep > 0 && !due {
		oldest, newest, err := d.store.Span(ctx)
		if err != nil {
			d.log.Warn("reading how old the oldest change is", "err", err)
		}
		due = newest.Sub(oldest) > keep+keep/10
	}
	if due {
		_, _ = d.compact(ctx, listing.Caller{}) // the log has what fails
	}
}

// compact gives back to the disk what the list does not need, and forgets changes
// that are older than is kept. They are as old as they were at the last change: the
// clock may be wrong, and what is forgotten is gone.
func (d *dnsbld) compact(ctx context.Context, _ listing.Caller) (ctl.Compacted, error) {
	var before time.Time
	if keep := d.cfg.Load().Keep; keep > 0 {
		_, newest, err := d.store.Span(ctx)
		if err != nil {
			return ctl.Compacted{}, err
		}
		if now := d.book.Now(); now.Before(newest) {
			newest = now
		}
		before = newest.Add(-keep)
	}
	c, err := d.store.Compact(ctx, before)
	if err != nil {
		if ctx.Err() == nil {
			d.log.Error("the list could not be compacted: it is as it was", "err", err)
		}
		return ctl.Compacted{}, err
	}
	d.log.Info("the list was compacted", "bytes_before", c.Before, "bytes", c.After, "forgotten_up_to", c.Forgotten, "writers_held", c.Held)
	return ctl.CompactedOf(c.Before, c.After, c.Forgotten, c.Held), nil
}
