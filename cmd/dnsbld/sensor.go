package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"dnsbld/ctl"
	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/listing/helo"
	"dnsbld/listing/sighting"
	"dnsbld/mta"
	"dnsbld/mta/resolve"
	"dnsbld/zone"
)

// sensorActor is who lists and heals in the audit.
const sensorActor = "dnsbld:sensor"

// sensor counts what mail servers tell, and lists who crosses a threshold. What
// fails in it is said on the log and tried again: it ends neither DNS nor mail.
type sensor struct {
	log     *slog.Logger
	now     func() time.Time
	book    *listing.Book
	lookup  func(netip.Addr) ([]zone.Says, error)
	engine  *sighting.Engine
	archive archive
	policy  *mta.Policy
	cfg     atomic.Pointer[sensorConfig] // in force
	checker atomic.Pointer[resolve.Checker]
	trouble trouble
	desk    atomic.Pointer[desk.Desk] // told of probes; nil until it is open
	probes  probes

	listeners  []net.Listener
	reports    chan mta.Report // of the policy service
	collector  *mta.Collector  // of other machines; nil: none
	collecting net.Listener

	sending  sync.Mutex // held while edits are on their way
	mu       sync.Mutex
	watchers map[*watcher]struct{}
}

// archive is the file of the counters.
type archive interface {
	sighting.Archive
	Renew(why error) error
	io.Closer
}

