package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// The directory one is in decides for a daemon of one's own alone.
func TestOwnDaemon(t *testing.T) {
	dir, err := os.MkdirTemp("", "blctl") // a path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "control.sock")
	if ownDaemon(socket, os.Getuid()) {
		t.Error("there is no socket")
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if !ownDaemon(socket, os.Getuid()) {
		t.Error("a daemon of one's own is not found")
	}
	if ownDaemon(socket, os.Getuid()+1) {
		t.Error("somebody else's directory decides")
	}
	link := dir + "-link"
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(link) })
	if !ownDaemon(filepath.Join(link, "control.sock"), os.Getuid()) {
		t.Error("one's own link to one's own directory is not followed")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if ownDaemon(socket, os.Getuid()) {
		t.Error("a socket that was left behind answers")
	}
}

// Without a daemon of one's own the system's is asked, whatever lies about.
func TestSocketThatIsAsked(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("var", 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", developmentSocket)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	p := &program{getenv: func(string) string { return "" }}
	if got := p.socket(""); got != developmentSocket {
		t.Errorf("%s is asked", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := p.socket(""); got != systemSocket {
		t.Errorf("beside a socket that was left behind %s is asked", got)
	}
	p.getenv = func(string) string { return "/e" }
	if p.socket("") != "/e" || p.socket("/f") != "/f" {
		t.Error("what was said is not what is asked")
	}
}
