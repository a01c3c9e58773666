package zone

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// serveUDP answers on one socket.
func (s *Server) serveUDP(ctx context.Context, conn *net.UDPConn) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Now().Add(drainRead)) })()
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

// receiveDestination has a socket that is bound to no address tell to which
// one each query came. Resolvers drop answers from another.
func receiveDestination(conn *net.UDPConn) error {
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok || !local.IP.IsUnspecified() {
		return nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	level, opt := unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	if local.IP.To4() != nil {
		level, opt = unix.IPPROTO_IP, unix.IP_PKTINFO
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), level, opt, 1) }); err != nil {
		return err
	}
	return failed
}

// fromThere turns what came with a query into what makes its answer leave from
// the address that was asked. The route is left to the kernel, but for
// link-local addresses, which are nothing without their interface.
func fromThere(oob []byte) []byte {
	const v4Interface, v6Interface, size = 0, 16, 4 // ip(7), ipv6(7)
	for rest := oob; len(rest) > 0; {
		h, data, after, err := unix.ParseOneSocketControlMessage(rest)
		if err != nil {
			return nil
		}
		this := rest[:len(rest)-len(after)]
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			clear(data[v4Interface:][:size])
			return this
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			if !netip.AddrFrom16([16]byte(data)).IsLinkLocalUnicast() {
				clear(data[v6Interface:][:size])
			}
			return this
		}
		rest = after
	}
	return nil
}
