package main

import (
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batchSize  = 32
	maxReply   = 2048
	bufferSize = 4 << 20
)

// mmsghdr is the kernel's struct mmsghdr; the compiler pads it as C does.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// A batch is up to 32 datagrams that one system call moves on a connected socket.
type batch struct {
	msgs [batchSize]mmsghdr
	iovs [batchSize]unix.Iovec
}

func newBatch() *batch {
	b := &batch{}
	for i := range b.msgs {
		b.msgs[i].hdr.Iov = &b.iovs[i]
		b.msgs[i].hdr.SetIovlen(1)
	}
	return b
}

// newReceiveBatch has a buffer for each datagram; see bytes.
func newReceiveBatch() *batch {
	b := newBatch()
	data := make([]byte, batchSize*maxReply)
	for i := range b.iovs {
		b.set(i, data[i*maxReply:(i+1)*maxReply])
	}
	return b
}

func (b *batch) set(i int, p []byte) {
	b.iovs[i].Base = unsafe.SliceData(p)
	b.iovs[i].SetLen(len(p))
}

// bytes is the i-th datagram received.
func (b *batch) bytes(i int) []byte { return unsafe.Slice(b.iovs[i].Base, b.msgs[i].n) }

// receive takes what is there and never waits.
func (b *batch) receive(fd int) (int, unix.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.msgs[0])),
		batchSize, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// send sends the datagrams from first on, below end, and says how many went.
func (b *batch) send(fd, first, end int) (int, unix.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.msgs[first])),
		uintptr(end-first), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// dialUDP opens a connected socket with large buffers: replies must not be lost on the generator's side.
func dialUDP(to netip.AddrPort) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("opening a UDP socket: %w", err)
	}
	for force, option := range map[int]int{unix.SO_RCVBUFFORCE: unix.SO_RCVBUF, unix.SO_SNDBUFFORCE: unix.SO_SNDBUF} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, bufferSize) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, bufferSize) // what the system allows is enough
		}
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connecting to %s: %w", to, err)
	}
	return fd, nil
}
