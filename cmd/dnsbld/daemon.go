package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/cmd/help"
	"dnsbld/connlimit"
	"dnsbld/ctl"
	"dnsbld/ctl/server"
	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/hits"
	"dnsbld/listing/index"
	"dnsbld/listing/mirror"
	"dnsbld/listing/report"
	"dnsbld/zone"
)

// actor is who the daemon is in the audit.
const actor = "dnsbld"

// self is the daemon as a caller of the Book.
func self() listing.Caller { return listing.Caller{Name: actor, Role: listing.Daemon} }

// dnsbld is the daemon at work: what its parts share, and the parts that others
// ask.
type dnsbld struct {
	log   *slog.Logger
	store *db.DB
	live  *index.Live
	clock *index.Clock

	mirror *mirror.Mirror // of a primary; nil: this list is its own

	lastChange time.Time // of the list, when it was opened; zero: never
	sweeper    atomic.Pointer[index.Sweeper]
	book       *listing.Book
	dns        *zone.Server
	hits       *hits.Counter
	recalled   atomic.Bool // what was counted before the start is in it
	mail       *mailDoor
	desk       *supportDesk
	web        webDoors
	operators  atomic.Pointer[server.Server]
	load       func() (config.Config, error) // reads the configuration
	begun      config.Config                 // what it began with
	readOnly   string                        // file that is served read-only, as was said or since its disk is; empty: none
	cfg        atomic.Pointer[config.Config] // in force
	last       atomic.Pointer[ctl.Reload]    // reading of the configuration
	told       told                          // to DNS

	listeners map[string][]string // what is answered where, of this generation
	sources   atomic.Pointer[[]report.Source]
	deskStats deskStats

	sockets  *sockets
	changes  atomic.Pointer[db.DB] // the store, for DNS
	handOver atomic.Bool           // the doors close for a successor
	hangups  chan os.Signal        // SIGHUP
	usr2     chan os.Signal        // SIGUSR2
}

// serve runs the daemon until ctx is done or a successor has taken over. DNS and
// its clock outlive the doors and the store, which are opened again where a
// successor failed. What is asked before the list is loaded is answered with
// SERVFAIL.
func serve(ctx context.Context, cfg config.Config, load func() (config.Config, error), log *slog.Logger) (err error) {
	d := &dnsbld{load: load, begun: cfg, log: log, live: index.NewLive(), clock: index.NewClock(shifted(cfg.ClockOffset)),
		hangups: make(chan os.Signal, 1), usr2: make(chan os.Signal, 1)}
	for signals, which := range map[chan os.Signal]os.Signal{d.hangups: syscall.SIGHUP, d.usr2: syscall.SIGUSR2} {
		signal.Notify(signals, which) // for as long as this runs: either would end the process
		defer signal.Stop(signals)
	}
	d.cfg.Store(&cfg)
	d.last.Store(&ctl.Reload{OK: true, At: shifted(cfg.ClockOffset)().UTC().Truncate(time.Second)})
	d.protect()
	if err := d.openStore(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.store.Close()) }() // that of the last generation
	if d.dns, err = zone.New(view{d}, d.clock, cfg.Zone); err != nil {
		return config.Error("%v", err)
	}
	d.told.zones = cfg.Zone
	d.dns.Follow(d)
	d.dns.Report(d.log)
	d.hits = hits.New(shifted(cfg.ClockOffset)())
	d.dns.Count(d.hits)
	if cfg.Mirror != "" {
		d.mirror = d.openMirror()
	}
	if d.sockets, err = openSockets(ctx, cfg, log); err != nil {
		return err
	}
	defer d.sockets.close()
	return d.run(ctx)
}

// run answers DNS, and keeps the doors open beside it.
func (d *dnsbld) run(ctx context.Context) error {
	var p parts
	ctx, p.cancel = context.WithCancel(ctx)
	defer p.cancel()
	dns, base := p.group(context.WithoutCancel(ctx)), p.group(context.WithoutCancel(ctx))
	base.run("clock", d.clock.Run)
	base.run("hits", d.keepHits)
	dns.start("dns", d.answer)
	successor, failed := d.generations(ctx)
	if successor == nil {
		d.sockets.close()
	}
	for _, g := range []*group{dns, base} {
		g.end()
		g.Wait()
	}
	if successor != nil {
		d.sockets.all = nil                             // they are the successor's, and so are their names
		failed = errors.Join(failed, successor.Close()) // it has waited for this
	}
	return errors.Join(append(p.failures, failed)...)
}

// generations opens the doors, again where a successor failed, until ctx is done
// or there is a successor.
func (d *dnsbld) generations(ctx context.Context) (successor *net.UnixConn, err error) {
	for {
		d.handOver.Store(false)
		if err := d.generation(ctx); err != nil || !d.handOver.Load() {
			return nil, err
		}
		successor, err := startSuccessor(ctx, d.sockets, d.log)
		if err == nil || ctx.Err() != nil {
			return successor, nil
		}
		d.log.Error("the successor failed: this process goes on", "err", err)
		if err := d.openStore(ctx); err != nil {
			return nil, err
		}
	}
}

// generation opens the doors on the store, and closes both. What was opened is
// closed in the opposite order: the store last, for all others write to it.
func (d *dnsbld) generation(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, d.store.Close()) }()
	cfg := *d.cfg.Load()
	d.book = listing.NewBook(d.store, d.live, cfg.Rules, shifted(cfg.ClockOffset))
	if d.mail, err = openMail(ctx, cfg, d); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.mail.close()) }()
	if d.desk, err = openDesk(d, d.mail); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.desk.close()) }()
	if d.web, err = openWeb(ctx, d, d.log); err != nil {
		return err
	}
	control, err := d.sockets.listen(forControl, nil)
	if err != nil {
		return err
	}
	if d.listeners, err = d.sockets.where(); err != nil {
		return err
	}
	return d.serveDoors(ctx, control)
}

