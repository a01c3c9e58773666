// Package connlimit bounds the connections that a door has open: those of each
// client, and all of them. It is a net.Listener around another, the same for every
// door, so it stands beneath them. Where there is no room, the connection that has
// been idle for longest ends and the new one is taken: strangers who hold
// connections open keep nobody out.
package connlimit

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"dnsbld/listing"
)

// Limits are how many connections may be open at a time.
type Limits struct {
	All       int            // of all clients
	PerClient int            // of one client; 0: as many as of all
	Exempt    []netip.Prefix // addresses that PerClient does not count
}

// Client is whom a connection is counted for.
type Client struct {
	Key  any           // two connections with equal keys are of one client; nil: of nobody
	Most int           // how many the client may have; 0: as many as all may
	Life time.Duration // after which a connection ends, whatever it does; 0: none
}

// ByAddress counts for listing.ClientPrefix: an IPv4 address or an IPv6 /64.
func ByAddress(c net.Conn, l Limits) Client {
	from, err := netip.ParseAddrPort(c.RemoteAddr().String())
	addr := from.Addr().Unmap().WithZone("")
	if err != nil || slices.ContainsFunc(l.Exempt, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return Client{}
	}
	return Client{Key: listing.ClientPrefix(addr), Most: l.PerClient}
}

// Loopback are the addresses of this host, which development defaults exempt.
func Loopback() []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8), netip.PrefixFrom(netip.IPv6Loopback(), 128)}
}

// Stats count what a gate did.
type Stats struct {
	Open    int    `json:"open"`    // now
	Ended   uint64 `json:"ended"`   // idle connections, to make room for others
	Refused uint64 `json:"refused"` // new ones, since none of those open was idle
}

// Gate counts the connections of one door, which may have several listeners.
type Gate struct {
	limits func() Limits
	client func(net.Conn, Limits) Client
	born   time.Time

	mu       sync.Mutex
	open     []*Conn
	byClient map[any]int
	stats    Stats
}

// New returns a gate. Both functions are called for each connection: limits gives
// those in force, client tells whom it is counted for.
func New(limits func() Limits, client func(net.Conn, Limits) Client) *Gate {
	return &Gate{limits: limits, client: client, born: time.Now(), byClient: map[any]int{}}
}

// Stats are the counts so far.
func (g *Gate) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.stats
	now.Open = len(g.open)
	return now
}

// Listen returns l behind the gate. Its connections are *Conn.
func (g *Gate) Listen(l net.Listener) net.Listener { return listener{l, g} }

type listener struct {
	net.Listener
	gate *Gate
}

// Accept waits for a connection that there is room for.
func (l listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.gate.admit(raw); c != nil {
			return c, nil
		}
		_ = raw.Close()
	}
}

// admit takes a connection, perhaps in the place of others; nil: there is no room.
func (g *Gate) admit(raw net.Conn) *Conn {
	limits := g.limits()
	client := g.client(raw, limits)
	c := &Conn{Conn: raw, gate: g, client: client.Key, at: -1}
	c.touch()
	if client.Life > 0 {
		c.life = time.AfterFunc(client.Life, func() { _ = c.Close() })
	}
	ended, ok := g.enter(c, limits.All, client.Most)
	for _, other := range ended {
		_ = innermost(other).Close() // not through TLS, which would wait for the client
	}
	if !ok {
		if c.life != nil {
			c.life.Stop()
		}
		return nil
	}
	return c
}

// enter makes room and counts c. Limits may be less than at the last time, so that
// more than one has to go.
func (g *Gate) enter(c *Conn, all, own int) (ended []*Conn, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		ofClient := own > 0 && c.client != nil && g.byClient[c.client] >= own
		if !ofClient && len(g.open) < all {
			break
		}
		other := g.idlest(func(o *Conn) bool { return !ofClient || o.client == c.client })
		if other == nil {
			g.stats.Refused++
			return ended, false
		}
		g.remove(other)
		g.stats.Ended++
		ended = append(ended, other)
	}
	c.at = len(g.open)
	g.open = append(g.open, c)
	g.byClient[c.client]++
	return ended, true
}

// idlest is the connection, of those chosen, that has been idle for longest. It
// looks at all: some thousand take microseconds, and a list in order would cost
// every read a lock.
func (g *Gate) idlest(chosen func(*Conn) bool) (idlest *Conn) {
	for _, c := range g.open {
		if c.held.Load() == 0 && chosen(c) && (idlest == nil || c.moved.Load() < idlest.moved.Load()) {
			idlest = c
		}
	}
	return idlest
}

// remove takes c out of the count, once.
func (g *Gate) remove(c *Conn) {
	if c.at < 0 {
		return
	}
	last := len(g.open) - 1
	g.open[last].at = c.at
	g.open[c.at], g.open[last] = g.open[last], nil
	g.open = g.open[:last]
	c.at = -1
	if g.byClient[c.client]--; g.byClient[c.client] == 0 {
		delete(g.byClient, c.client)
	}
}
