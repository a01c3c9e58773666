package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/listing"
	"dnsbld/web"
)

// webDoors are the sockets of the pages and of the metrics.
type webDoors struct {
	server         *web.Server
	pages, metrics net.Listener
	off            string // why there are no pages, if they were wanted
}

// openWeb binds the sockets of the pages. A default address that something
// else has is left out and said so; one that was asked for is a failure.
func openWeb(ctx context.Context, d *dnsbld, log *slog.Logger) (webDoors, error) {
	cfg := d.cfg.Load().Web
	var doors webDoors
	var err error
	doors.server, err = web.New(cfg.Site, web.Parts{View: d.live, Desk: d.desk.Desk, Now: d.book.Now, Log: log, Metrics: []prometheus.Collector{d.dns, daemonMetrics{d}, deskMetrics{d}, connectionMetrics{d}}})
	if err != nil {
		return doors, config.Error("%v", err)
	}
	if doors.pages, err = listenWeb(ctx, d.sockets, "pages", cfg.Pages); err != nil && (cfg.Given || !errors.Is(err, syscall.EADDRINUSE)) {
		return doors, err
	} else if err != nil {
		doors.off = cfg.Pages + ", the default address, is in use"
		log.Warn("the default address of the pages is in use: there are no pages", "address", cfg.Pages)
	}
	if doors.metrics, err = listenWeb(ctx, d.sockets, "metrics", cfg.Metrics); err != nil {
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
