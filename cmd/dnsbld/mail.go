package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pelletier/go-toml/v2"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/ctl"
	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/listing/helo"
	"dnsbld/listing/sensor"
	"dnsbld/listing/sighting"
	"dnsbld/mta"
	"dnsbld/mta/resolve"
)

// mailDoor is where mail servers report, with the sensor behind it. What fails
// in it is logged: it ends neither DNS nor mail.
type mailDoor struct {
	*sensor.Sensor
	d         *dnsbld
	policy    *mta.Policy
	collector *mta.Collector // of other machines; nil: none

	cfg     atomic.Pointer[config.Mail] // in force
	checker atomic.Pointer[resolve.Checker]

	listeners  []net.Listener // of the policy service
	collecting net.Listener
	off        string // why counters are not kept; empty: they are

	dayLock sync.Mutex
	day     time.Time // of today's sessions
	before  uint64    // counted before it

	asking     context.Context // DNS; it ends early, so that a slow resolver does not keep the end waiting
	stopAsking context.CancelFunc
}

// openMail starts the sensor and binds the sockets of mail servers. The sensor
// knows neither DNS nor the desk: it is handed what completes a session from DNS,
// and what takes a mail to a probe address for the proof that it is.
func openMail(ctx context.Context, cfg config.Config, d *dnsbld) (_ *mailDoor, err error) {
	m := &mailDoor{d: d}
	m.asking, m.stopAsking = context.WithCancel(context.WithoutCancel(ctx))
	archive := m.openCounters(filepath.Join(cfg.Data, "sightings.db"))
	m.Sensor, err = sensor.New(sensor.Config{Book: d.book, Archive: archive, Log: d.log, Settings: cfg.Mail.Settings,
		Complete: func(ctx context.Context, r sensor.Report) sensor.Report {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(m.asking, cancel)()
			return sensor.Report(m.checker.Load().Check(ctx, mta.Report(r)))
		},
		Probe: func(ctx context.Context, r sensor.Report, v helo.Verdict) (bool, error) {
			return d.desk.Probe(ctx, sensor.Actor, desk.Probe{Time: r.Time, Client: r.Client, Recipient: r.Probe, Verdict: v})
		}})
	if err != nil {
		return nil, errors.Join(err, archive.Close())
	}
	if err = m.configure(cfg.Mail); err == nil {
		err = m.listen(ctx, cfg.Mail)
	}
	if err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

// openCounters opens the file of the counters. Without it they are kept in
// memory alone: the list is served all the same.
func (m *mailDoor) openCounters(path string) sensor.Archive {
	a, err := db.OpenSightings(path, db.Options{}, func(aside string, why error) {
		m.d.log.Error("the file of the counters was damaged: counting starts again", "kept", aside, "err", why)
	})
	if err != nil {
		m.off = "what sessions show is counted in memory only: " + err.Error()
		m.d.log.Error("what sessions show is counted in memory only", "err", err)
		return sensor.MemoryOnly{}
	}
	m.d.warnOf(a.Doubt(), "the file of the counters")
	return a
}

// configure puts another configuration in force. Sockets and the receiver stay
// as they were at the start: config.NeedsRestart names their keys.
func (m *mailDoor) configure(cfg config.Mail) error {
	var resolver *resolve.Resolver
	if cfg.Resolver.IsValid() {
		var err error
		if resolver, err = resolve.New(cfg.Resolver); err != nil {
			return config.Error("sensor: %v", err)
		}
	}
	if old := m.cfg.Load(); old != nil {
		cfg = cfg.After(*old)
	}
	if err := m.Configure(cfg.Settings); err != nil {
		return config.Error("%v", err)
	}
	if m.collector != nil {
		if err := m.collector.Configure(cfg.Collect.CollectorConfig); err != nil {
			return config.Error("sensor.collect: %v", err)
		}
	}
	m.checker.Store(resolve.NewChecker(cfg.Our, resolver))
	m.cfg.Store(&cfg)
	return nil
}

// listen binds the sockets of the policy service and of the collector.
func (m *mailDoor) listen(ctx context.Context, cfg config.Mail) (err error) {
	if m.policy, err = mta.NewPolicy(mta.PolicyConfig{Receiver: cfg.Receiver, Now: m.d.book.Now,
		Report: func(r mta.Report) { m.Tell(sensor.Report(r)) },
		Listed: m.refuses}); err != nil {
		return err
	}
	for _, a := range cfg.Policy {
		l, err := m.d.sockets.listen(forPolicy+a.String(), func() (net.Listener, error) { return a.Listen(ctx, cfg.Socket) })
		if err != nil {
			return fmt.Errorf("binding the policy service: %w", err)
		}
		m.listeners = append(m.listeners, l)
		m.d.log.Info("policy service", "address", a.String(), "receiver", cfg.Receiver, "enforce", cfg.Enforce)
	}
	if cfg.Collect.Listen == "" {
		return nil
	}
	m.collector, err = mta.NewCollector(cfg.Collect.CollectorConfig, mta.CollectorParts{Now: m.d.book.Now, Say: m.LogError, Take: m.collect})
	if err != nil {
		return config.Error("sensor.collect: %v", err)
	}
	if m.collecting, err = m.d.sockets.listen("collector", func() (net.Listener, error) {
		return new(net.ListenConfig).Listen(ctx, "tcp", cfg.Collect.Listen)
	}); err != nil {
		return fmt.Errorf("binding the collector: %w", err)
	}
	m.d.log.Info("collecting sessions of other machines", "address", cfg.Collect.Listen, "receivers", strings.Join(cfg.Collect.Receivers, ","))
	return nil
}

// refuses says with which text a client is refused: that of the first zone which
// lists it. It looks at memory alone, for mail waits on it, and refuses nobody
// where it is not sure: trusted relays, and what could not be looked up.
func (m *mailDoor) refuses(a netip.Addr) (string, bool) {
	cfg := m.cfg.Load()
	if !cfg.Enforce {
		return "", false
	}
	client := helo.Session{Client: a}
	cfg.Our.Fill(&client)
	says, err := m.d.dns.Lookup(a)
	if client.Trusted || err != nil || len(says) == 0 || len(says[0].TXT) == 0 {
		return "", false
	}
	return says[0].TXT[0], true
}

// servePolicy answers mail servers until ctx is done. It does not fail: a policy
// service that is gone is logged, and DNS goes on.
func (m *mailDoor) servePolicy(ctx context.Context) error {
	defer context.AfterFunc(ctx, m.stopAsking)()
	var doors sync.WaitGroup
	for _, l := range m.listeners {
		doors.Go(func() {
			if err := m.policy.Serve(ctx, l); err != nil {
				m.LogError("the policy service on "+l.Addr().String()+" ended", err)
			}
		})
	}
	doors.Wait()
	<-ctx.Done()
	return nil
}

// serveCollector takes sessions of other machines until ctx is done. It does
// not fail.
func (m *mailDoor) serveCollector(ctx context.Context) error {
	if m.collecting != nil {
		if err := m.collector.Serve(ctx, m.collecting); err != nil {
			m.LogError("sessions of other machines are no longer collected", err)
		}
	}
	<-ctx.Done()
	return nil
}

// close stores what was counted, and lets go of the file and the sockets.
func (m *mailDoor) close() error {
	for _, l := range append(m.listeners, m.collecting) {
		if l != nil {
			_ = l.Close() // closed already, unless the start failed
		}
	}
	return m.Close()
}

// Observe counts the sessions of a body, one a line, as `blctl observe` sends
// them. Logs of a mail server that the policy service reports, too, are refused.
func (m *mailDoor) Observe(ctx context.Context, body io.Reader) (sensor.Observed, error) {
	return m.Count(ctx, func(yield func(sensor.Report) error) (int64, error) {
		stats, err := mta.Read(body, mta.NewNDJSON(mta.LogOptions{Receiver: m.cfg.Load().Receiver, Now: m.d.book.Now}), func(r mta.Report) error {
			if err := m.TakesLog(r.Receiver); err != nil {
				return err
			}
			return yield(sensor.Report(r))
		})
		return stats.Skipped + stats.Overlong, err
	})
}

// collect counts what another machine reports. Its certificate has been checked:
// all reports are of that one receiver.
func (m *mailDoor) collect(ctx context.Context, _ string, reports []mta.Report, stats mta.LogStats) (any, error) {
	return m.Count(ctx, func(yield func(sensor.Report) error) (int64, error) {
		for _, r := range reports {
			if err := yield(sensor.Report(r)); err != nil {
				return stats.Skipped + stats.Overlong, err
			}
		}
		return stats.Skipped + stats.Overlong, nil
	})
}

// Simulate holds what is stored against other thresholds: those in force, with
// what a TOML text, which may be a whole configuration, says instead.
func (m *mailDoor) Simulate(ctx context.Context, text []byte) (sighting.Simulation, error) {
	file := struct {
		Thresholds map[string]sighting.Threshold `toml:"thresholds"`
	}{m.Thresholds().BySymbol()}
	if err := toml.NewDecoder(bytes.NewReader(text)).Decode(&file); err != nil {
		return sighting.Simulation{}, config.Error("the thresholds: %v", err)
	}
	other, err := sighting.FromSymbols(file.Thresholds)
	if err == nil {
		err = other.Validate()
	}
	if err != nil {
		return sighting.Simulation{}, config.Error("%v", err)
	}
	return m.Sensor.Simulate(ctx, other)
}

// counted is how many sessions were counted since the start.
func (m *mailDoor) counted() uint64 {
	totals := m.Sensor.Status().Totals
	return totals[sighting.Counted] + totals[sighting.Exempt]
}

// today is how many sessions were counted since midnight UTC, or since the start. It
// is asked for once a minute at least, so that a day begins with what was counted by
// then.
func (m *mailDoor) today() uint64 {
	counted, day := m.counted(), m.d.book.Now().Truncate(listing.Day)
	m.dayLock.Lock()
	defer m.dayLock.Unlock()
	switch {
	case m.day.IsZero(): // what was counted so far is of the day of the start
		m.day = day
	case !day.Equal(m.day):
		m.day, m.before = day, counted
	}
	return counted - m.before
}

// Status is how the door and the sensor do.
func (m *mailDoor) Status() ctl.SensorStatus {
	cfg := m.cfg.Load()
	st := ctl.SensorStatus{Today: m.today(), Receiver: cfg.Receiver, Policy: []string{}, Enforce: cfg.Enforce, Service: m.policy.Stats(), Our: cfg.Our, Services: cfg.Services, Status: m.Sensor.Status()}
	for _, l := range cfg.Policy {
		st.Policy = append(st.Policy, l.String())
	}
	if cfg.Resolver.IsValid() {
		st.Resolver = cfg.Resolver.String()
	}
	if m.collector != nil {
		st.Collect, st.Collector = cfg.Collect.Listen, m.collector.Stats()
	}
	return st
}
