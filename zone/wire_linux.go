package zone

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"dnsbld/nice"

	"golang.org/x/sys/unix"
)

const (
	slotSize  = 1<<16 + 1<<12 + 1<<6 // holds any datagram; not a power of two, so that slots do not crowd one set of the cache
	ancillary = 64                   // octets of it: where a query came to
	wakeEvery = drainRead            // that a worker without queries looks whether it is to stop
)

// mmsghdr is the struct of recvmmsg(2); the compiler pads it as C does.
type mmsghdr struct {
	hdr  unix.Msghdr
	size uint32
}

// batch is the memory that the kernel fills and empties: a slot for each
// datagram, in which the answer takes the place of the query.
type batch struct {
	fd        uintptr
	wildcard  bool // the socket is bound to no address
	headers   [batchSize]mmsghdr
	vectors   [batchSize]unix.Iovec
	names     [batchSize]unix.RawSockaddrInet6 // or Inet4, which is smaller
	ancillary [batchSize][ancillary]byte
	slots     []byte
	datagrams [batchSize]datagram
}

func newBatch(fd uintptr, wildcard bool) *batch {
	b := &batch{fd: fd, wildcard: wildcard, slots: make([]byte, batchSize*slotSize)}
	for n := range b.headers {
		h := &b.headers[n].hdr
		h.Name, h.Iov = (*byte)(unsafe.Pointer(&b.names[n])), &b.vectors[n]
		h.SetIovlen(1)
	}
	b.reset(batchSize)
	return b
}

func (b *batch) slot(n int) []byte { return b.slots[n*slotSize:][:slotSize:slotSize] }

// reset makes the first n slots ready for the next queries.
func (b *batch) reset(n int) {
	for i := range n {
		h := &b.headers[i].hdr
		h.Namelen = unix.SizeofSockaddrInet6
		b.put(i, b.slot(i))
		if b.wildcard {
			h.Control = &b.ancillary[i][0]
			h.SetControllen(ancillary)
		}
	}
}

// put has the kernel fill, or send, some octets.
func (b *batch) put(n int, data []byte) {
	b.vectors[n].Base = unsafe.SliceData(data)
	b.vectors[n].SetLen(len(data))
}

// receive waits for one datagram and takes those that are there behind it.
func (b *batch) receive() ([]datagram, error) {
	n, _, errno := syscall.Syscall6(unix.SYS_RECVMMSG, b.fd, uintptr(unsafe.Pointer(&b.headers[0])), batchSize, unix.MSG_WAITFORONE, 0, 0)
	if errno != 0 {
		return nil, errno
	}
	for i := range int(n) {
		b.datagrams[i] = datagram{b.slot(i)[:b.headers[i].size], b.from(i)}
	}
	return b.datagrams[:n], nil
}

func (b *batch) from(n int) netip.AddrPort {
	name := &b.names[n]
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	if name.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), port)
}

// send sends the answers, and says how many could not be. Those around a query
// that gets none go out by themselves.
func (b *batch) send(answers []datagram) (failed int) {
	for n := 0; n < len(answers); n++ {
		first := n
		for n < len(answers) && answers[n].data != nil {
			b.prepare(n, answers[n].data)
			n++
		}
		failed += b.sendAll(first, n)
	}
	return failed
}

// prepare has an answer leave from the address that was asked.
func (b *batch) prepare(n int, data []byte) {
	b.put(n, data)
	if !b.wildcard {
		return
	}
	h := &b.headers[n].hdr
	there := fromThere(b.ancillary[n][:h.Controllen])
	h.Control = unsafe.SliceData(there)
	h.SetControllen(len(there))
}

func (b *batch) sendAll(from, to int) (failed int) {
	for from < to {
		n, _, errno := syscall.Syscall6(unix.SYS_SENDMMSG, b.fd, uintptr(unsafe.Pointer(&b.headers[from])), uintptr(to-from), 0, 0, 0)
		switch {
		case errno == 0:
			from += int(n)
		case errno != unix.EINTR: // the first of them cannot be sent
			from++
			failed++
		}
	}
	return failed
}

