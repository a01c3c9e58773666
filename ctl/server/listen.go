package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"dnsbld/listing"
)

// socketMode lets the owner and the group of the socket in: they are the
// operators.
const socketMode = 0o660

// maxPath is how long the path of a Unix socket can be (unix(7)).
const maxPath = 107

// Listen binds the control socket. It makes the directory if there is none. At
// no moment is the socket open to others: it is bound in a directory of its
// own, gets its mode there, and only then its name. The socket that a daemon
// left behind is replaced; one that answers is not, and neither is anything
// that is not a socket (ErrConflict).
func Listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("making the directory of the control socket: %w", err)
	}
	if err := checkFree(path); err != nil {
		return nil, err
	}
	private, err := os.MkdirTemp(filepath.Dir(path), ".")
	if err != nil {
		return nil, fmt.Errorf("binding the control socket: %w", err)
	}
	defer os.RemoveAll(private)
	temporary := filepath.Join(private, "s")
	if len(temporary) > maxPath || len(path) > maxPath {
		return nil, invalid("long-path", fmt.Sprintf("the path of the control socket is too long: %s", path), "give it a shorter one, near the root")
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("binding the control socket: %w", err)
	}
	l.SetUnlinkOnClose(false) // it would look for the temporary name
	s, err := publish(l, temporary, path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("binding the control socket: %w", err), l.Close())
	}
	return s, nil
}

// checkFree fails if a daemon, or something else, is where the socket goes.
func checkFree(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("binding the control socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return &listing.Error{Kind: listing.ErrConflict, Code: "not-a-socket", Message: path + " is there already, and is not a socket",
			Hint: "give the control socket another path, or move the file away"}
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = c.Close()
	}
	return errors.Join(&listing.Error{Kind: listing.ErrConflict, Code: "in-use", Message: "a dnsbld listens on " + path + " already",
		Hint: "stop it first, or give this one another socket"}, err)
}

// publish gives a bound socket its mode and then its name.
func publish(l *net.UnixListener, temporary, path string) (*socket, error) {
	if err := os.Chmod(temporary, socketMode); err != nil {
		return nil, err
	}
	info, err := os.Lstat(temporary)
	if err != nil {
		return nil, err
	}
	return &socket{UnixListener: l, path: path, info: info}, os.Rename(temporary, path)
}

// socket is a listener that takes its name away when it is closed, unless
// another has taken it over.
type socket struct {
	*net.UnixListener
	path string
	info fs.FileInfo
}

// Close takes the name away while the socket still listens, so that nobody
// finds a name behind which there is no daemon.
func (s *socket) Close() error {
	if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.info) {
		return errors.Join(os.Remove(s.path), s.UnixListener.Close())
	}
	return s.UnixListener.Close()
}

// Addr is the socket's address under its lasting name.
func (s *socket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }
