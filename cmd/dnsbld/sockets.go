package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/ctl/server"
	"dnsbld/zone"
)

// Uses of sockets; those of the other doors stand where they are bound.
const (
	forDNS     = "dns"
	forXoT     = "xot"
	forControl = "control"
	forPolicy  = "policy " // and the address
)

// sockets are all that the daemon answers on. They outlive those who answer, who
// are handed copies: descriptors of the same socket (dup(2)). So what waits in a
// socket is lost neither when the doors are opened again nor when a successor
// takes over.
type sockets struct {
	mu  sync.Mutex // DNS takes its copies beside the doors
	all []*socket

	patience    time.Duration // how long DNS waits for the list before it is read
	predecessor *net.UnixConn // that handed them over; nil: none
}

// socket is one of them.
type socket struct {
	use   string
	path  string       // of a Unix socket that is ours to take away; else empty
	file  *os.File     // a copy of its own
	bound net.Listener // as it was made, if it was made here: its Close takes the name away
}

// openSockets takes the sockets that a predecessor or systemd passes, and binds
// those of DNS and of the control protocol that are missing.
func openSockets(ctx context.Context, cfg config.Config, log *slog.Logger) (*sockets, error) {
	s, err := inherited()
	if s == nil && err == nil {
		s, err = passedSockets()
	}
	if err == nil && !s.has(forDNS) {
		err = s.listenDNS(ctx, cfg.DNS, cfg.Workers, log)
	}
	if err == nil && cfg.XoT != "" && !s.has(forXoT) {
		_, err = s.bind(forXoT, func() (net.Listener, error) { return new(net.ListenConfig).Listen(ctx, "tcp", cfg.XoT) })
	}
	if err == nil && !s.has(forControl) {
		_, err = s.bind(forControl, func() (net.Listener, error) { return server.Listen(cfg.Socket) })
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// passedSockets are those of sd_listen_fds(3): a Unix socket is the control
// socket, all others are for DNS.
func passedSockets() (*sockets, error) {
	s := &sockets{}
	for _, f := range activation.Files(true) {
		s.patience = passedWithin
		use := forDNS
		l, err := net.FileListener(f)
		if err == nil && l.Addr().Network() == "unix" {
			use = forControl
		}
		if err == nil {
			err = l.Close()
		} else if p, packetErr := net.FilePacketConn(f); packetErr == nil {
			err = p.Close()
		}
		s.all = append(s.all, &socket{use: use, file: f})
		if err != nil {
			return s, fmt.Errorf("the socket %s that systemd passed: %w", f.Name(), err)
		}
	}
	return s, nil
}

func (s *sockets) has(use string) bool { return s.find(use) != nil }

func (s *sockets) find(use string) *socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		if one.use == use {
			return one
		}
	}
	return nil
}

// listenDNS binds UDP and TCP on every address, UDP once for each worker
// (SO_REUSEPORT). IPv6 on a host that has none is left out.
func (s *sockets) listenDNS(ctx context.Context, addresses []netip.AddrPort, workers int, log *slog.Logger) error {
	for _, a := range addresses {
		packets, stream, err := zone.ListenWorkers(ctx, a.String(), workers)
		if a.Addr().Is6() && noIPv6(err) {
			log.Warn("this host has no IPv6: not answering there", "address", a.String())
			continue
		}
		if err != nil {
			return err
		}
		for _, p := range packets {
			file, copyErr := kept(forDNS, p.(*net.UDPConn))
			s.all = append(s.all, &socket{use: forDNS, file: file})
			err = errors.Join(err, copyErr, p.Close())
		}
		_, bindErr := s.bind(forDNS, func() (net.Listener, error) { return stream, nil })
		if err = errors.Join(err, bindErr); err != nil {
			return err
		}
	}
	if !s.has(forDNS) {
		return fmt.Errorf("there is no address to answer on: %w", syscall.EADDRNOTAVAIL)
	}
	return nil
}

