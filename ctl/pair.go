package ctl

import (
	"context"
	"fmt"
	"net"
	"os"
	"syscall"
)

// Pair returns a Client of a server in another process that is given the other
// end of a socket pair. Over it goes no request: for each connection the client
// makes another pair, and sends an end of it as a descriptor. So there is no path
// that others could open, and who asks is known to the kernel all the same.
//
// The server ends when closed is called.
func Pair() (c *Client, other *os.File, closed func() error, err error) {
	ours, other, err := socketPair()
	if err != nil {
		return nil, nil, nil, err
	}
	control, err := unixConn(ours)
	if err != nil {
		other.Close() // nothing was sent
		return nil, nil, nil, err
	}
	dial := func(context.Context) (net.Conn, error) {
		mine, theirs, err := socketPair()
		if err != nil {
			return nil, err
		}
		defer theirs.Close() // the server has its own
		conn, err := unixConn(mine)
		if err != nil {
			return nil, err
		}
		_, _, err = control.WriteMsgUnix([]byte{0}, syscall.UnixRights(int(theirs.Fd())), nil)
		return conn, err
	}
	return newClient("of its own", dial), other, control.Close, nil
}

func socketPair() (a, b *os.File, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a socket pair: %w", err)
	}
	for _, fd := range fds {
		syscall.CloseOnExec(fd)
	}
	return os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control"), nil
}

// unixConn takes a file over as a connection.
func unixConn(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("using a socket pair: %w", err)
	}
	conn, ok := c.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("using a socket pair: it is a %T", c)
	}
	return conn, nil
}
