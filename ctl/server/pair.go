package server

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// pair is a listener whose connections come as descriptors over a socket.
type pair struct{ *net.UnixConn }

// Inherited returns a listener on an end of a socket pair (see ctl.Pair). It
// fails with io.EOF when the other end is closed.
func Inherited(f *os.File) (net.Listener, error) {
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("using the socket that was passed: %w", err)
	}
	conn, ok := c.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("using the socket that was passed: it is a %T", c)
	}
	return pair{conn}, nil
}

// Addr is the address of a socket without a name.
func (p pair) Addr() net.Addr { return p.LocalAddr() }

// Accept waits for the next descriptor.
func (p pair) Accept() (net.Conn, error) {
	text, rights := make([]byte, 1), make([]byte, syscall.CmsgSpace(4))
	n, with, _, _, err := p.ReadMsgUnix(text, rights)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, io.EOF
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:with])
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("a message without a descriptor: %w", err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, fmt.Errorf("a message without a descriptor: %w", err)
	}
	f := os.NewFile(uintptr(fds[0]), "control")
	defer f.Close()
	return net.FileConn(f)
}
