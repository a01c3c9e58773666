package main

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Where the control socket is when nobody says.
const (
	developmentSocket = "./var/control.sock"
	systemSocket      = "/run/dnsbld/control.sock"
)

// socket is the path of the control socket. The directory one happens to be in
// decides only for a daemon of one's own: anybody can make a ./var in /tmp, and
// listen there for the commands of an operator.
func (p *program) socket(given string) string {
	if given == "" {
		given = p.getenv("BLCTL_SOCKET")
	}
	switch {
	case given != "":
		return given
	case ownDaemon(developmentSocket, os.Getuid()):
		return developmentSocket
	}
	return systemSocket
}

// ownDaemon reports whether a process of a user answers on a socket, in a
// directory of that user. A socket that a daemon left behind is none.
func ownDaemon(socket string, uid int) bool {
	if !belongs(filepath.Dir(socket), uid) {
		return false
	}
	const patience = time.Second // a daemon that listens accepts at once
	conn, err := net.DialTimeout("unix", socket, patience)
	if err != nil {
		return false
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return false
	}
	own := false
	err = raw.Control(func(fd uintptr) {
		peer, err := peerUser(int(fd))
		own = err == nil && peer == uid
	})
	return err == nil && own
}

// belongs reports whether a directory is a user's. Of a link both the link and
// what it leads to must be: somebody else could turn either.
func belongs(dir string, uid int) bool {
	for _, stat := range []func(string) (os.FileInfo, error){os.Lstat, os.Stat} {
		info, err := stat(dir)
		if err != nil {
			return false
		}
		if s, ok := info.Sys().(*syscall.Stat_t); !ok || int(s.Uid) != uid {
			return false
		}
	}
	return true
}
