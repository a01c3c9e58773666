package mta

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"dnsbld/connlimit"
	"dnsbld/files"
	"dnsbld/listing"
)

// CollectPath is where reports are posted, in NDJSON, one a line.
const CollectPath = "/v1/sessions"

// MaxCollected bounds the reports of one request, in octets.
const MaxCollected = 1 << 20

// CollectorConfig is what a collector needs.
type CollectorConfig struct {
	Identity Identity // what it shows, and whose certificates it takes. Required
	// Receivers are the mail servers that may report: each has a certificate with its name, and
	// reports under that name alone.
	Receivers []string
	Limits    connlimit.Limits // on connections, which strangers can open; zero: 256 in all, 16 of one client
}

// Validate reports all that is wrong with the configuration, files that cannot be read included.
func (c CollectorConfig) Validate() error {
	var wrong listing.Mistakes
	_, err := c.Identity.load()
	wrong.Add(err)
	wrong.Unless(len(c.Receivers) > 0, "no receivers: nobody may report")
	for _, name := range c.Receivers {
		wrong.Unless(name != "" && len(name) <= 64 && listing.Printable(name) == name, "receivers: %s: a name of 1 to 64 printable characters", listing.Quote(name))
	}
	wrong.Unless(c.Limits.All >= 0 && c.Limits.PerClient >= 0, "connections, connections_per_client: at least 1")
	return wrong.Err()
}

// CollectorParts are what a collector works with; all are required.
type CollectorParts struct {
	// Take counts the reports of one request and returns the answer, which goes out as JSON, with
	// an error too: it then holds the reports that were counted before.
	Take func(ctx context.Context, receiver string, reports []Report, stats LogStats) (answer any, err error)
	Now  func() time.Time
	Say  func(what string, err error) // on a log; strangers can cause it as often as they like
}

// CollectorStats count what a collector did.
type CollectorStats struct {
	Requests int64 `json:"requests"` // taken
	Refused  int64 `json:"refused"`  // requests of others, for others, too large, too many, or malformed
	Sessions int64 `json:"sessions"` // in the requests that were taken
}

// Collector takes, over HTTPS, the reports of mail servers on other machines. Each shows a
// certificate of the operator's, whose name is the receiver that it may report for.
type Collector struct {
	parts CollectorParts
	now   atomic.Pointer[collecting]
	gate  *connlimit.Gate
	count struct{ requests, refused, sessions atomic.Int64 }

	turns sync.Map // *collectTurn by receiver
}

// collecting is a configuration in force.
type collecting struct {
	CollectorConfig
	keys *files.Again[*keys]
}

// collectTurn is how a receiver stands: it has one request at a time, and not too many after each
// other.
type collectTurn struct {
	busy sync.Mutex
	pace *rate.Limiter
}

// A receiver may send collectRate requests a second, after a burst of collectBurst.
const (
	collectRate  = 20
	collectBurst = 400
)

// NewCollector returns a collector that listens nowhere yet.
func NewCollector(c CollectorConfig, parts CollectorParts) (*Collector, error) {
	col := &Collector{parts: parts}
	col.gate = connlimit.New(func() connlimit.Limits { return col.now.Load().limits() }, connlimit.ByAddress)
	return col, col.Configure(c)
}

// Configure puts another configuration in force, for connections to come and requests on those
// there are.
func (c *Collector) Configure(config CollectorConfig) error {
	keys, err := config.Identity.again(c.parts.Say)
	if err != nil {
		return err
	}
	c.now.Store(&collecting{config, keys})
	return nil
}

// limits are those on connections.
func (c CollectorConfig) limits() connlimit.Limits {
	l := c.Limits
	l.All, l.PerClient = cmp.Or(l.All, 256), cmp.Or(l.PerClient, 16)
	return l
}

// Open counts the connections.
func (c *Collector) Open() connlimit.Stats { return c.gate.Stats() }

// Stats are the counts so far.
func (c *Collector) Stats() CollectorStats {
	return CollectorStats{Requests: c.count.requests.Load(), Refused: c.count.refused.Load(), Sessions: c.count.sessions.Load()}
}

// Limits of connections. A request is read whole before anything is done with it, so that slow ones
// hold no more than memory.
const (
	collectHeader    = 16 << 10         // octets
	collectHandshake = 5 * time.Second  // and a request's header
	collectRead      = 30 * time.Second // a request
	collectAnswer    = 5 * time.Minute  // and its answer: DNS is asked about each session
	collectIdle      = 2 * time.Minute
	collectEnd       = time.Second // for requests under way when it ends
)

// Serve takes reports on l until ctx is done, and then returns nil.
func (c *Collector) Serve(ctx context.Context, l net.Listener) error {
	only1 := new(http.Protocols)
	only1.SetHTTP1(true)
	server := &http.Server{Handler: c, Protocols: only1, TLSConfig: c.tlsConfig(), MaxHeaderBytes: collectHeader,
		ReadHeaderTimeout: collectHandshake, ReadTimeout: collectRead, WriteTimeout: collectAnswer, IdleTimeout: collectIdle, ConnContext: connlimit.Context,
		ErrorLog: log.New(saying{c.parts.Say}, "", 0), BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) }}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), collectEnd)
		defer cancel()
		if server.Shutdown(ending) != nil {
			server.Close()
		}
	})
	err := server.ServeTLS(c.gate.Listen(l), "", "")
	if !stop() {
		<-ended // requests under way
	}
	if ctx.Err() != nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("collecting sessions: %w", err)
}

