package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/listing/index"
	"dnsbld/listing/report"
)

// Config is what a Server works with. Book and Live are needed.
type Config struct {
	Book    *listing.Book
	Live    *index.Live                                 // the served view
	Answers func(netip.Addr) []report.Answer            // what DNS says now, a zone each; nil: no DNS here
	Zones   func() []report.Zone                        // the zones that are answered; nil: none
	Serials func(context.Context) []report.ServerSerial // what the zones' name servers answer when they are asked; nil: they cannot be
	// MailServers are the addresses to which mail for a domain goes, as many
	// as could be found when there is an error; nil: DNS cannot be asked.
	MailServers func(ctx context.Context, domain string) ([]netip.Addr, error)
	Criteria    func() error // why the criteria that are published are not those in force; nil: nothing publishes them
	Stats       func() any   // counters of the DNS side, sent as JSON; nil: none
	Sensor      Sensor       // nil: sessions are not counted here
	Desk        *desk.Desk   // nil: there is no support desk here
	Log         *slog.Logger // nil: none
	Version     string       // of the program
	Started     time.Time    // when it began to serve
	Spool       string       // directory for long answers; empty: the system's temporary one

	// Verify walks the audit chain from a checkpoint on; nil: it cannot be
	// walked from here.
	Verify func(ctx context.Context, from listing.Checkpoint) (listing.Verified, error)

	// Backup writes the whole list; nil: it cannot be had from here.
	Backup func(ctx context.Context, to io.Writer) (listing.Revision, error)
}

// Server answers control requests. It is an http.Handler; identity comes from
// the connection, so it is served by Serve, or called in the same process with
// WithCaller.
type Server struct {
	cfg Config
	mux *http.ServeMux
}

// New returns a Server.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Spool == "" {
		cfg.Spool = os.TempDir()
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux()}
	for pattern, h := range s.endpoints() {
		s.mux.Handle(pattern, s.handle(h))
	}
	return s
}

// endpoints are all that is served. What each takes is in needs.
func (s *Server) endpoints() map[string]handler {
	all := s.deskHandlers()
	maps.Copy(all, map[string]handler{
		"PUT /v1/entry":                   s.add,
		"POST /v1/expire":                 s.expire,
		"POST /v1/delist":                 s.delist,
		"POST /v1/allow":                  s.permit,
		"POST /v1/import":                 s.imports,
		"DELETE /v1/sources/{name}":       s.dropSource,
		"POST /v1/undo":                   s.undo,
		"POST /v1/proposals":              s.propose,
		"GET /v1/proposals":               s.proposals,
		"DELETE /v1/proposals/{id}":       s.withdraw,
		"POST /v1/proposals/{id}/approve": s.approve,
		"GET /v1/changes":                 s.watch,
		"GET /v1/audit":                   s.audit,
		"GET /v1/backup":                  s.backup,
		"GET /v1/show":                    s.show,
		"POST /v1/observe":                s.observe,
		"POST /v1/simulate":               s.simulate,
		"GET /v1/entries":                 s.list,
		"GET /v1/export":                  s.export,
		"GET /v1/history":                 s.history,
		"GET /v1/then":                    s.historyAt,
		"GET /v1/allow":                   s.allows,
		"GET /v1/reasons":                 s.reasons,
		"GET /v1/sources":                 s.sources,
		"GET /v1/stats":                   s.stats,
		"GET /v1/status":                  s.status,
		"/":                               unknown,
	})
	return all
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// handler answers a request of somebody. What it has written nothing for is
// answered with its error.
type handler func(w http.ResponseWriter, r *http.Request, who Caller) error

func (s *Server) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := callerOf(r.Context())
		if err == nil {
			err = s.authorize(&who, r.Pattern)
		}
		if err == nil {
			err = h(w, r, who)
		}
		level := slog.LevelDebug
		if r.Method != http.MethodGet {
			level = slog.LevelInfo
		}
		log := s.cfg.Log.With("method", r.Method, "path", r.URL.Path, "actor", who.Name)
		if err != nil {
			if !errors.Is(err, errGone) {
				s.fail(w, err)
			}
			log.Log(r.Context(), level, "control request refused", "err", err)
			return
		}
		log.Log(r.Context(), level, "control request")
	})
}

// fail answers with an error.
func (s *Server) fail(w http.ResponseWriter, err error) {
	status, wire := encodeError(err)
	f := failure{Error: wire}
	if p, ok := errors.AsType[*partial](err); ok {
		f.Outcome, _ = json.Marshal(p.outcome) // it is made of what marshals
	}
	reply(w, status, f)
}

// partial is an error with what was done before it.
type partial struct {
	error
	outcome any
}

func (p *partial) Unwrap() error { return p.error }

func unknown(_ http.ResponseWriter, r *http.Request, _ Caller) error {
	return invalid("unknown-endpoint", fmt.Sprintf("there is no %s %s", r.Method, listing.Quote(r.URL.Path)),
		"blctl and dnsbld are perhaps of different versions: compare `blctl version` and `blctl status`")
}

// reply sends a JSON object.
func reply(w http.ResponseWriter, status int, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(raw)+1))
	w.WriteHeader(status)
	_, err = w.Write(append(raw, '\n'))
	if err != nil {
		return errGone
	}
	return nil
}

// errGone says that nobody takes the answer any more.
var errGone = errors.New("the client went away")

const (
	maxBody   = 64 << 10 // of a command
	patience  = 10 * time.Second
	graceTime = 10 * time.Second
)

// command reads the body of a request as JSON.
func command(w http.ResponseWriter, r *http.Request, into any) error {
	control := http.NewResponseController(w)
	setDeadline(control, time.Now().Add(patience))
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the command")
		}
	}
	setDeadline(control, time.Time{}) // else it would end the request later
	if err != nil {
		return invalid("bad-request", "the request cannot be read: "+err.Error(),
			"blctl and dnsbld are perhaps of different versions: compare `blctl version` and `blctl status`")
	}
	return nil
}

// setDeadline bounds how long a read of the body may take, where there is a
// connection.
func setDeadline(c *http.ResponseController, t time.Time) {
	_ = c.SetReadDeadline(t) // not supported in-process, where nobody stalls
}

// Serve answers on a listener until ctx is done, then lets requests in hand
// finish for a while.
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
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving the control socket: %w", err)
	case <-ctx.Done():
	}
	grace, stop := context.WithTimeout(requests, graceTime)
	defer stop()
	if err := server.Shutdown(grace); err != nil {
		cut()
		return errors.Join(fmt.Errorf("closing the control socket: %w", err), server.Close())
	}
	<-failed // it closes the socket, where Shutdown came before it had begun
	return nil
}
