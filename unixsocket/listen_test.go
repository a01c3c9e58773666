package unixsocket

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
)

func TestListenMakesAPrivateSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "control.sock")
	l, err := Listen(path, Access{})
	if err != nil {
		t.Fatal(err)
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
	l, err := Listen(path, Access{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Listen(path, Access{})
	if !errors.Is(err, listing.ErrConflict) {
		t.Errorf("beside a daemon: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Listen(path, Access{})
	refused(t, err, listing.ErrConflict, "not-a-socket")
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "mine" {
		t.Errorf("the file: %q, %v", raw, err)
	}
	_, err = Listen(filepath.Join(t.TempDir(), strings.Repeat("x", 100)), Access{})
	refused(t, err, listing.ErrInvalid, "long-path")
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
	first, err := Listen(path, Access{})
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
	first, err := Listen(path, Access{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second, err := Listen(path, Access{})
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

func refused(t *testing.T, err, kind error, code string) {
	t.Helper()
	e, ok := errors.AsType[*listing.Error](err)
	if !ok || !errors.Is(err, kind) || e.Code != code || e.Hint == "" {
		t.Errorf("%v; want %s", err, code)
	}
}

// Listen removes the directory of a process that was killed while it bound a socket, and
// leaves those of others, and of processes that bind one now.
func TestListenRemovesLeftovers(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	var all []string
	mkdir := func(name, in string, at time.Time) {
		private := filepath.Join(dir, name)
		err := os.Mkdir(private, 0o700)
		if in == inPrivate {
			var l *net.UnixListener
			l, err = net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(private, in), Net: "unix"})
			if err == nil {
				l.SetUnlinkOnClose(false)
				err = l.Close()
			}
		} else if in != "" {
			err = os.WriteFile(filepath.Join(private, in), nil, 0o600)
		}
		if err := errors.Join(err, os.Chtimes(private, at, at)); err != nil {
			t.Fatal(err)
		}
		all = append(all, private)
	}
	mkdir(".1234567890", inPrivate, old)
	mkdir(".42", "", old)
	mkdir(".7", "mine", old)
	mkdir(".8", inPrivate, time.Now())
	mkdir(".ssh", "", old)
	mkdir(".9", "", old)
	if os.Geteuid() == 0 { // else who owns it cannot be changed
		if err := os.Chown(all[len(all)-1], 12345, -1); err != nil {
			t.Fatal(err)
		}
	} else if err := os.WriteFile(filepath.Join(all[len(all)-1], "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(filepath.Join(dir, "control.sock"), Access{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for n, private := range all {
		if _, err := os.Stat(private); (n < 2) != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", private, err)
		}
	}
}
