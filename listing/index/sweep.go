package index

import (
	"context"
	"slices"
	"sync"
	"time"

	"dnsbld/listing"
)

// inFlight is how many requests of a sweep are sent at once: the store makes
// them durable together.
const inFlight = 8

// Sweep ends what is due, at the boundary of each second, until ctx is done.
// apply sends edits, at most listing.MaxEdits of them, as a request, and
// returns when the result is served. Sweep calls it from several goroutines
// and tries again a second after an error, which is apply's to report.
func Sweep(ctx context.Context, live *Live, apply func(context.Context, []listing.Edit) error, clock *Clock) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		for sweepOnce(ctx, live, apply, clock) {
		}
		timer.Reset(untilNext(clock.now()))
	}
}

// sweepOnce sends one round of requests, and reports whether more is due and
// there is hope of ending it now.
func sweepOnce(ctx context.Context, live *Live, apply func(context.Context, []listing.Edit) error, clock *Clock) bool {
	const limit = inFlight * listing.MaxEdits
	set := live.Set()
	if set == nil {
		return false
	}
	edits := set.Due(seconds(clock.now()), limit)
	var wait sync.WaitGroup
	failed := make(chan error, inFlight)
	for part := range slices.Chunk(edits, listing.MaxEdits) {
		wait.Go(func() {
			if err := apply(ctx, part); err != nil {
				failed <- err
			}
		})
	}
	wait.Wait()
	return len(edits) == limit && len(failed) == 0 && ctx.Err() == nil && live.Set().Revision() > set.Revision()
}
