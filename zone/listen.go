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

// ListenWorkers opens an ADDR:PORT for UDP and TCP. An ADDR of nothing is every
// address; port 0 is any free one, the same for both. There are several UDP
// sockets between which the kernel divides the clients: one for each worker.
// Every other server of this user could then open one more, so it is TCP, opened
// once, that tells whether the port is free.
//
// The errors are *listing.Error with the codes "address-in-use",
// "not-permitted", "no-such-address" (as ::1 is on a host without IPv6) and
// "bad-address", and have the system's error within.
func ListenWorkers(ctx context.Context, address string, workers int) ([]net.PacketConn, net.Listener, error) {
	port, err := portOf(address)
	if err != nil {
		return nil, nil, err
	}
	attempts := 1
	if port == 0 { // a port that is free for TCP may not be for UDP
		attempts = 20
	}
	for ; ; attempts-- {
		packets, stream, err := listen(ctx, address, max(workers, 1))
		switch {
		case err == nil:
			return packets, stream, nil
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
func listen(ctx context.Context, address string, workers int) ([]net.PacketConn, net.Listener, error) {
	stream, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	var packets []net.PacketConn
	host, _, err := net.SplitHostPort(address)
	if err == nil {
		_, port, _ := net.SplitHostPort(stream.Addr().String())
		packets, err = listenPackets(ctx, net.JoinHostPort(host, port), workers)
	}
	if err != nil {
		stream.Close()
		return nil, nil, err
	}
	return packets, stream, nil
}

func listenPackets(ctx context.Context, address string, workers int) (packets []net.PacketConn, err error) {
	open := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		if e := raw.Control(func(fd uintptr) { err = prepare(fd, workers > 1) }); e != nil {
			return e
		}
		return err
	}}
	for range workers {
		packet, err := open.ListenPacket(ctx, "udp", address)
		if err != nil {
			for _, p := range packets {
				p.Close()
			}
			return nil, err
		}
		packets = append(packets, packet)
	}
	return packets, nil
}

// prepare readies a UDP socket before it is bound.
func prepare(fd uintptr, shared bool) error {
	enlarge(fd)
	if shared {
		return unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}
	return nil
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
