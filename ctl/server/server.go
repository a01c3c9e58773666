package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"time"

	"dnsbld/connlimit"
	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/listing/hits"
	"dnsbld/listing/index"
	"dnsbld/listing/report"
)

// Config is what a Server works with. Book and Live are needed.
type Config struct {
	Book    *listing.Book
	Live    *index.Live                      // the served view
	Answers func(netip.Addr) []report.Answer // what DNS says now, a zone each; nil: no DNS here
	Zones   func() []report.Zone             // the zones that are answered; nil: none
	// ZoneFile writes a zone as secondaries have it, of a set; nil: no DNS here.
	ZoneFile func(to io.Writer, zone string, set *index.Set) error
	Serials  func(context.Context) []report.ServerSerial // what the zones' name servers answer when they are asked; nil: they cannot be
	// Doctor looks at a zone from outside; nil: DNS cannot be asked.
	Doctor func(context.Context, report.Zone) []report.Check
	// MailServers are the addresses to which mail for a domain goes, as many
	// as could be found when there is an error; nil: DNS cannot be asked.
	MailServers func(ctx context.Context, domain string) ([]netip.Addr, error)
	Criteria    func() error         // why the criteria that are published are not those in force; nil: nothing publishes them
	Stats       func() any           // counters of the DNS side, sent as JSON; nil: none
	Sensor      Sensor               // nil: sessions are not counted here
	Desk        *desk.Desk           // nil: there is no support desk here
	Hits        *hits.Counter        // of queries; nil: they are not counted here
	Log         *slog.Logger         // nil: none
	Version     string               // of the program
	Started     time.Time            // when it began to serve
	WarnSources func() time.Duration // how long before the end of a source, and after it, to warn; nil: a day

	// Complete adds to a status what the daemon alone knows: where it listens, which
	// of its parts are at work, the last backup; nil: there is no daemon.
	Complete func(*ctl.Status)
	Reload   func() ctl.Reload // what became of reading the configuration last; nil: there is none

	// Spool makes a file without a name for a long answer; nil: it is kept in memory.
	Spool func() (*os.File, error)

	// Connections are how many may be open, in all and of one user; nil: 256, 64.
	Connections func() connlimit.Limits

	// Verify walks the audit chain from a checkpoint on, and with full replays the
	// log; nil: not from here.
	Verify func(ctx context.Context, from listing.Checkpoint, full bool) (listing.Verified, error)

	// Backup writes the whole list; nil: it cannot be had from here.
	Backup func(ctx context.Context, to io.Writer) (listing.Revision, error)

	// Restore makes a backup the list at a path; nil: not here.
	Restore func(context.Context, listing.Caller, ctl.Restore) (ctl.Restored, error)

	// Compact gives back to the disk what the list does not need; nil: not here.
	Compact func(context.Context, listing.Caller) (ctl.Compacted, error)

	// Rebuild makes a list anew from its log; nil: not here.
	Rebuild func(context.Context, listing.Caller, ctl.Rebuild) (ctl.Rebuilt, error)

	// Unopened is why there is no list here, and Book and Live are nil. It
	// answers everything but Rebuild, Restore and Triage.
	Unopened error
}

// Server answers control requests. It is an http.Handler; identity comes from
// the connection, so it is served by Serve, or by another server whose
// connections have WithCaller in their context.
type Server struct {
	cfg    Config
	mux    *http.ServeMux
	gate   *connlimit.Gate
	hidden hiddenCache
}

// New returns a Server.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Connections == nil {
		cfg.Connections = func() connlimit.Limits { return connlimit.Limits{All: 256, PerClient: 64} }
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux()}
	s.gate = connlimit.New(cfg.Connections, s.user)
	var table ctl.Client
	routes := ctl.Routes(&table)
	for _, b := range s.bindings(&table) {
		route := routes[b.endpoint]
		h := b.handler(route)
		if cfg.Unopened != nil && !slices.Contains([]any{&table.Rebuild, &table.Restore, &table.Triage}, b.endpoint) {
			h = func(http.ResponseWriter, *http.Request, listing.Caller) error { return cfg.Unopened }
		}
		s.mux.Handle(route.Method+" "+route.Path, s.handle(route, h))
	}
	s.mux.Handle("/", s.handle(ctl.Route{Name: "Unknown", Role: listing.Reader}, unknown))
	return s
}

// Open counts the connections of the control socket.
func (s *Server) Open() connlimit.Stats { return s.gate.Stats() }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// handler answers a request of somebody. A request that it has written nothing
// for is answered with its error.
type handler func(w http.ResponseWriter, r *http.Request, who listing.Caller) error

// handle checks the role of the caller, answers with what fails, and logs.
func (s *Server) handle(route ctl.Route, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, line := s.logging(r, route)
		var err error
		if line.who, err = s.authorize(r.Context(), route.Role); err == nil {
			defer connlimit.HoldRequest(r)()
			err = h(w, r, line.who)
		}
		line.write(r.Context(), err)
		if err != nil && !errors.Is(err, errGone) {
			fail(w, err)
		}
	})
}

// unknown answers what is not in the table: an older or a newer blctl, most
// likely.
func unknown(_ http.ResponseWriter, r *http.Request, _ listing.Caller) error {
	return invalid("unknown-endpoint", fmt.Sprintf("there is no %s %s", r.Method, listing.Quote(r.URL.Path)),
		"blctl and dnsbld are perhaps of different versions: compare `blctl version` and `blctl status`")
}

const (
	patience  = 10 * time.Second // for the header and the body of a command
	stall     = time.Minute      // how long a file may pause
	graceTime = time.Second      // for requests in hand when it ends
)

// stoppingKey is the key of the context that ends when the server is to stop.
type stoppingKey struct{}

// Serve answers on a listener until ctx is done or the listener is closed, then
// lets requests in hand finish for a while.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	server := &http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return context.WithValue(requests, stoppingKey{}, ctx) },
		ConnContext:       connContext,
		ReadHeaderTimeout: patience,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(s.gate.Listen(l)) }()
	select {
	case err := <-failed:
		if !errors.Is(err, io.EOF) { // which ends a listener that is Inherited
			return fmt.Errorf("serving the control socket: %w", err)
		}
		failed <- err
	case <-ctx.Done():
	}
	grace, stop := context.WithTimeout(requests, graceTime)
	defer stop()
	if err := server.Shutdown(grace); errors.Is(err, context.DeadlineExceeded) {
		s.cfg.Log.Warn("requests on the control socket were cut short: what they asked is undone or done as a whole")
		cut()
		_ = server.Close() // of connections that are cut
	} else if err != nil {
		return fmt.Errorf("closing the control socket: %w", err)
	}
	<-failed // it closes the socket, where Shutdown came before it had begun
	return nil
}
