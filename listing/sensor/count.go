package sensor

import (
	"context"
	"errors"
	"net/netip"
	"sync"

	"dnsbld/listing"
	"dnsbld/listing/helo"
	"dnsbld/listing/sighting"
)

// workers is how many sessions are completed with DNS at once, and queued how
// many more wait.
const (
	workers = 32
	queued  = 1024
)

// Tell hands over a session to be counted. It waits while the queue is full.
func (s *Sensor) Tell(r Report) { s.queue <- r }

// take completes a session, judges it and counts it. b is the batch that it
// came in; nil: it came alone.
func (s *Sensor) take(ctx context.Context, r Report, b *batch) {
	r = s.c.Complete(ctx, r)
	v := helo.Classify(r.Session)
	if b != nil && v.Bogus() {
		s.watch(b, r.Client)
	}
	out, err := s.engine.Observe(r.observation(v))
	if err != nil {
		s.LogError("sessions cannot be counted", err)
		s.repair(err)
	}
	if out == sighting.Counted && r.Probe != "" {
		s.probe(ctx, r, v)
	}
	if b != nil {
		s.add(b, v, out, err)
	}
}

// probe hands over a session with a probe recipient. Strangers write such
// recipients as they like: a token that is not good is counted, no more.
func (s *Sensor) probe(ctx context.Context, r Report, v helo.Verdict) {
	taken, err := s.c.Probe(ctx, r, v)
	switch {
	case taken:
		s.probes.taken.Add(1)
		s.c.Log.Info("a probe is proof", "client", r.Client, "receiver", r.Receiver, "verdict", v.Code)
	case errors.Is(err, listing.ErrPolicy):
		s.probes.refused.Add(1)
	case err != nil && ctx.Err() == nil:
		s.LogError("a probe cannot be noted", err)
	}
}

// batch is a body of sessions while it is counted. Sensor.mu guards it.
type batch struct {
	Observed
	failed  error                        // of the last session that could not be counted
	clients map[listing.Subject]struct{} // with bogus sessions; of IPv6 their /64s too
}

// Count counts the sessions that read yields, and returns when what follows
// from them is served. What was counted before an error comes with it.
func (s *Sensor) Count(ctx context.Context, read func(yield func(Report) error) (skipped int64, err error)) (Observed, error) {
	b := &batch{Observed: Observed{Outcomes: map[sighting.Outcome]int{}}, clients: map[listing.Subject]struct{}{}}
	s.mu.Lock()
	s.batches[b] = struct{}{}
	s.mu.Unlock()
	reports := make(chan Report, queued)
	var counting sync.WaitGroup
	for range workers {
		counting.Go(func() {
			for r := range reports {
				s.take(ctx, r, b)
			}
		})
	}
	skipped, err := read(func(r Report) error {
		select {
		case reports <- r:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	close(reports)
	counting.Wait()
	if err = errors.Join(err, b.failed); err == nil {
		err = s.settle(ctx)
	}
	if stored := s.engine.Flush(); stored != nil && err == nil {
		s.repair(stored)
		err = stored // a follower of a log must tell these sessions again
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.batches, b)
	b.Skipped = int(skipped)
	return b.Observed, err
}

// watch has a batch told of new listings of a client, and of its /64.
func (s *Sensor) watch(b *batch, client netip.Addr) {
	a := listing.Canonical(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	b.clients[listing.HostSubject(a)] = struct{}{}
	if a.Is6() {
		b.clients[listing.Subject{Prefix: listing.ClientPrefix(a)}] = struct{}{}
	}
}

// add adds one session to a batch. It was counted if there is an outcome,
// whatever the error is.
func (s *Sensor) add(b *batch, v helo.Verdict, out sighting.Outcome, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if out == "" {
		b.failed = err
		return
	}
	b.Sessions++
	b.Outcomes[out]++
	switch {
	case out == sighting.Duplicate:
		b.Duplicates++
	case v.Bogus():
		b.Bogus++
	case v.Clean():
		b.Clean++
	}
}

// announce tells the batches that are being counted of a new listing.
func (s *Sensor) announce(l Listing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for b := range s.batches {
		if _, own := b.clients[l.Subject]; own {
			b.Listed = append(b.Listed, l)
		}
	}
}
