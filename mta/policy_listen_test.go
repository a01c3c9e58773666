package mta

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"dnsbld/unixsocket"
)

// The mode and the group of the socket say who may report, and another
// server's socket stays.
func TestPolicySocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "p") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	own, err := user.LookupGroupId(strconv.Itoa(os.Getgid()))
	if err != nil {
		t.Fatal(err)
	}
	address := PolicyAddress{"unix", filepath.Join(dir, "policy")}
	for _, c := range []struct {
		socket unixsocket.Access
		mode   fs.FileMode
	}{{unixsocket.Access{}, 0o660}, {unixsocket.Access{Mode: 0o600}, 0o600}, {unixsocket.Access{Mode: 0o666, Group: own.Name}, 0o666}} {
		l, err := address.Listen(t.Context(), c.socket)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(address.Address)
		if err != nil || info.Mode().Perm() != c.mode || l.Addr().String() != address.Address {
			t.Errorf("%v, %v, %v; want %v", info, l.Addr(), err, c.mode)
		}
		conn, err := net.Dial("unix", address.Address)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if _, err := address.Listen(t.Context(), c.socket); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a second server: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
	if _, err := address.Listen(t.Context(), unixsocket.Access{Group: "no such group"}); err == nil {
		t.Error("a group that there is not was taken")
	}
}
