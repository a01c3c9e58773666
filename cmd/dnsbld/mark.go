package main

import (
	"context"
	"crypto/rand"
	"time"

	"dnsbld/db"
	"dnsbld/listing"
)

// markEvery is how often it is noted which revision is served. What is served
// between two notes is within the margin by which a restored list skips.
const markEvery = time.Second

// marks keeps a note of the highest revision served, beside the list.
func (d *dnsbld) marks(ctx context.Context) error {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	marked := listing.Revision(0)
	for {
		if set := d.live.Set(); set != nil && set.Revision() > marked {
			if err := db.Mark(d.cfg.Load().database, set.Revision()); err != nil {
				d.log.Warn("noting the revision served", "err", err)
			}
			marked = set.Revision()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// skipServed lets a list that was put back by hand go on behind what had been
// served from the newer one.
func skipServed(ctx context.Context, store *db.DB, file string, now time.Time) (skipped bool, err error) {
	served, err := db.Marked(file)
	if err != nil {
		return false, err
	}
	return store.SkipServed(ctx, served, listing.Header{ID: rand.Text(), Time: now.UTC(), Actor: actor,
		Note: "the list is older than what was served"})
}
