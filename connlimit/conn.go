package connlimit

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Conn is a connection that a gate counts until it is closed.
type Conn struct {
	net.Conn
	gate   *Gate
	client any
	at     int          // its place among those open; -1: it is not counted
	moved  atomic.Int64 // when octets last came, or were last sent: since the gate was made
	held   atomic.Int32 // how many requests are in hand
	life   *time.Timer  // closes it; nil: nothing does
}

func (c *Conn) touch() { c.moved.Store(int64(time.Since(c.gate.born))) }

// Read notes when octets come.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.touch()
	}
	return n, err
}

// Write notes when it begins: a client that does not take what it asked for is idle.
func (c *Conn) Write(b []byte) (int, error) {
	c.touch()
	return c.Conn.Write(b)
}

// Close takes it out of the count.
func (c *Conn) Close() error {
	c.gate.mu.Lock()
	c.gate.remove(c)
	c.gate.mu.Unlock()
	if c.life != nil {
		c.life.Stop()
	}
	return c.Conn.Close()
}

// CloseWrite is half of a Close, for http.Server: an answer is not lost when more
// was sent than is read.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Hold says that a request of the connection is in hand: it is not idle until
// release is called. c may be a *tls.Conn over a Conn; any other is not counted.
func Hold(c net.Conn) (release func()) {
	for {
		switch now := c.(type) {
		case *Conn:
			now.held.Add(1)
			return func() {
				now.touch()
				now.held.Add(-1)
			}
		case interface{ NetConn() net.Conn }:
			c = now.NetConn()
		default:
			return func() {}
		}
	}
}

// innermost is what the kernel has of a connection.
func innermost(c *Conn) net.Conn {
	in := c.Conn
	for {
		outer, ok := in.(interface{ NetConn() net.Conn })
		if !ok {
			return in
		}
		in = outer.NetConn()
	}
}

type connKey struct{}

// Context is for http.Server.ConnContext: HoldRequest finds the connection by it.
func Context(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// HoldRequest is Hold for the connection of a request.
func HoldRequest(r *http.Request) (release func()) {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	return Hold(c)
}
