package sensor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/sighting"
)

// How often counters are stored, and how many values are looked at, once a
// minute, for what is no longer kept.
const (
	storeEvery = 5 * time.Second
	pruneEvery = time.Minute
	pruneLimit = 20_000
)

// gatherFor is how long sessions are gathered before it is decided about them.
const gatherFor = 50 * time.Millisecond

// retryAfter is how long to wait after a failure.
const retryAfter = time.Second

// follow tells the engine of the list and of all its changes. It closes known
// when the whole list was told.
func (s *Sensor) follow(ctx context.Context, known chan<- struct{}) {
	for first := true; ctx.Err() == nil; {
		revision, err := s.tellEntries(ctx)
		if err == nil && first {
			close(known)
			first = false
		}
		if err == nil {
			err = s.tellChanges(ctx, revision)
		}
		if ctx.Err() == nil {
			s.LogError("the sensor does not see changes of the list", err)
			sleep(ctx, retryAfter)
		}
	}
}

func (s *Sensor) tellChanges(ctx context.Context, after listing.Revision) error {
	for c, err := range s.c.Book.Store().OwnChanges(ctx, after) {
		if err != nil {
			return err
		}
		s.engine.Changed(c)
	}
	return listing.ErrUnavailable
}

// tellEntries tells of this list's own entries and of the allow entries.
func (s *Sensor) tellEntries(ctx context.Context) (r listing.Revision, err error) {
	err = s.c.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		r = snap.Revision()
		allows, err := snap.Allows()
		if err != nil {
			return err
		}
		for _, a := range allows {
			s.engine.Changed(listing.Change{Kind: listing.AllowChange, AllowAfter: &a})
		}
		for served, err := range snap.Served() {
			if err != nil {
				return err
			}
			if served.Source != "" { // this list's own come first
				break
			}
			e, err := snap.Get(served.Key)
			if err != nil {
				return err
			}
			s.engine.Changed(listing.Change{Kind: listing.EntryChange, After: &e})
		}
		return nil
	})
	return r, err
}

// ended says when the latest listing of a key ended.
func (s *Sensor) ended(k listing.Key) (at time.Time, err error) {
	err = s.c.Book.Store().View(context.Background(), func(snap listing.Snapshot) error {
		at, err = sighting.LatestEnd(k, snap.History(k.Subject))
		return err
	})
	if err != nil { // its kind stays here: damage of the list is none of the counters
		err = fmt.Errorf("asking when a listing of %s ended: %s", k.Subject.Text(), err)
	}
	return at, err
}

// decide sends what follows from the counters, when there is something and once
// a second.
func (s *Sensor) decide(ctx context.Context, known <-chan struct{}) {
	select {
	case <-known:
	case <-ctx.Done():
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	open := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.engine.Wake():
			sleep(ctx, gatherFor)
		case <-tick.C:
		}
		if err := s.settle(ctx); err != nil && ctx.Err() == nil {
			s.LogError("what sessions show cannot be written to the list", err)
		}
		if b := s.engine.Status().Breaker; b.Open != open {
			open = b.Open
			s.c.Log.Warn("the breaker of automatic listing", "open", b.Open, "listed_this_hour", b.Listed, "limit", b.Limit, "closes", b.Closes)
		}
	}
}

// settle sends what there is to send, and returns when it is served.
func (s *Sensor) settle(ctx context.Context) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	w := writer{Sensor: s}
	_, err := s.engine.Send(ctx, &w)
	if !w.failed {
		s.repair(err)
	}
	return err
}

// writer is how the engine writes to the list.
type writer struct {
	*Sensor
	failed bool // the list's failure, not the archive's
}

// Do sends edits under the sensor's name, and tells who waits for listings.
func (w *writer) Do(ctx context.Context, _ listing.Caller, note string, edits []listing.Edit) (listing.Result, error) {
	res, err := w.c.Book.Do(ctx, listing.Caller{Name: Actor, Role: listing.Daemon}, note, edits)
	w.failed = w.failed || err != nil
	reasons := w.c.Book.Rules().Reasons
	for _, c := range res.Changes {
		if c.Kind != listing.EntryChange || c.After == nil || c.After.Except || c.Before != nil && !c.Before.Except {
			continue
		}
		symbol := reasons.Symbol(c.After.Reason)
		w.announce(Listing{Subject: c.After.Subject, Reason: symbol})
		w.c.Log.Info("listed", "prefix", c.After.Subject.Text(), "reason", symbol, "until", c.After.Until, "why", c.After.Note)
	}
	return res, err
}

// store stores the counters now and then, and prunes them.
func (s *Sensor) store(ctx context.Context) {
	flush, prune := time.NewTicker(storeEvery), time.NewTicker(pruneEvery)
	defer flush.Stop()
	defer prune.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-flush.C:
			err = s.engine.Flush()
		case <-prune.C:
			err = s.engine.Prune(pruneLimit)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			s.LogError("the counters cannot be stored", err)
			s.repair(err)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
