package server

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dnsbld/listing"
)

func TestListenMakesAPrivateSocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	path := filepath.Join(dir, "control.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("the directory: %v, %v", info.Mode(), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if l.Addr().String() != path {
		t.Errorf("it says it is at %s", l.Addr())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after closing: %v", err)
	}
}

func TestListenRefusesWhatIsInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Listen(path)
	if !errors.Is(err, listing.ErrConflict) {
		t.Errorf("beside a daemon: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Listen(path)
	isKind(t, err, listing.ErrConflict, "not-a-socket")
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "mine" {
		t.Errorf("the file: %q, %v", raw, err)
	}
	_, err = Listen(filepath.Join(t.TempDir(), strings.Repeat("x", 100)))
	isKind(t, err, listing.ErrInvalid, "long-path")
}

// A daemon that was killed leaves its socket; the next one takes the name.
func TestListenReplacesAStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
	first, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if c, err := net.Dial("unix", path); err != nil {
		t.Error(err)
	} else if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// A socket that another has taken over is left to it.
func TestCloseLeavesAnothersSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the second one's socket is gone: %v", err)
	}
}

func TestCallers(t *testing.T) {
	if c, err := callerByUID(0); err != nil || c.Name != "root" {
		t.Errorf("uid 0: %+v, %v", c, err)
	}
	for _, uid := range []uint32{4_242_424_242, overflowUID()} {
		if c, err := callerByUID(uid); !errors.Is(err, listing.ErrPolicy) {
			t.Errorf("uid %d: %+v, %v", uid, c, err)
		}
	}
	one, two := net.Pipe()
	defer one.Close()
	defer two.Close()
	if _, err := peer(one); !errors.Is(err, listing.ErrPolicy) {
		t.Errorf("no Unix socket: %v", err)
	}
}
