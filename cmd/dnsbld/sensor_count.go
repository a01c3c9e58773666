package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/helo"
	"dnsbld/listing/sighting"
	"dnsbld/mta"
)

// How many sessions are completed with DNS at once, and how many more wait. A
// slow resolver delays counting and then costs sessions, which the policy
// service counts; it delays no mail.
const (
	reporters   = 32
	reportQueue = 1024
)

// take completes a session, judges it and counts it.
func (s *sensor) take(ctx context.Context, r mta.Report) (helo.Verdict, sighting.Outcome, error) {
	r = s.checker.Load().Check(ctx, r)
	v := helo.Classify(r.Session)
	out, err := s.engine.Observe(sighting.Observation{Time: r.Time, Receiver: r.Receiver, ID: r.ID, Client: r.Client,
		Verdict: v, HELO: r.HELO, DNS: dnsText(&r.Session),
		FCrDNS: r.FCrDNS, Recipients: max(r.Tried, r.Unknown, len(r.Recipients)), Unknown: r.Unknown})
	if err != nil {
		s.trouble.say("sessions cannot be counted", err)
		s.mend(err)
	}
	if out != "" {
		err = nil // it was counted
	}
	if out == sighting.Counted && r.Probe != "" {
		s.probe(ctx, r, v)
	}
	return v, out, err
}

// dnsText is what DNS said of a client, for people.
func dnsText(s *helo.Session) string {
	var parts []string
	switch {
	case len(s.PTR) > 0 && s.FCrDNS:
		parts = append(parts, "PTR "+s.PTR[0]+", confirmed")
	case len(s.PTR) > 0:
		parts = append(parts, "PTR "+s.PTR[0]+", not confirmed")
	case s.PTRStatus != helo.Unset:
		parts = append(parts, "PTR "+s.PTRStatus.String())
	}
	switch {
	case len(s.HELOAddrs) > 0:
		parts = append(parts, "HELO "+s.HELOAddrs[0].String())
	case s.HELOStatus != helo.Unset:
		parts = append(parts, "HELO "+s.HELOStatus.String())
	}
	return strings.Join(parts, "; ")
}

// Observe counts the sessions of a body, one a line.
func (s *sensor) Observe(ctx context.Context, body io.Reader) (ctl.Observed, error) {
	return s.count(ctx, func(each func(mta.Report) error) (mta.LogStats, error) {
		return mta.Read(body, mta.NewNDJSON(mta.LogOptions{Receiver: s.cfg.Load().receiver, Now: s.now}), func(r mta.Report) error {
			if err := s.refuses(r.Receiver); err != nil {
				return err
			}
			return each(r)
		})
	})
}

// count counts the sessions that read gives, and returns when what follows from
// them is served.
func (s *sensor) count(ctx context.Context, read func(each func(mta.Report) error) (mta.LogStats, error)) (ctl.Observed, error) {
	o := &observing{sensor: s, watcher: watcher{clients: map[listing.Subject]struct{}{}}, total: ctl.Observed{Outcomes: map[sighting.Outcome]int{}}}
	s.watch(&o.watcher)
	defer s.unwatch(&o.watcher)
	reports := make(chan mta.Report, reportQueue)
	var workers sync.WaitGroup
	for range reporters {
		workers.Go(func() {
			for r := range reports {
				o.take(ctx, r)
			}
		})
	}
	stats, err := read(func(r mta.Report) error {
		select {
		case reports <- r:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	close(reports)
	workers.Wait()
	o.total.Skipped += int(stats.Skipped + stats.Overlong)
	err = errors.Join(err, o.failed)
	if err == nil {
		err = s.settle(ctx)
	}
	if stored := s.engine.Flush(); stored != nil && err == nil {
		s.mend(stored)
		err = stored // who follows a log must not take note that it was told
	}
	o.total.Listed = s.unwatch(&o.watcher)
	return o.total, err
}

// refuses reports that a receiver's sessions come from its policy service, or
// from its own machine: what a log here says of them would count twice.
func (s *sensor) refuses(receiver string) error {
	cfg := s.cfg.Load()
	if slices.Contains(cfg.collect.Receivers, receiver) {
		return &listing.Error{Kind: listing.ErrPolicy, Code: "receiver-has-source",
			Message: fmt.Sprintf("%s tells of its sessions itself: a log here would count them twice", listing.Quote(receiver)),
			Hint:    "name another mail server with --receiver, or leave this one out of receivers in [sensor.collect]"}
	}
	if len(cfg.policy) == 0 || receiver != cfg.receiver {
		return nil
	}
	return &listing.Error{Kind: listing.ErrPolicy, Code: "receiver-has-source",
		Message: fmt.Sprintf("the sessions of %s come from its policy service: its log would count them twice", listing.Quote(receiver)),
		Hint:    "name another mail server with --receiver, or leave the policy service out of [sensor]"}
}

// observing is one body while it is read.
type observing struct {
	*sensor
	watcher watcher
	mu      sync.Mutex
	total   ctl.Observed
	failed  error
}

func (o *observing) take(ctx context.Context, r mta.Report) {
	v, out, err := o.sensor.take(ctx, r)
	if v.Bogus() {
		o.watcher.add(r)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.failed = err
		return
	}
	o.total.Sessions++
	o.total.Outcomes[out]++
	switch {
	case out == sighting.Duplicate:
		o.total.Duplicates++
	case v.Bogus():
		o.total.Bogus++
	case v.Clean():
		o.total.Clean++
	}
}

// Simulate holds what is stored against other thresholds: those in force, with
// what a TOML text says instead.
func (s *sensor) Simulate(ctx context.Context, text []byte) (sighting.Simulation, error) {
	present := s.cfg.Load().thresholds
	other, err := parseThresholds(text, present)
	if err != nil {
		return sighting.Simulation{}, err
	}
	if err := s.engine.Flush(); err != nil {
		return sighting.Simulation{}, err
	}
	stored := func(yield func(sighting.Stored, error) bool) {
		for n, err := range sighting.Recall(s.archive) {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(n, err) || err != nil {
				return
			}
		}
	}
	return sighting.Simulate(stored, present, other, s.engine.Status().Sole)
}

// parseThresholds reads the thresholds of a text, which may be a whole
// configuration, over others.
func parseThresholds(text []byte, over sighting.Thresholds) (sighting.Thresholds, error) {
	file := struct {
		Thresholds map[string]sighting.Threshold `toml:"thresholds"`
	}{over.BySymbol()}
	if err := decodeTOML(bytes.NewReader(text), &file); err != nil {
		return nil, configError("the thresholds: %v", err)
	}
	ts, err := sighting.FromSymbols(file.Thresholds)
	if err == nil {
		err = ts.Validate()
	}
	if err != nil {
		return nil, configError("%v", err)
	}
	return ts, nil
}
