package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pelletier/go-toml/v2"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/sighting"
	"dnsbld/mta"
)

// How often counters are stored, and how many values are looked at, once a
// minute, for what is no longer kept.
const (
	storeEvery = 5 * time.Second
	pruneEvery = time.Minute
	pruneLimit = 20_000
)

// pause is how long sessions are gathered before it is decided about them.
const pause = 50 * time.Millisecond

// again is how long to wait after a failure.
const again = time.Second

func decodeTOML(r io.Reader, into any) error { return toml.NewDecoder(r).Decode(into) }

// follow tells the engine what stands, and all that changes. It closes standing
// when the first is done.
func (s *sensor) follow(ctx context.Context, standing chan<- struct{}) {
	told := false
	for ctx.Err() == nil {
		revision, err := s.tellStanding(ctx)
		if err == nil && !told {
			close(standing)
			told = true
		}
		if err == nil {
			err = s.tellChanges(ctx, revision)
		}
		if ctx.Err() == nil {
			s.trouble.say("the sensor does not see changes of the list", err)
			sleep(ctx, again)
		}
	}
}

func (s *sensor) tellChanges(ctx context.Context, after listing.Revision) error {
	for c, err := range s.book.Store().OwnChanges(ctx, after) {
		if err != nil {
			return err
		}
		s.engine.Changed(c)
	}
	return listing.ErrUnavailable
}

// tellStanding tells of this list's own entries and of the allow entries.
func (s *sensor) tellStanding(ctx context.Context) (r listing.Revision, err error) {
	err = s.book.Store().View(ctx, func(snap listing.Snapshot) error {
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
			if served.Source != "" {
				continue
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

// ended says when the latest listing of a key ended. It is called while the
// engine is locked.
func (s *sensor) ended(k listing.Key) (at time.Time, err error) {
	err = s.book.Store().View(context.Background(), func(snap listing.Snapshot) error {
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
func (s *sensor) decide(ctx context.Context, standing <-chan struct{}) {
	select {
	case <-standing:
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
			sleep(ctx, pause)
		case <-tick.C:
		}
		if err := s.settle(ctx); err != nil && ctx.Err() == nil {
			s.trouble.say("what sessions show cannot be written to the list", err)
		}
		if b := s.engine.Status().Breaker; b.Open != open {
			open = b.Open
			s.log.Warn("the breaker of automatic listing", "open", b.Open, "listed_this_hour", b.Listed, "limit", b.Limit, "closes", b.Closes)
		}
	}
}

// settle sends what there is to send, and returns when it is served.
func (s *sensor) settle(ctx context.Context) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	p := pen{sensor: s}
	_, err := s.engine.Send(ctx, &p)
	if !p.failed {
		s.mend(err)
	}
	return err
}

// pen is how the engine writes.
type pen struct {
	*sensor
	failed bool // to write to the list
}

// Do sends edits under the sensor's name, and tells who waits for listings.
func (p *pen) Do(ctx context.Context, _, note string, edits []listing.Edit) (listing.Result, error) {
	res, err := p.book.Do(ctx, sensorActor, note, edits)
	p.failed = p.failed || err != nil
	reasons := p.book.Rules().Reasons
	for _, c := range res.Changes {
		if c.Kind != listing.EntryChange || c.After == nil || c.After.Except || c.Before != nil && !c.Before.Except {
			continue
		}
		p.tell(ctl.NewListing{Subject: c.After.Subject, Reason: reasons.Symbol(c.After.Reason)})
		p.log.Info("listed", "prefix", c.After.Subject.Text(), "reason", reasons.Symbol(c.After.Reason), "until", c.After.Until, "why", c.After.Note)
	}
	return res, err
}

// watcher gathers the new listings of some clients.
type watcher struct {
	mu      sync.Mutex
	clients map[listing.Subject]struct{}
	listed  []ctl.NewListing
}

// add has the watcher look out for a session's client, and its /64.
func (w *watcher) add(r mta.Report) {
	a := listing.Canonical(r.Client)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clients[listing.HostSubject(a)] = struct{}{}
	if a.Is6() {
		w.clients[listing.Subject{Prefix: netip.PrefixFrom(a, 64).Masked()}] = struct{}{}
	}
}

func (s *sensor) watch(w *watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[w] = struct{}{}
}

// unwatch ends a watcher and returns what it has seen.
func (s *sensor) unwatch(w *watcher) []ctl.NewListing {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watchers, w)
	return slices.Clone(w.listed)
}

func (s *sensor) tell(l ctl.NewListing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers {
		w.mu.Lock()
		if _, known := w.clients[l.Subject]; known {
			w.listed = append(w.listed, l)
		}
		w.mu.Unlock()
	}
}

// keep stores the counters, and prunes them.
func (s *sensor) keep(ctx context.Context) {
	store, prune := time.NewTicker(storeEvery), time.NewTicker(pruneEvery)
	defer store.Stop()
	defer prune.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-store.C:
			err = s.engine.Flush()
		case <-prune.C:
			err = s.engine.Prune(pruneLimit)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			s.trouble.say("the counters cannot be stored", err)
			s.mend(err)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
