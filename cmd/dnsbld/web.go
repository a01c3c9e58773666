package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/listing"
	"dnsbld/web"
)

// limitsConfig is [limits]: what one client may ask of the pages in a minute. A
// client is an IPv4 address or an IPv6 /64.
type limitsConfig struct {
	WebPerMinute int `toml:"web_per_minute"`
	APIPerMinute int `toml:"api_per_minute"`
}

// webFile is [web]: how the pages are reached. Paths are of PEM files, which are
// read again when they change.
type webFile struct {
	TrustedProxies []string `toml:"trusted_proxies"`
	Certificate    string   `toml:"certificate"`
	Key            string   `toml:"key"`
}

// webConfig is the pages' part of a configuration.
type webConfig struct {
	pages, metrics string // addresses to answer on; empty: none
	given          bool   // somebody asked for these addresses
	site           web.Config
}

// web checks what is said of the pages, once everything else is known: they show
// the criteria in force, so they need the reasons, thresholds and the desk.
func (f fileConfig) web(c config, wrong *mistakes) webConfig {
	w := webConfig{pages: f.Listen.Web, metrics: f.Listen.Metrics, given: f.webGiven}
	w.site = web.Config{Reasons: c.rules.Reasons, Policy: c.rules.Policy, Thresholds: c.mail.Thresholds, PerWeek: c.desk.PerWeek,
		Page: c.desk.Page, Mail: c.desk.Mail, Probe: c.desk.Probe, Texts: c.desk.Texts, Zones: c.desk.Zones,
		Limits: web.Limits{WebPerMinute: f.Limits.WebPerMinute, APIPerMinute: f.Limits.APIPerMinute, ExemptLoopback: f.development},
		TLS:    web.Files{Cert: f.Web.Certificate, Key: f.Web.Key}}
	for _, s := range subjects("web.trusted_proxies", f.Web.TrustedProxies, wrong) {
		w.site.TrustedProxies = append(w.site.TrustedProxies, s.Prefix)
	}
	for _, address := range []string{w.pages, w.metrics} {
		if _, err := netip.ParseAddrPort(address); address != "" && err != nil {
			wrong.addf("listen: %s: write an address and a port, such as 127.0.0.1:8053", listing.Quote(address))
		}
	}
	if len(*wrong) == 0 {
		wrong.add(w.site.Validate())
	}
	return w
}

// webDoors are the sockets of the pages and of the metrics.
type webDoors struct {
	server         *web.Server
	pages, metrics net.Listener
	off            string // why there are no pages, if they were wanted
}

// openWeb binds the sockets of the pages. A default address that something
// else has is left out and said so; one that was asked for is a failure.
func openWeb(ctx context.Context, d *dnsbld, log *slog.Logger) (webDoors, error) {
	cfg := d.cfg.Load().web
	var doors webDoors
	var err error
	doors.server, err = web.New(cfg.site, web.Parts{View: d.live, Desk: d.desk.Desk, Now: d.book.Now, Log: log, Metrics: []prometheus.Collector{d.dns, daemonMetrics{d}}})
	if err != nil {
		return doors, configError("%v", err)
	}
	if doors.pages, err = listenWeb(ctx, d.sockets, "pages", cfg.pages); err != nil && (cfg.given || !errors.Is(err, syscall.EADDRINUSE)) {
		return doors, err
	} else if err != nil {
		doors.off = cfg.pages + ", the default address, is in use"
		log.Warn("the default address of the pages is in use: there are no pages", "address", cfg.pages)
	}
	if doors.metrics, err = listenWeb(ctx, d.sockets, "metrics", cfg.metrics); err != nil {
		doors.close()
	}
	return doors, err
}

// listenWeb binds one address; empty: none. The error for an address that another
// program has wraps syscall.EADDRINUSE, by which openWeb knows it.
func listenWeb(ctx context.Context, s *sockets, use, address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	l, err := s.listen(use, func() (net.Listener, error) { return new(net.ListenConfig).Listen(ctx, "tcp", address) })
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &listing.Error{Kind: err, Code: "address-in-use", Message: address + " is in use by another program",
			Hint: "give --web another address, or --web '' for no pages"}
	}
	return l, err
}

// close closes what was bound.
func (w webDoors) close() {
	for _, l := range []net.Listener{w.pages, w.metrics} {
		if l != nil {
			l.Close()
		}
	}
}
