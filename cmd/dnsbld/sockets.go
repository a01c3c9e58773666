package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"

	"dnsbld/ctl/server"
	"dnsbld/zone"
)

// sockets are all that the daemon answers on.
type sockets struct {
	packet  []net.PacketConn
	stream  []net.Listener
	control net.Listener
}

// openSockets takes the sockets that systemd passes, and binds those that are
// missing.
func openSockets(ctx context.Context, cfg config, log *slog.Logger) (sockets, error) {
	s, err := passedSockets()
	if err == nil && len(s.packet)+len(s.stream) == 0 {
		err = s.listen(ctx, cfg.dns, cfg.workers, log)
	}
	if err == nil && s.control == nil {
		s.control, err = server.Listen(cfg.socket)
	}
	if err != nil {
		s.close()
	}
	return s, err
}

// passedSockets are those of sd_listen_fds(3): a Unix socket is the control
// socket, all others are for DNS.
func passedSockets() (sockets, error) {
	var s sockets
	for _, f := range activation.Files(true) {
		err := s.take(f)
		f.Close()
		if err != nil {
			return s, fmt.Errorf("the socket %s that systemd passed: %w", f.Name(), err)
		}
	}
	return s, nil
}

// take sorts a passed socket in. The copy that net makes of its descriptor is
// used; f itself is closed by the caller.
func (s *sockets) take(f *os.File) error {
	if l, err := net.FileListener(f); err == nil {
		if l.Addr().Network() == "unix" {
			s.control = l
		} else {
			s.stream = append(s.stream, l)
		}
		return nil
	}
	p, err := net.FilePacketConn(f)
	if err == nil {
		s.packet = append(s.packet, p)
	}
	return err
}

// listen binds UDP and TCP on every address, UDP once for each worker
// (SO_REUSEPORT). IPv6 on a host that has none is left out.
func (s *sockets) listen(ctx context.Context, addresses []netip.AddrPort, workers int, log *slog.Logger) error {
	for _, a := range addresses {
		packets, stream, err := zone.ListenWorkers(ctx, a.String(), workers)
		if a.Addr().Is6() && noIPv6(err) {
			log.Warn("this host has no IPv6: not answering there", "address", a.String())
			continue
		}
		if err != nil {
			return err
		}
		s.packet, s.stream = append(s.packet, packets...), append(s.stream, stream)
	}
	if len(s.packet) == 0 {
		return fmt.Errorf("there is no address to answer on: %w", syscall.EADDRNOTAVAIL)
	}
	return nil
}

// noIPv6 reports whether binding failed because the host has no such family, or
// no address of it.
func noIPv6(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}

// close closes all of them. One that was closed before stays so.
func (s sockets) close() {
	for _, p := range s.packet {
		p.Close()
	}
	for _, l := range append(s.stream, s.control) {
		if l != nil {
			l.Close()
		}
	}
}
