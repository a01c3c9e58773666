package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The workers of DNS wait in the kernel. Were a socket of theirs not to block, they
// would ask it again and again, and an idle daemon would take a processor. Those who
// accept connections wait in the runtime: were a socket of theirs to block, they
// could not be ended. Copies share that, so that it is looked at after each start.
func TestSocketsBlock(t *testing.T) {
	dir := shortDir(t)
	p := startDaemon(t, dir, nil, "--data", "data")
	check := func(pid int) {
		t.Helper()
		for _, fd := range descriptors(t, pid, "tcp", p.dns) {
			if flags := flagsOf(t, pid, fd); flags&syscall.O_NONBLOCK == 0 {
				t.Errorf("socket %s of TCP blocks: flags %o", fd, flags)
			}
		}
		for _, fd := range descriptors(t, pid, "udp", p.dns) {
			// A worker that begins has it so for an instant, as net makes its copy.
			eventually(t, "socket "+fd+" blocks", func() bool { return flagsOf(t, pid, fd)&syscall.O_NONBLOCK == 0 })
			if watched(t, pid, fd) {
				t.Errorf("the runtime watches socket %s: it wakes a thread for every query", fd)
			}
		}
	}
	check(p.Process.Pid)
	if err := p.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	successor := successorOf(t, p)
	check(successor.Pid)
	if err := successor.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-p.ended; err != nil {
		t.Error(err)
	}
}

// descriptors are those of a process that are sockets at an address.
func descriptors(t *testing.T, pid int, network, address string) (fds []string) {
	t.Helper()
	table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, network))
	if err != nil {
		t.Fatal(err)
	}
	port := netip.MustParseAddrPort(address).Port()
	lines := regexp.MustCompile(fmt.Sprintf(`(?m)^ *\d+: [0-9A-F]{8}:%04X .*$`, port)).FindAllString(string(table), -1)
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		link, err := os.Readlink(file)
		inode, is := strings.CutPrefix(strings.TrimSuffix(link, "]"), "socket:[")
		if err != nil || !is {
			continue
		}
		for _, line := range lines {
			if strings.Contains(line, " "+inode+" ") {
				fds = append(fds, filepath.Base(file))
			}
		}
	}
	if len(fds) == 0 {
		t.Errorf("process %d has no socket of %s at %s", pid, network, address)
	}
	return fds
}

// watched reports whether a descriptor is in a set of epoll(7).
func watched(t *testing.T, pid int, fd string) bool {
	t.Helper()
	infos, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	in := regexp.MustCompile(`(?m)^tfd:\s+` + fd + `\s`)
	for _, info := range infos {
		if text, err := os.ReadFile(info); err == nil && in.Match(text) {
			return true
		}
	}
	return false
}

func flagsOf(t *testing.T, pid int, fd string) int64 {
	t.Helper()
	info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, fd))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^flags:\s+([0-7]+)$`).FindSubmatch(info)
	flags, err := strconv.ParseInt(string(m[1]), 8, 64)
	if err != nil {
		t.Fatal(err)
	}
	return flags
}