// kept is a copy of a socket's descriptor, to make others of and to hand over. All
// copies share O_NONBLOCK, so this one leaves the flag as those who answer need it,
// which net's own File does not: its Fd clears the flag, and whoever accepts then
// waits in the kernel and cannot be ended. For UDP, whose workers do wait in the
// kernel, it is cleared here: the runtime watches what does not block, and would
// wake a thread for every query, though others read it.
func kept(use string, c syscall.Conn) (*os.File, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	_, datagrams := c.(*net.UDPConn)
	controlErr := raw.Control(func(attached uintptr) {
		if fd, err = unix.FcntlInt(attached, unix.F_DUPFD_CLOEXEC, 0); err == nil && datagrams {
			err = unix.SetNonblock(fd, false)
		}
	})
	if err = errors.Join(controlErr, err); err != nil {
		return nil, fmt.Errorf("keeping the socket of %s: %w", use, err)
	}
	return os.NewFile(uintptr(fd), use), nil
}

// noIPv6 reports whether binding failed because the host has no such family, or
// no address of it.
func noIPv6(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}

// bind keeps a socket that is made now.
func (s *sockets) bind(use string, listen func() (net.Listener, error)) (*socket, error) {
	l, err := listen()
	if err != nil {
		return nil, err
	}
	one := &socket{use: use, bound: l}
	if l.Addr().Network() == "unix" {
		one.path = l.Addr().String()
	}
	if one.file, err = kept(use, l.(syscall.Conn)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, one)
	return one, nil
}

// listen is a copy of the socket for a use, which is bound if it is not there.
func (s *sockets) listen(use string, bind func() (net.Listener, error)) (net.Listener, error) {
	one := s.find(use)
	if one == nil {
		var err error
		if one, err = s.bind(use, bind); err != nil {
			return nil, err
		}
	}
	l, err := net.FileListener(one.file)
	if err != nil {
		return nil, fmt.Errorf("the socket of %s: %w", use, err)
	}
	if one.path != "" { // it was bound under a temporary name
		return renamed{l, one.path}, nil
	}
	return l, nil
}

// renamed is a listener on a Unix socket under its last name.
type renamed struct {
	net.Listener
	path string
}

func (r renamed) Addr() net.Addr { return &net.UnixAddr{Name: r.path, Net: "unix"} }

// where says what is answered on which addresses, for the log and `blctl status`.
// Workers share an address, which stands there once. The sockets are only asked: a
// copy of net's would set O_NONBLOCK, which all copies share, and the workers, who
// wait in the kernel for what comes, would spin.
func (s *sockets) where() (map[string][]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string][]string{}
	for _, one := range s.all {
		address, err := one.address()
		if err != nil {
			return nil, fmt.Errorf("the address of the socket of %s: %w", one.use, err)
		}
		use, _, _ := strings.Cut(one.use, " ")
		if !slices.Contains(all[use], address) {
			all[use] = append(all[use], address)
		}
	}
	return all, nil
}

// address is where it is reached.
func (s *socket) address() (string, error) {
	if s.path != "" {
		return s.path, nil
	}
	name, err := unix.Getsockname(int(s.file.Fd()))
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(name.Addr), uint16(name.Port)).String(), nil
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(name.Addr), uint16(name.Port)).String(), nil
	case *unix.SockaddrUnix:
		return name.Name, nil
	}
	return "", err
}

// dns are copies of the sockets of DNS, for those who answer: nobody else makes
// any, see where.
func (s *sockets) dns() (packet []net.PacketConn, stream []net.Listener, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		if one.use != forDNS {
			continue
		}
		if l, notStream := net.FileListener(one.file); notStream == nil {
			stream = append(stream, l)
			continue
		}
		p, failed := net.FilePacketConn(one.file)
		if failed == nil {
			packet = append(packet, p)
		}
		err = errors.Join(err, failed)
	}
	return packet, stream, err
}

// closeDoors lets go of all that neither DNS nor mail waits on: nobody who comes
// now is left waiting.
func (s *sockets) closeDoors() {
	s.closeIf(func(use string) bool { return use != forDNS && use != forXoT && !strings.HasPrefix(use, forPolicy) })
}

func (s *sockets) close() { s.closeIf(func(string) bool { return true }) }

// closeIf lets go of sockets, and takes away the names that are ours.
func (s *sockets) closeIf(chosen func(use string) bool) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(one *socket) bool {
		if !chosen(one.use) {
			return false
		}
		if one.bound != nil {
			_ = one.bound.Close()
		} else if one.path != "" {
			_ = os.Remove(one.path)
		}
		_ = one.file.Close()
		return true
	})
}
