package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/connlimit"
	"dnsbld/listing"
	"dnsbld/listing/language"
)

// Server answers browsers. Handler and Metrics are its two doors.
type Server struct {
	parts    Parts
	pages    *pages
	site     atomic.Pointer[site] // in force
	counts   pageMetrics
	registry *prometheus.Registry
	workers  workerPool
	tls      Files
	gate     *connlimit.Gate // of the pages
}

// site is a configuration ready for use.
type site struct {
	Config
	title     string
	web, api  *limiter
	csrf      *http.CrossOriginProtection
	languages *language.Languages
	sets      map[string]*template.Template // by the tag of a language
	criteria  map[string][]byte             // the page, likewise
}

// New checks a configuration and returns a Server under it.
func New(c Config, p Parts) (*Server, error) {
	if p.View == nil || p.Desk == nil || p.Now == nil {
		return nil, errors.New("web: a server needs a view, a desk and a clock")
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	pages, err := newPages()
	if err != nil {
		return nil, err
	}
	s := &Server{parts: p, pages: pages, counts: newPageMetrics(), registry: prometheus.NewRegistry(), tls: c.TLS}
	s.gate = connlimit.New(func() connlimit.Limits { return s.site.Load().connections() }, connlimit.ByAddress)
	return s, errors.Join(s.register(), s.Configure(c))
}

// Configure puts another configuration in force for the requests that come
// after. A bad one changes nothing.
func (s *Server) Configure(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	next := &site{Config: c, title: c.Zones[0].Name, languages: c.Letters.Languages(), csrf: http.NewCrossOriginProtection()}
	if c.Page != "" { // a proxy may not pass on the name that browsers know
		if err := next.csrf.AddTrustedOrigin(originURL(c.Page)); err != nil {
			return fmt.Errorf("desk.page: %w", err)
		}
	}
	var err error
	if next.languages == nil {
		if next.languages, err = language.Load(nil); err != nil {
			return err
		}
	}
	if next.sets, err = s.pages.in(next.languages); err != nil {
		return err
	}
	if next.criteria, err = s.criteriaHTML(next); err != nil {
		return err
	}
	next.web, next.api = newLimiter(c.Limits.WebPerMinute), newLimiter(c.Limits.APIPerMinute)
	if now := s.site.Load(); now != nil {
		if now.web.most == next.web.most {
			next.web = now.web
		}
		if now.api.most == next.api.most {
			next.api = now.api
		}
	}
	s.site.Store(next)
	return nil
}

// Limits of a connection.
const (
	headerTime = 5 * time.Second
	readTime   = 10 * time.Second
	writeTime  = 30 * time.Second
	idleTime   = time.Minute
	drainTime  = time.Second // for requests in hand when it ends
	maxHeader  = 16 << 10
)

// Serve answers on a listener until ctx is done, then finishes what is in hand.
// It closes the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	pool, leave := context.WithCancel(context.WithoutCancel(ctx))
	var working sync.WaitGroup
	working.Go(func() { s.workers.run(pool) })
	defer working.Wait()
	defer leave()
	h := s.httpServer(s.Handler())
	l = s.gate.Listen(l)
	if s.tls == (Files{}) {
		return serve(ctx, h, func() error { return h.Serve(l) })
	}
	var err error
	if h.TLSConfig, err = certified(s.tls, s.parts.Log); err != nil {
		return errors.Join(err, l.Close())
	}
	return serve(ctx, h, func() error { return h.ServeTLS(l, "", "") })
}

// Open counts the connections of the pages.
func (s *Server) Open() connlimit.Stats { return s.gate.Stats() }

// ServeMetrics answers a monitoring system on a listener, as Serve does.
func (s *Server) ServeMetrics(ctx context.Context, l net.Listener) error {
	h := s.httpServer(s.Metrics())
	gate := connlimit.New(func() connlimit.Limits { return connlimit.Limits{All: 100} }, connlimit.ByAddress)
	return serve(ctx, h, func() error { return h.Serve(gate.Listen(l)) })
}

// httpServer is a server with the limits on connections.
func (s *Server) httpServer(handler http.Handler) *http.Server {
	return &http.Server{Handler: handler, ConnContext: connlimit.Context, ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.parts.Log.Handler(), slog.LevelDebug)}
}

// serve runs an HTTP server until ctx is done. What is in hand then has drainTime.
func serve(ctx context.Context, h *http.Server, run func() error) error {
	failed := make(chan error, 1)
	go func() { failed <- run() }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving the web: %w", err)
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := h.Shutdown(late)
	if errors.Is(err, context.DeadlineExceeded) {
		err = h.Close() // who is not done by now is cut off
	}
	<-failed
	return err
}

// statusOf is the HTTP status of a failure.
func statusOf(err error) int {
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return http.StatusRequestEntityTooLarge
	}
	return listing.FailuresAnd().Of(err).Status
}
