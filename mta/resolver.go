package mta

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/listing/helo"
)

// ResolverConfig says whom to ask and how much. Zero durations and counts mean the defaults.
type ResolverConfig struct {
	Server  netip.AddrPort   // a recursive resolver. Required
	Timeout time.Duration    // for one name, both tries and TCP included; 2 s
	Retry   time.Duration    // after which a question is sent again; 700 ms
	Queries int              // under way at a time; 64. Four times as many may wait
	Rate    int              // questions a second, with bursts of as many; 500
	Cache   int              // answers kept; 50,000
	MixCase bool             // draft-vixie-dnsext-dns0x20: more to guess for a forger; not all resolvers keep the case
	Now     func() time.Time // of the cache; nil: time.Now
}

// Validate reports all that is wrong with the configuration.
func (c ResolverConfig) Validate() error {
	var errs []error
	if !c.Server.IsValid() || c.Server.Port() == 0 {
		errs = append(errs, errors.New("resolver: it needs an address and a port, as 127.0.0.1:53"))
	}
	if c.Timeout < 0 || c.Retry < 0 || c.Queries < 0 || c.Rate < 0 || c.Cache < 0 {
		errs = append(errs, errors.New("resolver: a limit is negative"))
	}
	return errors.Join(errs...)
}

func (c ResolverConfig) filled() ResolverConfig {
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	if c.Retry == 0 {
		c.Retry = 700 * time.Millisecond
	}
	for _, n := range []struct {
		value    *int
		standard int
	}{{&c.Queries, 64}, {&c.Rate, 500}, {&c.Cache, 50_000}} {
		if *n.value == 0 {
			*n.value = n.standard
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Resolver asks one recursive resolver. Unlike net.Resolver it can tell a name that does not exist from one without such records,
// and both from a failure. Equal questions at one time are asked once.
type Resolver struct {
	config ResolverConfig
	slots  chan struct{} // one for each query under way
	pace   pace

	mu      sync.Mutex
	cache   *cache
	flights map[question]*flight
}

// Answer is what DNS says about a name: names for PTR and MX, texts for TXT, addresses for A and AAAA. Its slices are shared: they are not to be changed.
type Answer struct {
	Status helo.Status // OK, NXDomain, NoData or TempError
	Names  []string    // without the last dot, and otherwise octet by octet; of TXT the texts, octet by octet
	Addrs  []netip.Addr
	ttl    time.Duration
}

type question struct {
	name string // in lower case, without the last dot
	kind dnsmessage.Type
}

// flight is a question under way. Answer may be read when done is closed.
type flight struct {
	done   chan struct{}
	answer Answer
}

// NewResolver returns a resolver with an empty cache.
func NewResolver(c ResolverConfig) (*Resolver, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.filled()
	return &Resolver{
		config:  c,
		slots:   make(chan struct{}, c.Queries),
		pace:    pace{interval: time.Second / time.Duration(c.Rate), burst: time.Second},
		cache:   newCache(c.Cache),
		flights: map[question]*flight{},
	}, nil
}

// Lookup asks for the records of one type, A, AAAA, PTR, MX or TXT, that a name has. It does not fail: what goes wrong is TempError.
func (r *Resolver) Lookup(ctx context.Context, name string, kind dnsmessage.Type) Answer {
	q := question{strings.ToLower(strings.TrimSuffix(name, ".")), kind}
	r.mu.Lock()
	if answer, ok := r.cache.get(q, r.config.Now()); ok {
		r.mu.Unlock()
		return answer
	}
	f := r.flights[q]
	if f == nil && len(r.flights) >= 5*r.config.Queries {
		r.mu.Unlock()
		return Answer{Status: helo.TempError}
	}
	if f == nil {
		f = &flight{done: make(chan struct{})}
		r.flights[q] = f
		go r.fly(context.WithoutCancel(ctx), q, f) // others may come to wait for it
	}
	r.mu.Unlock()
	select {
	case <-f.done:
		return f.answer
	case <-ctx.Done():
		return Answer{Status: helo.TempError}
	}
}

// fly gets the answer to a question for all who wait for it.
func (r *Resolver) fly(ctx context.Context, q question, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	answer, asked := Answer{Status: helo.TempError}, false
	select {
	case r.slots <- struct{}{}:
		if asked = r.pace.wait(ctx); asked {
			answer = r.ask(ctx, q)
		}
		<-r.slots
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if asked {
		r.cache.put(q, answer, r.config.Now())
	}
	delete(r.flights, q)
	f.answer = answer
	close(f.done)
}

// pace lets one through every interval, and before that as many as have not come within burst.
type pace struct {
	interval, burst time.Duration
	mu              sync.Mutex
	next            time.Time // the earliest for one more if there were no burst
}

// wait returns true when it is one's turn, or false at once if that is not before the deadline of ctx.
func (p *pace) wait(ctx context.Context) bool {
	now := time.Now()
	p.mu.Lock()
	if earliest := now.Add(-p.burst); p.next.Before(earliest) {
		p.next = earliest
	}
	turn := p.next.Add(p.interval)
	if deadline, ok := ctx.Deadline(); ok && turn.After(deadline) {
		p.mu.Unlock()
		return false
	}
	p.next = turn
	p.mu.Unlock()
	if !turn.After(now) {
		return true
	}
	timer := time.NewTimer(turn.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
