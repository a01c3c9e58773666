package zone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"dnsbld/listing"

	"golang.org/x/sys/unix"
)

// socketBuffer is what a UDP socket holds while a burst is answered, in
// octets. With the usual 208 KiB queries are lost in the shortest stall.
const socketBuffer = 4 << 20

// Listen opens an ADDR:PORT for UDP and TCP. An ADDR of nothing is every
// address; port 0 is any free one, the same for both.
//
// The errors are *listing.Error with the codes "address-in-use",
// "not-permitted", "no-such-address" (as ::1 is on a host without IPv6) and
// "bad-address", and have the system's error within.
func Listen(ctx context.Context, address string) (net.PacketConn, net.Listener, error) {
	port, err := portOf(address)
	if err != nil {
		return nil, nil, err
	}
	attempts := 1
	if port == 0 { // a port that is free for TCP may not be for UDP
		attempts = 20
	}
	for ; ; attempts-- {
		packet, stream, err := listen(ctx, address)
		switch {
		case err == nil:
			return packet, stream, nil
		case attempts > 1 && errors.Is(err, syscall.EADDRINUSE):
			continue
		}
		return nil, nil, explain(address, port, err)
	}
}

func portOf(address string) (uint16, error) {
	host, text, err := net.SplitHostPort(address)
	port, portErr := strconv.ParseUint(text, 10, 16)
	if err == nil && host != "" {
		_, err = netip.ParseAddr(host)
	}
	if err = errors.Join(err, portErr); err != nil {
		return 0, &listing.Error{Kind: errors.Join(listing.ErrInvalid, err), Code: "bad-address",
			Message: listing.Quote(address) + " is not an address to listen on",
			Hint:    "write an address and a port, such as 127.0.0.1:5300, [::1]:5300 or :53"}
	}
	return uint16(port), nil
}

// listen opens TCP first: of two servers on one port it is TCP that is
// certain to be refused.
func listen(ctx context.Context, address string) (net.PacketConn, net.Listener, error) {
	stream, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	packets := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error { return raw.Control(enlarge) }}
	host, _, err := net.SplitHostPort(address)
	if err == nil {
		_, port, _ := net.SplitHostPort(stream.Addr().String())
		var packet net.PacketConn
		if packet, err = packets.ListenPacket(ctx, "udp", net.JoinHostPort(host, port)); err == nil {
			return packet, stream, nil
		}
	}
	stream.Close()
	return nil, nil, err
}

// enlarge sets the buffers of a socket, beyond the system's limit if that is
// permitted, else as far as it goes.
func enlarge(fd uintptr) {
	for force, usual := range map[int]int{unix.SO_RCVBUFFORCE: unix.SO_RCVBUF, unix.SO_SNDBUFFORCE: unix.SO_SNDBUF} {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, force, socketBuffer) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, usual, socketBuffer) // as far as it goes
		}
	}
}

// explain says what is wrong and what to do about it.
func explain(address string, port uint16, err error) error {
	e := &listing.Error{Kind: err, Code: "listen", Message: fmt.Sprintf("listening on %s: %v", address, err)}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		e.Code, e.Message = "address-in-use", address+" is in use by another program"
		e.Hint = fmt.Sprintf("`ss -lntup sport = :%d` names it; stop it, or listen on another port", port)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		e.Code, e.Message = "not-permitted", fmt.Sprintf("listening on %s is not permitted: ports below 1024 take a privilege", address)
		e.Hint = "run under systemd with AmbientCapabilities=CAP_NET_BIND_SERVICE or a socket unit, or listen on another port such as 5300"
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		e.Code, e.Message = "no-such-address", address+" is no address of this host"
		e.Hint = "`ip address` shows those that it has"
	}
	return e
}