// serveDoors keeps the parts of a generation going. The first that fails ends the
// others, and so does the end of ctx, in three steps: the doors of people and
// operators, which get a second for what is in hand; then the policy service,
// which mail waits for; then what they all stand on.
func (d *dnsbld) serveDoors(ctx context.Context, control net.Listener) error {
	var p parts
	ctx, p.cancel = context.WithCancel(ctx)
	defer p.cancel()
	doors, mail, base := p.group(ctx), p.group(context.WithoutCancel(ctx)), p.group(context.WithoutCancel(ctx))

	base.start("index", d.follow)
	if err := d.takeOver(ctx); err != nil {
		d.log.Error("taking over", "err", err)
		p.cancel()
	}
	d.recallHits()
	if d.readOnly == "" {
		base.run("served revision", func(ctx context.Context) { db.KeepWatermark(ctx, d.cfg.Load().Database, d.served, d.log) })
		doors.run("sweep", d.endDue)
		doors.run("upkeep", d.upkeep)
	}
	base.run("sensor", d.mail.Run)
	mail.start("policy service", d.mail.servePolicy)
	operators := d.control()
	d.operators.Store(operators)
	doors.start("control socket", func(ctx context.Context) error { return operators.Serve(ctx, control) })
	doors.start("collector", d.mail.serveCollector)
	doors.run("support desk", func(ctx context.Context) { d.desk.Run(ctx, actor, d.log) })
	doors.run("sources", d.watchSources)
	if d.mirror != nil {
		doors.run("mirror", d.followPrimary)
	}
	if l := d.web.pages; l != nil {
		doors.start("pages", func(ctx context.Context) error { return d.web.server.Serve(ctx, l) })
	}
	if l := d.web.metrics; l != nil {
		doors.start("metrics", func(ctx context.Context) error { return d.web.server.ServeMetrics(ctx, l) })
	}
	doors.start("reload", func(ctx context.Context) error { return d.reloads(ctx) })
	doors.run("successor", d.awaitUSR2)
	doors.start("start", d.ready)

	<-ctx.Done()
	if d.handOver.Load() {
		d.log.Info("handing over to a successor")
	} else {
		_, _ = daemon.SdNotify(false, daemon.SdNotifyStopping)
		d.log.Info("ending")
		d.sockets.closeDoors()
	}
	for _, g := range []*group{doors, mail, base} {
		g.end()
		g.Wait()
	}
	return errors.Join(p.failures...)
}

// ready says so when every zone is answered from the list, then waits for the
// end. "ready" is the last line of a start: scripts and systemd wait for it.
func (d *dnsbld) ready(ctx context.Context) error {
	cfg := d.cfg.Load()
	if err := d.live.Wait(ctx, 0); err != nil {
		return err
	}
	d.note(ctx, cfg.Hash)
	stats, listeners := d.live.Set().Stats(), []any{}
	for _, what := range slices.Sorted(maps.Keys(d.listeners)) {
		listeners = append(listeners, what, strings.Join(d.listeners[what], " "))
	}
	d.log.Info("serving", append([]any{"version", help.Version(version), "zones", len(cfg.Zone.Zones), "hosts", stats.Hosts, "prefixes", stats.Prefixes,
		"revision", d.live.Set().Revision()}, listeners...)...)
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		d.log.Warn("telling systemd", "err", err)
	}
	d.tellStatus("")
	d.log.Info("ready")
	<-ctx.Done()
	return nil
}

// control is the server behind the control socket.
func (d *dnsbld) control() *server.Server {
	return server.New(server.Config{Book: d.book, Live: d.live,
		Verify: d.store.Audit, Compact: d.compact, Backup: d.backup, Answers: d.answers, Zones: d.zones, ZoneFile: d.dns.WriteZone, Serials: d.serials, Doctor: d.doctor, MailServers: d.mailServers,
		Criteria: d.criteria, Stats: func() any { return d.dns.Stats() }, Complete: d.complete,
		Reload: func() ctl.Reload { return *d.last.Load() }, WarnSources: func() time.Duration { return d.cfg.Load().WarnSources },
		Sensor: d.mail, Desk: d.desk.Desk, Hits: d.hits, Log: d.log, Version: help.Version(version), Started: d.book.Now(), Spool: d.store.Nameless,
		Connections: func() connlimit.Limits { return d.cfg.Load().Control }})
}

// answers is what DNS says of an address, for people.
func (d *dnsbld) answers(a netip.Addr) []report.Answer {
	says, err := d.dns.Lookup(a)
	if err != nil {
		return nil
	}
	var all []report.Answer
	for _, s := range says {
		all = append(all, report.Answer{Zone: s.Zone, A: s.A, TXT: s.TXT, TTL: uint32(s.TTL / time.Second)})
	}
	return all
}

// zones are those in force, for operators.
func (d *dnsbld) zones() []report.Zone {
	var all []report.Zone
	for _, z := range d.cfg.Load().Zone.Lists() {
		zone := report.Zone{Name: z.Name, TTL: listing.Life(z.TTL), NegativeTTL: listing.Life(z.NegativeTTL), Reasons: z.Reasons,
			Mail: z.Mailbox, Page: z.Page, Glue: map[string][]netip.Addr{}}
		for _, ns := range z.NS {
			zone.NS = append(zone.NS, ns.Name)
			zone.Glue[ns.Name] = ns.Addresses
		}
		zone.Serial, zone.Secondaries = uint32(d.served()), d.dns.Secondaries(z.Name)
		if z.Primary != nil {
			d.mirrorZone(&zone)
		}
		all = append(all, zone)
	}
	return all
}