// serveBatches answers on one socket with few system calls. It reports false
// if that cannot be; the socket is then as it was.
func (s *Server) serveBatches(ctx context.Context, conn *net.UDPConn) bool {
	wildcard := isWildcard(conn)
	fd, err := detach(conn)
	if err != nil {
		old := errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) // the kernel, or told to be
		if !old && !errors.Is(err, net.ErrClosed) {                      // who reads from it will notice
			s.errors.Add(1)
		}
		return false
	}
	defer unix.Close(int(fd))
	nice.Prompt()
	s.work(ctx, newBatch(fd, wildcard))
	return true
}

// detach takes the socket out of a connection and closes that: the runtime
// watches the sockets of connections, and would wake a thread for every query.
// With an error, as without recvmmsg or another file to open, the connection
// is as it was: clients that the kernel gives it must be answered all the same.
func detach(conn *net.UDPConn) (fd uintptr, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	controlErr := raw.Control(func(attached uintptr) { fd, err = blocking(attached) })
	if err = errors.Join(controlErr, err); err != nil {
		return 0, err
	}
	conn.Close()
	return fd, nil
}

// blocking is a descriptor of the same socket on which receiving waits, but
// not longer than wakeEvery.
func blocking(attached uintptr) (uintptr, error) {
	if _, _, errno := syscall.Syscall6(unix.SYS_RECVMMSG, attached, 0, 0, 0, 0, 0); errno != 0 {
		return 0, errno
	}
	wake := unix.NsecToTimeval(int64(wakeEvery))
	if err := unix.SetsockoptTimeval(int(attached), unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wake); err != nil {
		return 0, err
	}
	fd, err := unix.FcntlInt(attached, unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return 0, err
	}
	return uintptr(fd), nil
}

// work is the life of a worker, until ctx is done. It has a thread to itself,
// being in system calls nearly always, but is not locked to it: to let others
// go first would then take two more threads.
func (s *Server) work(ctx context.Context, b *batch) {
	var (
		w       = s.newWorker()
		pause   backoff
		stopped drain
		naps    = coalescer{most: s.tables.Load().coalesce}
		nap     unix.Timespec
		turn    = turns{begin: time.Now()}
	)
	for !stopped.over(ctx, s) {
		queries, err := b.receive()
		switch {
		case err == nil:
		case errors.Is(err, unix.EAGAIN) && ctx.Err() != nil:
			return // nothing has arrived that is not answered
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			continue
		default:
			s.errors.Add(1)
			pause.wait(ctx)
			continue
		}
		pause = 0
		w.answer(queries)
		if failed := b.send(queries); failed > 0 {
			s.errors.Add(uint64(failed))
		}
		b.reset(len(queries))
		if d := naps.after(len(queries), turn.now); d > 0 {
			nap = unix.NsecToTimespec(int64(d))
			_ = unix.Nanosleep(&nap, nil) // one that is cut short is short
		}
		turn.end()
	}
}

// turns are what a worker takes with other goroutines. One that never lets
// others go first is made to every 10 ms, and as long as it is not the runtime
// looks at it thousands of times a second: that was a sixth of what a query
// cost.
type turns struct {
	begin   time.Time
	last    time.Duration
	batches int
}

// now is the time since the worker began.
func (t *turns) now() time.Duration { return time.Since(t.begin) }

// end lets others go first if it is time to.
func (t *turns) end() {
	const lookEvery, longest = 4, 6 * time.Millisecond
	if t.batches++; t.batches%lookEvery > 0 {
		return
	}
	if now := t.now(); now-t.last > longest {
		t.last = now
		runtime.Gosched()
	}
}

// drain is the time in which a worker that is to stop answers what has
// arrived.
type drain struct{ until time.Time }

func (d *drain) over(ctx context.Context, s *Server) bool {
	if ctx.Err() == nil {
		return false
	}
	now := time.Now()
	if d.until.IsZero() {
		d.until = now.Add(s.drain)
	}
	return now.After(d.until)
}
