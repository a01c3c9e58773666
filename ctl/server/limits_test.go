package server

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"dnsbld/connlimit"
	"dnsbld/ctl"
	"dnsbld/listing"

	"golang.org/x/sys/unix"
)

// fill opens connections that say nothing, and tells how many are open after that.
func fill(t *testing.T, path string, connections int) (open int) {
	t.Helper()
	var all []net.Conn
	for range connections {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		all = append(all, c)
	}
	if status, body := post(t, path, "GET", "/v1/nonsense", ""); status != 400 && status != 403 { // all others have come before it
		t.Fatalf("%d %s", status, body)
	}
	for _, c := range all {
		raw, err := c.(*net.UnixConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		err = raw.Read(func(fd uintptr) bool {
			if _, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_DONTWAIT); err == unix.EAGAIN {
				open++
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return open
}

// A client that many share at once keeps to its connections, so that the daemon ends
// none of them to make room.
func TestManyShareAClient(t *testing.T) {
	h := newHouse(t)
	client := ctl.NewClient(h.serve(t))
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			for range 10 {
				if _, err := client.Reasons(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if s := h.server.gate.Stats(); s.Ended+s.Refused > 0 {
		t.Errorf("%+v", s)
	}
}

// No user takes all connections of the control socket, and whoever has no role
// takes few.
func TestConnectionsOfUsers(t *testing.T) {
	if path := os.Getenv(roleSocket); path != "" {
		fmt.Printf("%d are open\n", fill(t, path, 2*strangersMost))
		return
	}
	h := newHouse(t, withRoles, func(c *Config) {
		c.Connections = func() connlimit.Limits { return connlimit.Limits{All: 100, PerClient: 3} }
	})
	path := h.serve(t)
	most := 3
	if os.Geteuid() != 0 {
		most = strangersMost // a user whom the tests' roles do not know
	}
	if open := fill(t, path, 2*strangersMost); open != most-1 { // one made room for the request
		t.Errorf("%d are open", open)
	}
	if os.Geteuid() != 0 {
		return
	}
	asDaemon := another(t, path)
	if out, err := asDaemon(4000, nil); err != nil || !strings.Contains(out, fmt.Sprintf("%d are open\n", strangersMost-1)) {
		t.Errorf("without a role: %v\n%s", err, out)
	}
	if out, err := asDaemon(readers, nil); err != nil || !strings.Contains(out, "2 are open\n") {
		t.Errorf("a reader: %v\n%s", err, out)
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if got := h.server.user(a, connlimit.Limits{PerClient: 3}); got != (connlimit.Client{Key: listing.Nobody, Most: strangersMost, Life: strangersLife}) {
		t.Errorf("of nobody: %+v", got)
	}
}
