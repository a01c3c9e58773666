package web

import (
	"net/netip"
	"sync"
	"time"

	"dnsbld/listing"
)

// limiter lets each client do so many things a minute. A bucket of tokens is
// kept as the instant at which it will be full again (the generic cell rate
// algorithm, ITU-T I.371), so that a bucket that is full needs no memory.
//
// Clients are kept in two generations. The older one is dropped when the
// younger is as old as a bucket takes to fill, for then it holds full buckets
// only; or when the younger has its fill, so that memory is bounded. Who floods
// from that many addresses gains a minute's worth for each.
type limiter struct {
	most  int
	token time.Duration // in which one comes back

	mu         sync.Mutex
	young, old map[netip.Addr]time.Time
	turned     time.Time
}

const (
	minute     = time.Minute
	maxLimited = 1 << 16 // clients in a generation
)

// newLimiter lets each client do so many things a minute.
func newLimiter(perMinute int) *limiter {
	return &limiter{most: perMinute, token: minute / time.Duration(perMinute), young: map[netip.Addr]time.Time{}}
}

// client is under what a limit counts an address.
func client(a netip.Addr) netip.Addr { return listing.ClientPrefix(a.Unmap()).Addr() }

// take takes tokens out of a client's bucket. If there are not so many it takes
// none, and tells how long to wait.
func (l *limiter) take(who netip.Addr, tokens int, now time.Time) (wait time.Duration) {
	who = client(who)
	cost := time.Duration(min(tokens, l.most)) * l.token
	l.mu.Lock()
	defer l.mu.Unlock()
	if age := now.Sub(l.turned); age >= minute || age < 0 || len(l.young) >= maxLimited {
		l.old, l.young, l.turned = l.young, map[netip.Addr]time.Time{}, now
	}
	full, known := l.young[who]
	if !known {
		full = l.old[who]
	}
	if full.Before(now) || full.Sub(now) > minute { // the clock was set back
		full = now
	}
	full = full.Add(cost)
	if over := full.Sub(now) - time.Duration(l.most)*l.token; over > 0 {
		return over
	}
	l.young[who] = full
	return 0
}
