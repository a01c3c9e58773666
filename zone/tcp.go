package zone

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"dnsbld/connlimit"
)

// serveTCP takes connections from one listener.
func (s *Server) serveTCP(ctx context.Context, l net.Listener) {
	var open sync.WaitGroup
	defer open.Wait()
	counted := s.gate.Listen(l)
	defer counted.Close()
	defer context.AfterFunc(ctx, func() { counted.Close() })()
	for pause := backoff(0); ; {
		conn, err := counted.Accept()
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return
		case errors.Is(err, net.ErrClosed):
			s.errors.Add(1)
			return
		default: // most likely there are no more file descriptors
			s.errors.Add(1)
			pause.wait(ctx)
			continue
		}
		pause = 0
		idle := s.tables.Load().tcp.Idle
		open.Go(func() { s.converse(ctx, conn, peerOf(conn), idle) })
	}
}

func peerOf(conn net.Conn) Peer {
	from := netip.AddrPort{}
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		from = netip.AddrPortFrom(a.AddrPort().Addr().Unmap(), a.AddrPort().Port())
	}
	if counted, ok := conn.(*connlimit.Conn); ok {
		conn = counted.Conn
	}
	_, private := conn.(*tls.Conn)
	return Peer{Addr: from, Over: TCP, TLS: private}
}

// smallQuery is a length in octets that few queries exceed.
const smallQuery = 512

// conversation is one connection. Queries are answered in the order in which
// they come, so pipelined ones too (RFC 7766, section 6.2.1.1).
type conversation struct {
	server *Server
	conn   net.Conn
	peer   Peer
	idle   time.Duration
	in     *bufio.Reader
	small  [smallQuery]byte
	out    []byte
}

// converse answers on one connection until the client leaves, is too slow, or
// ctx is done and what the client has sent is answered.
func (s *Server) converse(ctx context.Context, conn net.Conn, peer Peer, idle time.Duration) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() {
		conn.SetReadDeadline(time.Now().Add(s.drain))
		time.AfterFunc(drainAll*s.drain, func() { conn.Close() })
	})()
	c := &conversation{server: s, conn: conn, peer: peer, idle: idle, in: bufio.NewReaderSize(conn, 2*smallQuery)}
	for c.turn(ctx) {
	}
}

// turn reads one query and answers it. The time is for the whole query: one
// that comes in octet by octet has no longer than one that does not.
func (c *conversation) turn(ctx context.Context) (more bool) {
	c.conn.SetReadDeadline(time.Now().Add(c.idle))
	if ctx.Err() != nil {
		c.conn.SetReadDeadline(time.Now().Add(c.server.drain))
	}
	var length [2]byte
	if _, err := io.ReadFull(c.in, length[:]); err != nil {
		return false
	}
	query := c.small[:]
	if size := int(binary.BigEndian.Uint16(length[:])); size > len(query) {
		large := c.server.large.Get().(*[tcpSize]byte)
		defer c.server.large.Put(large)
		query = large[:size]
	} else {
		query = query[:size]
	}
	if _, err := io.ReadFull(c.in, query); err != nil {
		return false
	}
	return c.answer(ctx, query)
}

// answer sends the answer in one piece. Too few octets for a message end the
// connection: no sense can be expected to follow.
func (c *conversation) answer(ctx context.Context, query []byte) (more bool) {
	message, stream := c.server.answer(append(c.out[:0], 0, 0), query, c.peer, &c.server.counters[TCP])
	if stream != nil { // of a secondary that may have it: others do not push it aside
		defer connlimit.Hold(c.conn)()
		err := c.send(ctx, stream)
		if err != nil && ctx.Err() == nil {
			c.server.complaints.about(c.peer, "zone transfer broken off", stream.zone.name, err.Error())
		}
		return err == nil
	}
	if message == nil {
		return len(query) >= headerSize
	}
	c.out = message
	binary.BigEndian.PutUint16(message, uint16(len(message)-2))
	c.conn.SetWriteDeadline(time.Now().Add(c.idle))
	_, err := c.conn.Write(message)
	return err == nil
}
