package zone

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// serveUDP answers on one socket, one datagram a system call, with what every
// system has: Linux has serveBatches, and falls back on this.
func (s *Server) serveUDP(ctx context.Context, conn *net.UDPConn) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Now().Add(s.drain)) })()
	var (
		pause backoff
		in    = make([]byte, 1<<16)
		oob   = make([]byte, 256)
		out   = make([]byte, 0, ednsSize)
	)
	for {
		n, oobn, _, from, err := conn.ReadMsgUDPAddrPort(in, oob)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return
		case errors.Is(err, net.ErrClosed):
			s.errors.Add(1)
			return
		default:
			s.errors.Add(1)
			pause.wait(ctx)
			continue
		}
		pause = 0
		peer := Peer{Addr: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), Over: UDP}
		message := s.Answer(out[:0], in[:n], peer)
		if message == nil {
			continue
		}
		out = message
		if _, _, err := conn.WriteMsgUDPAddrPort(message, fromThere(oob[:oobn]), from); err != nil {
			s.errors.Add(1)
		}
	}
}

// isWildcard reports whether a socket is bound to no address.
func isWildcard(conn *net.UDPConn) bool {
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	return ok && local.IP.IsUnspecified()
}