// newSensor makes the sensor and binds its sockets.
func newSensor(ctx context.Context, cfg config, d *dnsbld, now func() time.Time) (*sensor, error) {
	s := &sensor{log: d.log, now: now, book: d.book, lookup: d.dns.Lookup, reports: make(chan mta.Report, reportQueue),
		watchers: map[*watcher]struct{}{}, trouble: trouble{log: d.log}}
	s.archive = s.openArchive(filepath.Join(cfg.data, "sightings.db"))
	o := sighting.Options{Now: now, Rules: d.book.Rules, Thresholds: cfg.sensor.thresholds, Archive: s.archive, Named: cfg.sensor.named, Ended: s.ended}
	var err error
	if s.engine, err = sighting.New(o); errors.Is(err, listing.ErrCorrupt) {
		if err = s.archive.Renew(err); err == nil {
			s.engine, err = sighting.New(o)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the sensor: %w", err), s.archive.Close())
	}
	if err := s.configure(cfg.sensor); err != nil {
		return nil, errors.Join(err, s.archive.Close())
	}
	if err := s.listen(ctx, cfg.sensor); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// openArchive opens the file of the counters. Without it they are kept in
// memory alone: the list is served all the same.
func (s *sensor) openArchive(path string) archive {
	a, err := db.OpenSightings(path, db.Options{}, func(aside string, why error) {
		s.log.Error("the file of the counters was damaged: counting begins anew", "kept", aside, "err", why)
	})
	if err != nil {
		s.log.Error("what sessions show is counted in memory only", "err", err)
		return forgetful{}
	}
	return a
}

// configure puts another configuration in force. Sockets and the receiver stay.
func (s *sensor) configure(cfg sensorConfig) error {
	var resolver *resolve.Resolver
	if cfg.resolver.IsValid() {
		var err error
		if resolver, err = resolve.New(cfg.resolver); err != nil {
			return configError("sensor: %v", err)
		}
	}
	if err := s.engine.SetThresholds(cfg.thresholds); err != nil {
		return configError("%v", err)
	}
	if old := s.cfg.Load(); old != nil {
		cfg.receiver, cfg.policy, cfg.collect = old.receiver, old.policy, cfg.collect.after(old.collect)
	}
	if s.collector != nil {
		if err := s.collector.Configure(cfg.collect.CollectorConfig); err != nil {
			return configError("sensor.collect: %v", err)
		}
	}
	s.checker.Store(resolve.NewChecker(cfg.our, resolver))
	s.cfg.Store(&cfg)
	return nil
}

// listen binds the sockets of the policy service.
func (s *sensor) listen(ctx context.Context, cfg sensorConfig) (err error) {
	if s.policy, err = mta.NewPolicy(mta.PolicyConfig{Receiver: cfg.receiver, Report: func(r mta.Report) { s.reports <- r },
		Listed: s.listed, Now: s.now}); err != nil {
		return err
	}
	for _, a := range cfg.policy {
		l, err := listenPolicy(ctx, a)
		if err != nil {
			return fmt.Errorf("binding the policy service: %w", err)
		}
		s.listeners = append(s.listeners, l)
		s.log.Info("policy service", "address", a.String(), "receiver", cfg.receiver, "enforce", cfg.enforce)
	}
	return s.openCollector(ctx, cfg.collect)
}

// listed says with which text a client is refused. It looks at memory alone.
func (s *sensor) listed(a netip.Addr) (string, bool) {
	cfg := s.cfg.Load()
	if !cfg.enforce {
		return "", false
	}
	client := helo.Session{Client: a}
	cfg.our.Fill(&client)
	says, err := s.lookup(a)
	if client.Trusted || err != nil || len(says) == 0 || len(says[0].TXT) == 0 {
		return "", false
	}
	return says[0].TXT[0], true
}

// run keeps all parts of the sensor going until ctx is done, and then has what
// was heard counted. It does not fail.
func (s *sensor) run(ctx context.Context) {
	var doors, counting, deciding sync.WaitGroup
	for _, l := range s.listeners {
		doors.Go(func() {
			if err := s.policy.Serve(ctx, l); err != nil {
				s.log.Error("the policy service ended", "address", l.Addr().String(), "err", err)
			}
		})
	}
	if s.collecting != nil {
		doors.Go(func() {
			if err := s.collector.Serve(ctx, s.collecting); err != nil {
				s.log.Error("sessions of other machines are no longer collected", "err", err)
			}
		})
	}
	for range reporters {
		counting.Go(func() {
			for r := range s.reports {
				s.take(ctx, r)
			}
		})
	}
	standing := make(chan struct{})
	deciding.Go(func() { s.follow(ctx, standing) })
	deciding.Go(func() { s.decide(ctx, standing) })
	deciding.Go(func() { s.keep(ctx) })
	doors.Wait()
	<-ctx.Done()
	close(s.reports)
	counting.Wait()
	deciding.Wait()
}

// close stores what was counted, and lets go of the file and the sockets.
func (s *sensor) close() error {
	for _, l := range s.listeners {
		_ = l.Close() // closed already, unless the start failed
	}
	if s.collecting != nil {
		_ = s.collecting.Close() // likewise
	}
	return errors.Join(s.engine.Flush(), s.archive.Close())
}

// Facts are what the counters know of a subject.
func (s *sensor) Facts(of listing.Subject) (sighting.Facts, error) {
	f, err := s.engine.Facts(of)
	s.mend(err)
	return f, err
}

// Clean are the senders that lately greeted as they should.
func (s *sensor) Clean(within listing.Subject) iter.Seq2[sighting.Sender, error] {
	return func(yield func(sighting.Sender, error) bool) {
		var failed error
		for one, err := range s.engine.Clean(within) {
			failed = err
			if !yield(one, err) {
				break
			}
		}
		s.mend(failed) // not before the file is let go of
	}
}

// Status is how the sensor is.
func (s *sensor) Status() ctl.SensorStatus {
	cfg := s.cfg.Load()
	st := ctl.SensorStatus{Receiver: cfg.receiver, Policy: []string{}, Enforce: cfg.enforce, Service: s.policy.Stats(), Probes: s.probes.count(), Status: s.engine.Status()}
	for _, l := range cfg.policy {
		st.Policy = append(st.Policy, l.String())
	}
	if cfg.resolver.IsValid() {
		st.Resolver = cfg.resolver.String()
	}
	if s.collector != nil {
		st.Collect, st.Collector = cfg.collect.listen, s.collector.Stats()
	}
	return st
}

// mend begins the counters anew when something in their file cannot be
// understood: they are losable, and one damaged value must not stop the rest.
func (s *sensor) mend(err error) {
	if errors.Is(err, listing.ErrCorrupt) {
		s.trouble.say("the counters are damaged", errors.Join(err, s.archive.Renew(err)))
	}
}
