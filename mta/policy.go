package mta

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"dnsbld/connlimit"
)

// PolicyConfig is what a policy server needs.
type PolicyConfig struct {
	Receiver string
	// Report takes each session, once. It is called from one goroutine for each listener and may
	// take its time: reports wait in a queue, and are dropped and counted when that is full.
	// Required.
	Report func(Report)
	// Listed says whether mail from a client is refused, and with what text. It must not wait.
	// Nil: nobody is refused.
	Listed func(netip.Addr) (text string, listed bool)
	// Our keeps our own hosts and trusted relays from being refused.
	Our Our
	Now func() time.Time // nil: time.Now
}

// policyLimits bound what a policy server spends on its clients.
type policyLimits struct {
	quiet       time.Duration // after a session's last request, until it is reported. Before RCPT 20 times as long
	idle        time.Duration // between requests, until the connection is closed; longer than Postfix waits
	request     time.Duration // from a request's first octet to its last
	write       time.Duration // until an answer is taken
	connections int           // at a time, over all listeners. Beyond, the one that is idle for longest makes room
	queue       int           // reports that wait, for each listener
}

// PolicyStats count what a policy server did.
type PolicyStats struct {
	Connections int64 `json:"connections"` // accepted
	Requests    int64 `json:"requests"`    // answered
	Refused     int64 `json:"refused"`     // of these, with REJECT
	Sessions    int64 `json:"sessions"`    // reported
	Dropped     int64 `json:"dropped"`     // sessions for which the queue was full
	Malformed   int64 `json:"malformed"`   // requests that say too little to make a session of; answered all the same
	Overlong    int64 `json:"overlong"`    // attributes too long to be read
	Broken      int64 `json:"broken"`      // connections that ended within a request, or did not take the answer
	Evicted     int64 `json:"evicted"`     // connections closed to make room for others
}

// Policy is a server for Postfix's policy delegation protocol (SMTPD_POLICY_README). It answers
// every request at once, DUNNO or, where Listed says so, REJECT. The requests about one SMTP
// session, one for each recipient of each of its mails, become one report, when another session
// begins on the connection, when it ends, or when it has been quiet for a while.
type Policy struct {
	config PolicyConfig
	limits policyLimits

	gate *connlimit.Gate

	mu    sync.Mutex
	stats PolicyStats
}

// NewPolicy returns a server that listens nowhere yet.
func NewPolicy(c PolicyConfig) (*Policy, error) {
	if c.Report == nil {
		return nil, errors.New("policy service: nobody takes its reports")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	p := &Policy{config: c, limits: policyLimits{
		quiet: 500 * time.Millisecond, idle: 10 * time.Minute, request: 30 * time.Second, write: 10 * time.Second,
		connections: 1000, queue: 10_000,
	}}
	// Postfix opens another where one that was idle is ended; all of them may be one host's.
	p.gate = connlimit.New(func() connlimit.Limits { return connlimit.Limits{All: p.limits.connections} }, connlimit.ByAddress)
	return p, nil
}

// Open counts the connections.
func (p *Policy) Open() connlimit.Stats { return p.gate.Stats() }

// Stats are the counts so far.
func (p *Policy) Stats() PolicyStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	stats, gate := p.stats, p.gate.Stats()
	stats.Evicted = int64(gate.Ended + gate.Refused)
	return stats
}

// count adds to one of the stats.
func (p *Policy) count(n *int64, more int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*n += more
}

// Serve answers on l until ctx is done, and then returns nil: l is closed, requests under way are
// answered, and open sessions are reported. It may be called for several listeners at a time.
func (p *Policy) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reports := make(chan Report, p.limits.queue)
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		for r := range reports {
			p.config.Report(r)
		}
	}()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()

	var conns sync.WaitGroup
	err := p.accept(ctx, p.gate.Listen(l), func(conn net.Conn) {
		conns.Go(func() {
			defer conn.Close()
			newPolicyConn(ctx, p, conn, reports).serve()
		})
	})
	cancel()
	conns.Wait()
	close(reports)
	<-delivered
	return err
}

// accept hands connections to start until the listener is closed. Out of file descriptors, it waits
// for better times.
func (p *Policy) accept(ctx context.Context, l net.Listener, start func(net.Conn)) error {
	const shortest, longest = 5 * time.Millisecond, time.Second
	pause := shortest
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = shortest
			p.count(&p.stats.Connections, 1)
			start(conn)
			continue
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accepting policy connections: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
			pause = min(2*pause, longest)
		}
	}
}
