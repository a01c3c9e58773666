package zone

import (
	"sync"
	"sync/atomic"
	"time"

	"dnsbld/connlimit"
	"dnsbld/listing/hits"
	"dnsbld/listing/index"

	"golang.org/x/sync/singleflight"
)

// View is the list as it is served; *index.Live is one.
type View interface {
	// Set is nil while nothing is loaded.
	Set() *index.Set
}

// Clock tells the time in Unix seconds, rounded down; *index.Clock is one.
type Clock interface{ Now() uint32 }

// Server answers DNS questions about the list. Make one with New.
type Server struct {
	view        View
	clock       Clock
	tables      atomic.Pointer[tables]
	counters    [transports]counters // what the workers do not count
	workers     allCounters
	gate        *connlimit.Gate // of TCP
	large       sync.Pool       // of *[tcpSize]byte, for queries over TCP that are not small
	errors      atomic.Uint64   // of sockets
	secondaries secondaries
	admission   admission            // of those who transfer
	differences singleflight.Group   // that are looked for
	carousels   carousels            // that they share
	sent        [forms]atomic.Uint64 // transfers that were begun
	log         Log
	complaints  complaints
	notices     chan struct{} // NOTIFY from a primary
	secret      secret        // of cookies, where none is configured
	hits        *hits.Counter // nil: what is listed is not counted
	shared      *hits.Shared  // of all who answer on the message path
	drain       time.Duration // drainRead, but in tests
}

// New returns a server, or all mistakes of its configuration.
func New(view View, clock Clock, c Config) (*Server, error) {
	s := &Server{view: view, clock: clock, secret: randomSecret(), notices: make(chan struct{}, 1), drain: drainRead}
	s.gate = connlimit.New(func() connlimit.Limits { return s.tables.Load().tcp.Limits }, connlimit.ByAddress)
	s.large.New = func() any { return new([tcpSize]byte) }
	if err := s.Configure(c); err != nil {
		return nil, err
	}
	return s, nil
}

// Follow lets secondaries have what changed in place of the whole zone. It is
// called before Serve.
func (s *Server) Follow(l Log) { s.log = l }

// Count has a counter know of every answer about what is listed. It is called before
// Serve.
func (s *Server) Count(c *hits.Counter) {
	s.hits, s.shared = c, &hits.Shared{Sampler: c.Sampler()}
	s.number(s.tables.Load())
}

// number has hits name the zones.
func (s *Server) number(t *tables) {
	for _, z := range t.ordered {
		if s.hits != nil {
			z.number = s.hits.Zone(z.name[:len(z.name)-1])
		}
	}
}

// sample hands what an answer said to the counter, which stands for as many as its
// weight.
func (z *zone) sample(to *hits.Sampler, v *verdict, weight, now uint32) {
	for _, r := range v.reasons {
		to.Put(hits.Hit{Key: hits.KeyOf(r.prefix, r.reason), Zone: z.number, Weight: weight, Time: now})
	}
}

// Configure puts another configuration in force, between one query and the
// next. If it has mistakes the old one stays. TCP connections that are open
// keep the idle timeout they have.
func (s *Server) Configure(c Config) error {
	t, err := c.compile()
	if err != nil {
		return err
	}
	old := s.tables.Load()
	for _, z := range t.ordered {
		z.configured = s.clock.Now()
		if old != nil && old.zones[string(z.wire.from(0))] != nil { // perhaps in the same second
			z.configured = max(z.configured, old.zones[string(z.wire.from(0))].configured+1)
		}
	}
	if len(t.jar.secrets) == 0 {
		t.jar.secrets = []secret{s.secret}
	}
	s.number(t)
	s.tables.Store(t)
	return nil
}
