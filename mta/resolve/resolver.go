package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/miekg/dns"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"dnsbld/listing/helo"
)

// Resolver asks one recursive resolver. Unlike net.Resolver it can tell a name that does not exist
// from one without such records, and both from a failure. It may be used by several goroutines at a
// time; equal questions at one time are asked once.
type Resolver struct {
	server  string
	timeout time.Duration // for one name, all tries and TCP included
	retry   time.Duration // after which a question is sent again
	now     func() time.Time

	slots   chan struct{} // one for each query under way
	asked   atomic.Int64  // queries under way or waiting for a slot
	pace    *rate.Limiter
	flights singleflight.Group
	cache   *lru.Cache[dns.Question, cached]
}

// Limits of a resolver.
const (
	queries  = 64  // under way at a time
	waiting  = 256 // beyond these; the next fails at once
	perSec   = 500 // questions a second, with bursts of as many
	cacheLen = 50_000
	maxUDP   = 4096 // octets of an answer
)

// New returns a resolver with an empty cache that asks server, an address and a port.
func New(server netip.AddrPort) (*Resolver, error) {
	if !server.IsValid() || server.Port() == 0 {
		return nil, errors.New("resolver: it needs an address and a port, as 127.0.0.1:53")
	}
	cache, err := lru.New[dns.Question, cached](cacheLen)
	return &Resolver{
		server: server.String(), timeout: 2 * time.Second, retry: 700 * time.Millisecond, now: time.Now,
		slots: make(chan struct{}, queries), pace: rate.NewLimiter(perSec, perSec), cache: cache,
	}, err
}

// Lookup asks for the records of one type (dns.TypeA, AAAA, PTR, MX or TXT) that a name has. The
// name is as in zone files, with or without its last dot. Lookup does not fail: what goes wrong is
// TempError.
func (r *Resolver) Lookup(ctx context.Context, name string, kind uint16) Answer {
	q := dns.Question{Name: dns.CanonicalName(name), Qtype: kind, Qclass: dns.ClassINET}
	if answer, ok := r.kept(q); ok {
		return answer
	}
	background := context.WithoutCancel(ctx) // others may come to wait for the answer
	flight := r.flights.DoChan(q.String(), func() (any, error) { return r.fetch(background, q), nil })
	select {
	case done := <-flight:
		return done.Val.(Answer)
	case <-ctx.Done():
		return Answer{Status: helo.TempError}
	}
}

// fetch asks a question when its turn comes, and keeps the answer. Of too many questions it refuses
// those beyond a number at once; the others wait for a slot and then for their turn in the second,
// all within the time that one name may take.
func (r *Resolver) fetch(ctx context.Context, q dns.Question) Answer {
	if answer, ok := r.kept(q); ok { // another flight landed between our look and this one
		return answer
	}
	defer r.asked.Add(-1)
	if int(r.asked.Add(1)) > cap(r.slots)+waiting {
		return Answer{Status: helo.TempError}
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return Answer{Status: helo.TempError}
	}
	defer func() { <-r.slots }()
	if r.pace.Wait(ctx) != nil {
		return Answer{Status: helo.TempError}
	}
	answer := r.ask(ctx, q)
	r.keep(q, answer)
	return answer
}

// ask sends a question over UDP, again after a silence while there is time, and over TCP if the
// answer does not fit.
func (r *Resolver) ask(ctx context.Context, q dns.Question) Answer {
	if _, ok := dns.IsDomainName(q.Name); !ok {
		return Answer{Status: helo.NXDomain, ttl: noneLife} // no such name can exist
	}
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: dns.Id(), RecursionDesired: true}, Question: []dns.Question{q}}
	answer, err := Answer{}, os.ErrDeadlineExceeded
	for errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
		answer, err = r.exchange(ctx, "udp", m, r.retry)
	}
	if errors.Is(err, errTruncated) {
		answer, err = r.exchange(ctx, "tcp", m, r.timeout)
	}
	if err != nil {
		return Answer{Status: helo.TempError}
	}
	return answer
}

// exchange sends a question once, from a socket of its own, and passes over what does not answer
// it.
func (r *Resolver) exchange(ctx context.Context, network string, m *dns.Msg, limit time.Duration) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	socket, err := new(net.Dialer).DialContext(ctx, network, r.server)
	if err != nil {
		return Answer{}, err
	}
	conn := dns.Conn{Conn: socket, UDPSize: maxUDP}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return Answer{}, err
	}
	if err := conn.WriteMsg(m); err != nil {
		return Answer{}, err
	}
	for {
		message, err := conn.ReadMsgHeader(nil)
		if err != nil && !errors.Is(err, dns.ErrShortRead) {
			return Answer{}, err
		}
		if answer, ours, err := read(message, m); ours {
			return answer, err
		}
	}
}