// saying passes on what an http.Server logs: handshakes that failed.
type saying struct{ say func(what string, err error) }

func (s saying) Write(line []byte) (int, error) {
	s.say("a connection to the collector failed", errors.New(listing.Printable(strings.TrimSpace(string(line)))))
	return len(line), nil
}

// ServeHTTP takes one request.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := c.collect(w, r)
	status, body := http.StatusOK, answer
	if err != nil {
		c.count.refused.Add(1)
		status, body = collectError(err, answer)
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "2")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone, and will send the same again
}

// collect checks a request and has its reports counted.
func (c *Collector) collect(w http.ResponseWriter, r *http.Request) (any, error) {
	receiver, err := c.receiver(r)
	if err != nil {
		return nil, err
	}
	switch {
	case r.URL.Path != CollectPath:
		return nil, &listing.Error{Kind: listing.ErrNotFound, Code: "not-found", Message: "there is nothing here", Hint: "post to " + CollectPath}
	case r.Method != http.MethodPost:
		return nil, &listing.Error{Kind: errMethod, Code: "method", Message: "sessions are posted", Hint: "POST, one session a line"}
	case r.Header.Get("Content-Encoding") != "":
		return nil, &listing.Error{Kind: listing.ErrInvalid, Code: "encoding", Message: "sessions are taken as they are", Hint: "leave Content-Encoding out"}
	}
	done, err := c.turn(r.Context(), receiver)
	if err != nil {
		return nil, err
	}
	defer done()
	reports, stats, err := c.read(http.MaxBytesReader(w, r.Body, MaxCollected), receiver)
	if err != nil {
		return nil, err
	}
	defer connlimit.HoldRequest(r)() // it was read, and is of a mail server of ours
	answer, err := c.parts.Take(r.Context(), receiver, reports, stats)
	if err == nil {
		c.count.requests.Add(1)
		c.count.sessions.Add(int64(len(reports)))
	}
	return answer, err
}

// read decodes the reports of a request. One under another name spoils all.
func (c *Collector) read(body io.Reader, receiver string) ([]Report, LogStats, error) {
	raw, err := io.ReadAll(body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, LogStats{}, &listing.Error{Kind: errSize, Code: "too-large", Message: fmt.Sprintf("a request has %d octets at the most", MaxCollected),
			Hint: "send the sessions in several requests"}
	} else if err != nil {
		return nil, LogStats{}, &listing.Error{Kind: listing.ErrInvalid, Code: "cut-short", Message: "the request was cut short", Hint: "send it again"}
	}
	var reports []Report
	stats, err := Read(bytes.NewReader(raw), NewNDJSON(LogOptions{Receiver: receiver, Now: c.parts.Now}), func(r Report) error {
		if r.Receiver != receiver {
			return &listing.Error{Kind: listing.ErrPolicy, Code: "another-receiver",
				Message: fmt.Sprintf("the certificate is that of %s, and a session is of %s", listing.Quote(receiver), listing.Quote(r.Receiver)),
				Hint:    "a mail server reports under the name in its certificate alone"}
		}
		reports = append(reports, r)
		return nil
	})
	return reports, stats, err
}

// turn waits until a receiver may send a request. The next one may when done is called.
func (c *Collector) turn(ctx context.Context, receiver string) (done func(), err error) {
	known, _ := c.turns.LoadOrStore(receiver, &collectTurn{pace: rate.NewLimiter(collectRate, collectBurst)})
	t := known.(*collectTurn)
	if !t.busy.TryLock() {
		return nil, errTooMany("another request of this receiver is under way")
	}
	waiting, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if t.pace.Wait(waiting) != nil {
		t.busy.Unlock()
		return nil, errTooMany(fmt.Sprintf("more than %d requests a second", collectRate))
	}
	return t.busy.Unlock, nil
}

// Failures that listing has no kind for.
var (
	errMethod = errors.New("method not allowed")
	errSize   = errors.New("too large")
	errRate   = errors.New("too many requests")
)

func errTooMany(message string) error {
	return &listing.Error{Kind: errRate, Code: "too-many", Message: message, Hint: "wait a little"}
}

// collectFailures are the kinds of failure that a collector answers with.
func collectFailures() listing.Failures {
	return listing.FailuresAnd(listing.Failure{Kind: errMethod, Status: http.StatusMethodNotAllowed},
		listing.Failure{Kind: errSize, Status: http.StatusRequestEntityTooLarge}, listing.Failure{Kind: errRate, Status: http.StatusTooManyRequests})
}

// collectFailure is the body of an answer that is not a success.
type collectFailure struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
	} `json:"error"`
	Outcome any `json:"outcome,omitempty"` // what was counted all the same
}

func collectError(err error, outcome any) (status int, body collectFailure) {
	body.Error.Code, body.Error.Message, body.Outcome = "failed", err.Error(), outcome
	if e, ok := errors.AsType[*listing.Error](err); ok {
		body.Error.Code, body.Error.Hint = e.Code, e.Hint
	}
	return collectFailures().Of(err).Status, body
}
