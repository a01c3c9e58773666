package zone

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// enlarge sets the buffers of a socket, beyond the system's limit if that is
// permitted, else as far as it goes.
func enlarge(fd uintptr) {
	for force, usual := range map[int]int{unix.SO_RCVBUFFORCE: unix.SO_RCVBUF, unix.SO_SNDBUFFORCE: unix.SO_SNDBUF} {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, force, socketBuffer) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, usual, socketBuffer) // as far as it goes
		}
	}
}

// receiveDestination has a socket that is bound to no address tell to which
// one each query came. Resolvers drop answers from another.
func receiveDestination(conn *net.UDPConn) error {
	if !isWildcard(conn) {
		return nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	level, opt := unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	if conn.LocalAddr().(*net.UDPAddr).IP.To4() != nil {
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
