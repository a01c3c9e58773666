// Package unixsocket binds Unix sockets that say who may speak to them. The
// control socket and the policy service need it, doors that do not know each
// other; so it stands beneath them.
package unixsocket

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dnsbld/listing"
)

// Access says who may speak to a socket.
type Access struct {
	Mode  fs.FileMode // 0: 0660, the owner and the group
	Group string      // that owns it; empty: that of this process
}

// maxPath is how long the path of a Unix socket can be (unix(7)).
const maxPath = 107

// Listen binds a socket. At no moment is it open to others: it is bound in a
// directory of its own, gets its group and mode there, and only then its name. A
// socket that a process left behind is replaced; one that answers is not, and
// neither is anything that is not a socket (listing.ErrConflict).
func Listen(path string, access Access) (net.Listener, error) {
	if err := checkFree(path); err != nil {
		return nil, err
	}
	removeLeftovers(filepath.Dir(path))
	private, err := os.MkdirTemp(filepath.Dir(path), ".")
	if err != nil {
		return nil, fmt.Errorf("binding %s: %w", path, err)
	}
	defer os.RemoveAll(private)
	temporary := filepath.Join(private, inPrivate)
	if len(temporary) > maxPath || len(path) > maxPath {
		return nil, &listing.Error{Kind: listing.ErrInvalid, Code: "long-path", Message: "the path of a socket is too long: " + path, Hint: "give it a shorter one, near the root"}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("binding %s: %w", path, err)
	}
	l.SetUnlinkOnClose(false) // it would look for the temporary name
	s, err := publish(l, temporary, path, access)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("binding %s: %w", path, err), l.Close())
	}
	return s, nil
}

// inPrivate is the name of a socket in its directory: short, for the path has little room.
const inPrivate = "s"

// removeLeftovers removes directories in which a process that was killed began to bind.
// Ours has a dot and a number for its name, and nothing but such a socket in it; while it
// is in use it is young.
func removeLeftovers(dir string) {
	const inUse = time.Minute
	names, _ := os.ReadDir(dir)
	for _, n := range names {
		number, ok := strings.CutPrefix(n.Name(), ".")
		info, err := n.Info()
		if !ok || strings.Trim(number, "0123456789") != "" || err != nil || !info.IsDir() || !ours(info) || time.Since(info.ModTime()) < inUse {
			continue
		}
		private := filepath.Join(dir, n.Name())
		if s, err := os.Lstat(filepath.Join(private, inPrivate)); err == nil && s.Mode().Type() == fs.ModeSocket {
			_ = os.Remove(filepath.Join(private, inPrivate))
		}
		_ = os.Remove(private) // fails where anything else is in it
	}
}

// ours reports whether a file belongs to the user of this process.
func ours(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Geteuid()
}

// checkFree fails if a daemon, or something else, is where the socket goes.
func checkFree(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("binding %s: %w", path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return &listing.Error{Kind: listing.ErrConflict, Code: "not-a-socket", Message: path + " is there already, and is not a socket",
			Hint: "give the socket another path, or move the file away"}
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = c.Close()
	}
	return errors.Join(&listing.Error{Kind: errors.Join(listing.ErrConflict, syscall.EADDRINUSE), Code: "in-use", Message: "a dnsbld listens on " + path + " already",
		Hint: "stop it first, or give this one another socket"}, err)
}

// publish gives a bound socket its group and its mode, and then its name.
func publish(l *net.UnixListener, temporary, path string, access Access) (*socket, error) {
	if err := access.apply(temporary); err != nil {
		return nil, err
	}
	info, err := os.Lstat(temporary)
	if err != nil {
		return nil, err
	}
	return &socket{UnixListener: l, path: path, info: info}, os.Rename(temporary, path)
}

func (a Access) apply(path string) error {
	if a.Group != "" {
		g, err := user.LookupGroup(a.Group)
		if err != nil {
			return err
		}
		gid, err := strconv.Atoi(g.Gid)
		if err != nil {
			return fmt.Errorf("group %s: %w", a.Group, err)
		}
		if err := os.Chown(path, -1, gid); err != nil {
			return fmt.Errorf("giving it to group %s, of which this user must be a member: %w", a.Group, err)
		}
	}
	return os.Chmod(path, cmp.Or(a.Mode, 0o660))
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
