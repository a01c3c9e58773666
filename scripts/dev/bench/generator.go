package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"
)

// A load is how a server is asked. With rate 0 the loop is closed: each socket keeps outstanding queries under way.
// Otherwise queries are due at even distances, whatever the server does.
type load struct {
	name        string
	rate        int // queries a second
	sockets     int
	outstanding int // per socket, closed loop
	warmup      time.Duration
	window      time.Duration
	timeout     time.Duration // after which a query counts as lost
}

// A flight is a query under way; sent is when it was due, in ns since the generator began, 0 if the place is free.
type flight struct {
	sent  int64
	query int32
	id    uint16
}

type socket struct {
	fd       int
	next     uint16 // the id to be used next
	oldest   uint16 // no query older than this id is under way
	inflight int
	flights  []flight // by id, modulo a power of two
}

func (s *socket) flight(id uint16) *flight { return &s.flights[int(id)&(len(s.flights)-1)] }

// A generator asks one server under one load. It belongs to one thread and allocates nothing while it runs.
type generator struct {
	load    load
	pool    *pool
	rules   rules
	sockets []*socket
	ready   poller
	tx, rx  *batch
	began   time.Time
	cursor  int
	opened  int64 // when the window opened, ns; what was due earlier is not counted
	count   tally
}

// errGone means that nobody listens on the server's port any more.
var errGone = errors.New("the server does not listen any more")

// maxRefused is how often the kernel may say that nobody listens before that is believed.
const maxRefused = 20

func newGenerator(to netip.AddrPort, p *pool, ru rules, l load) (*generator, error) {
	g := &generator{load: l, pool: p, rules: ru, tx: newBatch(), rx: newReceiveBatch(), began: time.Now(),
		opened: 1 << 62, count: newTally()}
	size := 256
	for size < 1<<16 && size*l.sockets < 1<<19 {
		size *= 2
	}
	for range l.sockets {
		fd, err := dialUDP(to)
		if err != nil {
			g.close()
			return nil, err
		}
		g.sockets = append(g.sockets, &socket{fd: fd, flights: make([]flight, size)})
	}
	var err error
	if g.ready, err = newPoller(g.sockets); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *generator) close() {
	for _, s := range g.sockets {
		_ = unix.Close(s.fd)
	}
	g.ready.close()
}

func (g *generator) now() int64 { return int64(time.Since(g.began)) + 1 }

// run warms up, opens the window, closes it and waits for stragglers. cpu is read when the window opens and closes.
func (g *generator) run(cpu func() (time.Duration, error)) (measurement, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))

	drive := g.closedLoop
	if g.load.rate > 0 {
		drive = g.openLoop
	}
	if err := drive(g.load.warmup); err != nil {
		return measurement{}, err
	}
	before, err := cpu()
	if err != nil {
		return measurement{}, err
	}
	g.opened = g.now()
	g.count.passes, g.count.idle, g.count.lateSends = 0, 0, 0
	answers := g.count.matched
	if err := drive(g.load.window); err != nil {
		return measurement{}, err
	}
	ended := g.now()
	answers = g.count.matched - answers
	after, err := cpu()
	if err != nil {
		return measurement{}, err
	}
	g.drain()
	return g.count.measurement(after-before, answers, time.Duration(ended-g.opened)), nil
}

// send sends n queries on s; the i-th was due at first + i*step.
func (g *generator) send(s *socket, n int, first, step float64) error {
	for i := range n {
		q := g.cursor
		if g.cursor++; g.cursor == len(g.pool.queries) {
			g.cursor = 0
		}
		p := g.pool.packet(q)
		binary.BigEndian.PutUint16(p, s.next)
		g.tx.set(i, p)
		f := s.flight(s.next)
		if f.sent != 0 { // a full turn without an answer
			s.inflight--
		}
		*f = flight{int64(first + float64(i)*step), int32(q), s.next}
		s.next++
		if f.sent >= g.opened {
			g.count.sent++
		}
	}
	s.inflight += n
	return g.flush(s.fd, n)
}

// flush hands n datagrams to the kernel. A datagram it will not take is lost, as on any other way.
func (g *generator) flush(fd, n int) error {
	if g.count.refused > maxRefused {
		return errGone
	}
	for done, tries := 0, 0; done < n && tries < 4; {
		k, errno := g.tx.send(fd, done, n)
		done += k
		switch errno {
		case 0:
		case unix.ECONNREFUSED:
			g.count.refused++
			tries++
		case unix.EAGAIN, unix.EINTR, unix.ENOBUFS:
			tries++
		default:
			return fmt.Errorf("sending queries: %w", errno)
		}
	}
	return nil
}

// receive takes the replies that are there and says how many queries they end.
func (g *generator) receive(s *socket) int {
	n, errno := g.rx.receive(s.fd)
	if errno == unix.ECONNREFUSED {
		g.count.refused++
	}
	if errno != 0 || n == 0 {
		return 0
	}
	now, ended := g.now(), 0
	for i := range n {
		reply := g.rx.bytes(i)
		if len(reply) < 2 {
			g.count.stray++
			continue
		}
		id := binary.BigEndian.Uint16(reply)
		f := s.flight(id)
		if f.sent == 0 || f.id != id {
			g.count.stray++
			continue
		}
		g.take(f, reply, now)
		f.sent = 0
		ended++
	}
	s.inflight -= ended
	return ended
}

// take checks and counts one reply. One in eight is checked in full.
func (g *generator) take(f *flight, reply []byte, now int64) {
	g.count.matched++
	q := g.pool.packet(int(f.query))
	w := g.pool.queries[f.query].want
	err := g.rules.checkHead(q, reply, w)
	if err == nil && f.id%8 == 0 {
		err = g.rules.checkBody(q, reply, w)
	}
	if err != nil {
		g.count.wrong++
		if g.count.example == "" {
			g.count.example = describe(q, w, err)
		}
	}
	if f.sent >= g.opened {
		g.count.answered++
		g.count.record(now - f.sent)
	}
}

// drain waits for stragglers, as long as a query may take.
func (g *generator) drain() {
	for end := g.now() + int64(g.load.timeout); g.now() < end; {
		left := 0
		for _, s := range g.sockets {
			g.receive(s)
			left += s.inflight
		}
		if left == 0 {
			return
		}
	}
}
