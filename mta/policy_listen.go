package mta

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dnsbld/listing"
)

// PolicyAddress is where Postfix asks the policy service.
type PolicyAddress struct{ Network, Address string }

// String gives the address as [ParsePolicyAddress] reads it.
func (a PolicyAddress) String() string {
	if a.Network == "unix" {
		return "unix:" + a.Address
	}
	return a.Address
}

// ParsePolicyAddress reads an address as Postfix writes it, or without "inet:".
func ParsePolicyAddress(text string) (PolicyAddress, error) {
	if path, unix := strings.CutPrefix(text, "unix:"); unix && path != "" {
		return PolicyAddress{"unix", path}, nil
	}
	a, err := netip.ParseAddrPort(strings.TrimPrefix(text, "inet:"))
	if err != nil {
		return PolicyAddress{}, fmt.Errorf("%s: write an address and a port, such as 127.0.0.1:10040, or unix:PATH", listing.Quote(text))
	}
	return PolicyAddress{"tcp", a.String()}, nil
}

// PolicySocket says who may speak to a Unix socket of the policy service, and so report sessions.
type PolicySocket struct {
	Mode  fs.FileMode // 0: 0660
	Group string      // that owns it; empty: that of this process
}

// Listen binds a socket of the policy service.
func (a PolicyAddress) Listen(ctx context.Context, s PolicySocket) (net.Listener, error) {
	if a.Network != "unix" {
		return new(net.ListenConfig).Listen(ctx, a.Network, a.Address)
	}
	if err := removeStale(a.Address); err != nil {
		return nil, err
	}
	// It gets its name last: at no moment is it open to others.
	private, err := os.MkdirTemp(filepath.Dir(a.Address), ".")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(private)
	temporary := filepath.Join(private, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it would look for the temporary name
	if err = s.apply(temporary); err == nil {
		err = os.Rename(temporary, a.Address)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return policyListener{l, a.Address}, nil
}

// apply gives a socket its group and its mode.
func (s PolicySocket) apply(path string) error {
	if s.Group != "" {
		g, err := user.LookupGroup(s.Group)
		if err != nil {
			return err
		}
		gid, err := strconv.Atoi(g.Gid)
		if err != nil {
			return fmt.Errorf("group %s: %w", s.Group, err)
		}
		if err := os.Chown(path, -1, gid); err != nil {
			return fmt.Errorf("giving the policy socket to group %s, of which this user must be a member: %w", s.Group, err)
		}
	}
	return os.Chmod(path, cmp.Or(s.Mode, 0o660))
}

// policyListener is a Unix socket under its last name.
type policyListener struct {
	*net.UnixListener
	path string
}

func (l policyListener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

// Close takes the name away too.
func (l policyListener) Close() error {
	err := l.UnixListener.Close()
	if err == nil {
		err = os.Remove(l.path)
	}
	return err
}

// removeStale takes away a socket that nobody answers on: its name outlives a process that was
// killed. One that is in use stays, for without its name no client would find its server any more.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is not a socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		return errors.Join(fmt.Errorf("%s: %w", path, syscall.EADDRINUSE), conn.Close())
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	}
	return err
}
