package zone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"
)

// How long a server that stops goes on for those who have asked already.
const (
	drainRead = 100 * time.Millisecond // takes what was sent; Server.drain
	drainAll  = 10                     // times as long: then closes
)

// Serve answers on sockets that were opened elsewhere, by Listen or by the
// service manager, until ctx is done; it then answers what has arrived, closes
// the sockets and returns nil. A socket that fails is tried again and never
// keeps the others from answering.
func (s *Server) Serve(ctx context.Context, packet []net.PacketConn, stream []net.Listener) error {
	var sockets []*net.UDPConn
	var ours []netip.Addr
	var errs []error
	for _, p := range packet {
		conn, ok := p.(*net.UDPConn)
		if !ok {
			errs = append(errs, fmt.Errorf("%s is not a UDP socket", p.LocalAddr()))
			continue
		}
		if err := receiveDestination(conn); err != nil {
			errs = append(errs, fmt.Errorf("preparing %s: %w", p.LocalAddr(), err))
		}
		sockets = append(sockets, conn)
		ours = append(ours, conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap())
	}
	if len(errs) > 0 {
		for _, p := range packet {
			p.Close()
		}
		for _, l := range stream {
			l.Close()
		}
		return errors.Join(errs...)
	}
	portable := s.tables.Load().portable
	if !portable { // each worker keeps a thread, and others are to run beside
		runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), len(sockets)+2))
	}
	var all sync.WaitGroup
	for _, conn := range sockets {
		all.Go(func() {
			if portable || !s.serveBatches(ctx, conn) {
				s.serveUDP(ctx, conn)
			}
		})
	}
	for _, l := range stream {
		all.Go(func() { s.serveTCP(ctx, l) })
	}
	all.Go(func() { s.notifies(ctx, ours) })
	all.Wait()
	return nil
}

// backoff is how long to wait after one more failure.
type backoff time.Duration

// wait waits, twice as long as the last time, until ctx is done.
func (b *backoff) wait(ctx context.Context) {
	*b = min(max(2**b, backoff(time.Millisecond)), backoff(time.Second))
	timer := time.NewTimer(time.Duration(*b))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
