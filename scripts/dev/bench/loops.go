package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// closedLoop keeps the agreed number of queries under way on each socket. It never sleeps, so that the server need not
// pay for waking it.
func (g *generator) closedLoop(d time.Duration) error {
	begin := g.now()
	end, expire := begin+int64(d), begin
	for now := begin; now < end; now = g.now() {
		if now >= expire {
			g.dropLate(now)
			if err := g.refill(); err != nil {
				return err
			}
			expire = now + int64(g.load.timeout)/8
		}
		answers := 0
		for _, s := range g.ready.sockets() {
			n := g.receive(s)
			answers += n
			if n == 0 {
				continue
			}
			if err := g.send(s, n, float64(g.now()), 0); err != nil {
				return err
			}
		}
		g.count.pass(answers)
	}
	return nil
}

// refill tops every socket up: at the start, and for what was lost.
func (g *generator) refill() error {
	for _, s := range g.sockets {
		for s.inflight < g.load.outstanding {
			if err := g.send(s, min(batchSize, g.load.outstanding-s.inflight), float64(g.now()), 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropLate gives up on queries that are older than the time-out.
func (g *generator) dropLate(now int64) {
	for _, s := range g.sockets {
		for ; s.oldest != s.next; s.oldest++ {
			f := s.flight(s.oldest)
			if f.id != s.oldest || f.sent == 0 {
				continue
			}
			if now-f.sent < int64(g.load.timeout) {
				break
			}
			f.sent = 0
			s.inflight--
		}
	}
}

// openLoop sends what is due, on one socket after the other. What is late is sent at once and its latency counts from
// when it was due.
func (g *generator) openLoop(d time.Duration) error {
	begin := g.now()
	step := 1e9 / float64(g.load.rate)
	total := int(d.Seconds() * float64(g.load.rate))
	turn := 0
	for sent := 0; sent < total; {
		now := g.now()
		due := min(int(float64(now-begin)/step)+1, total) - sent
		if due > 0 {
			n := min(due, batchSize)
			first := float64(begin) + float64(sent)*step
			g.count.late(float64(now)-first, n)
			if err := g.send(g.sockets[turn], n, first, step); err != nil {
				return err
			}
			sent += n
			turn = (turn + 1) % len(g.sockets)
		}
		answers := 0
		for _, s := range g.ready.sockets() {
			answers += g.receive(s)
		}
		g.count.pass(answers)
	}
	return nil
}

// A poller names the sockets that may have replies. A few are simply tried; with many, epoll knows.
type poller struct {
	all    []*socket
	some   []*socket
	epoll  int
	events []unix.EpollEvent
}

const pollAll = 16

func newPoller(all []*socket) (poller, error) {
	p := poller{all: all, epoll: -1}
	if len(all) <= pollAll {
		return p, nil
	}
	var err error
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return p, fmt.Errorf("opening epoll: %w", err)
	}
	for i, s := range all {
		ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
		if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, s.fd, &ev); err != nil {
			p.close()
			return p, fmt.Errorf("watching a socket: %w", err)
		}
	}
	p.some = make([]*socket, 0, len(all))
	p.events = make([]unix.EpollEvent, len(all))
	return p, nil
}

func (p *poller) sockets() []*socket {
	if p.events == nil {
		return p.all
	}
	n, err := unix.EpollWait(p.epoll, p.events, 0)
	if err != nil {
		n = 0
	}
	p.some = p.some[:0]
	for _, ev := range p.events[:n] {
		p.some = append(p.some, p.all[ev.Fd])
	}
	return p.some
}

func (p *poller) close() {
	if p.epoll > 0 {
		_ = unix.Close(p.epoll)
	}
}
