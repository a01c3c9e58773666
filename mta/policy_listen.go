package mta

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
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

// Listen binds a socket of the policy service. Whoever may enter the directory of a Unix socket may speak to it: Postfix, which has
// a user of its own, must.
func (a PolicyAddress) Listen(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	if a.Network != "unix" {
		return config.Listen(ctx, a.Network, a.Address)
	}
	if err := removeStale(a.Address); err != nil {
		return nil, err
	}
	l, err := config.Listen(ctx, "unix", a.Address)
	if err != nil {
		return nil, err
	}
	const everybody = 0o666
	if err := os.Chmod(a.Address, everybody); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// removeStale takes away a socket that nobody answers on.
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
