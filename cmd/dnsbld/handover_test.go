package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/scripts/dev/freeport"
)

// asking asks for the test point all the time, and counts what is not answered as
// listed.
func asking(t *testing.T, server string) (stop func() (asked, wrong int64)) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	var asked, wrong atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			reply, err := exchange(server, "2.0.0.127.bl.test.", dnsmessage.TypeA, time.Minute)
			asked.Add(1)
			if err != nil || reply.RCode != dnsmessage.RCodeSuccess || len(reply.Answers) == 0 {
				wrong.Add(1)
			}
		}
	}()
	return func() (int64, int64) {
		eventually(t, "many queries", func() bool { return asked.Load() >= 20 })
		end()
		<-done
		return asked.Load(), wrong.Load()
	}
}

// successorOf is the process that a daemon handed over to.
func successorOf(t *testing.T, p *process) *os.Process {
	t.Helper()
	var pid int
	eventually(t, "a successor that is ready", func() bool {
		m := regexp.MustCompile(`a successor is started" pid=(\d+)`).FindStringSubmatch(p.said())
		if m == nil || strings.Count(p.said(), "msg=ready") < 2 {
			return false
		}
		pid, _ = strconv.Atoi(m[1])
		return true
	})
	successor, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = successor.Kill() })
	return successor
}

// At SIGUSR2 a successor takes over: no query is lost, none gets SERVFAIL, and
// what was listed before and after is listed.
func TestHandOver(t *testing.T) {
	dir := shortDir(t)
	p := startDaemon(t, dir, nil, "--data", "data", "--policy", "unix:"+filepath.Join(dir, "p"))
	client := ctl.NewClient(p.socket)
	add := func(host string) {
		t.Helper()
		s, err := listing.ParseSubject(host)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Add(t.Context(), listing.Add{Subject: s, Reason: "helo-bare-ip"}); err != nil {
			t.Fatal(err)
		}
	}
	add("192.0.2.7")
	stop := asking(t, p.dns)
	if err := p.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	successor := successorOf(t, p)
	eventually(t, "the end of the predecessor", func() bool { return p.Process.Signal(syscall.Signal(0)) != nil })
	add("192.0.2.8")
	if asked, wrong := stop(); wrong > 0 {
		t.Errorf("of %d queries %d were lost or refused\n%s", asked, wrong, p.said())
	}
	for _, name := range []string{"7.2.0.192.bl.test.", "8.2.0.192.bl.test."} {
		if rcode, _, _ := ask(t, p.dns, name, dnsmessage.TypeA); rcode != dnsmessage.RCodeSuccess {
			t.Errorf("%s: %v", name, rcode)
		}
	}
	if err := successor.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-p.ended; err != nil { // it waits for the log, which both write
		t.Errorf("%v\n%s", err, p.said())
	}
	for _, name := range []string{p.socket, filepath.Join(dir, "p")} {
		if _, err := os.Lstat(name); err == nil {
			t.Errorf("it has ended, and %s is there", name)
		}
	}
}

// How often listings were asked for is known to a successor, and after a restart.
func TestHitsStay(t *testing.T) {
	dir := shortDir(t)
	p := startDaemon(t, dir, nil, "--data", "data")
	client := ctl.NewClient(p.socket)
	s, err := listing.ParseSubject("192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Add(t.Context(), listing.Add{Subject: s, Reason: "helo-bare-ip"}); err != nil {
		t.Fatal(err)
	}
	asked := func(at string, times int, want uint64) {
		t.Helper()
		for range times {
			ask(t, at, "7.2.0.192.bl.test.", dnsmessage.TypeA)
		}
		shown, err := client.Show(t.Context(), s)
		if err != nil || len(shown.Entries) != 1 || shown.Entries[0].Hits == nil {
			t.Fatal(shown, err)
		}
		if got := *shown.Entries[0].Hits; got != want || time.Since(shown.Entries[0].LastHit) > time.Hour {
			t.Errorf("%d queries, not %d; the last at %s", got, want, shown.Entries[0].LastHit)
		}
	}
	asked(p.dns, 3, 3)
	if err := p.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	successor := successorOf(t, p)
	eventually(t, "the end of the predecessor", func() bool { return p.Process.Signal(syscall.Signal(0)) != nil })
	asked(p.dns, 2, 5)
	if err := successor.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-p.ended; err != nil {
		t.Fatalf("%v\n%s", err, p.said())
	}
	again := startDaemon(t, dir, nil, "--data", "data")
	asked(again.dns, 1, 6)
	again.stop(t)
	if err := os.WriteFile(filepath.Join(dir, "data", hitsFile), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	last := startDaemon(t, dir, nil, "--data", "data")
	asked(last.dns, 1, 1)
	if !strings.Contains(last.said(), "counting begins again") {
		t.Errorf("it does not say that the counts are lost\n%s", last.said())
	}
	last.stop(t)
}

// A successor that fails leaves the predecessor in charge, of the list too.
func TestHandOverFails(t *testing.T) {
	dir := shortDir(t)
	const text = "data = \"data\"\nsocket = \"c.sock\"\n[listen]\ndns = [%q]\nweb = \"\"\n%s[[zone]]\nname = \"bl.test\"\nns = [\"ns1.bl.test 192.0.2.53\"]\n"
	address := freeport.Address(t)
	writeConfig(t, dir, fmt.Sprintf(text, address, ""))
	p := startDaemon(t, dir, func(c *exec.Cmd) { c.Args = append(c.Args, "--config", "dnsbld.toml") })
	stop := asking(t, address)
	writeConfig(t, dir, fmt.Sprintf(text, address, "nonsense = true\n"))
	if err := p.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the predecessor goes on", func() bool {
		return strings.Contains(p.said(), "the successor failed") && strings.Count(p.said(), "msg=ready") == 2
	})
	if _, err := ctl.NewClient(filepath.Join(dir, "c.sock")).Status(t.Context()); err != nil {
		t.Error(err)
	}
	for _, fd := range descriptors(t, p.Process.Pid, "tcp", address) {
		if flagsOf(t, p.Process.Pid, fd)&syscall.O_NONBLOCK == 0 {
			t.Errorf("socket %s blocks since it was handed over", fd)
		}
	}
	if asked, wrong := stop(); wrong > 0 {
		t.Errorf("of %d queries %d were lost or refused\n%s", asked, wrong, p.said())
	}
	p.stop(t)
}

// A restart under socket activation loses no query: while nobody reads, they wait
// in the sockets, and the new process reads them when it has the list.
func TestRestartWithPassedSockets(t *testing.T) {
	dir := shortDir(t)
	packet, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packet.Close()
	prepare := func(c *exec.Cmd) {
		pass(t, c, packet.(*net.UDPConn))
		c.Args = append(c.Args, "--socket", filepath.Join(dir, "c.sock"))
	}
	p := startDaemon(t, dir, prepare, "--data", "data")
	stop := asking(t, packet.LocalAddr().String())
	for range 3 {
		p.stop(t)
		p = startDaemon(t, dir, prepare, "--data", "data")
	}
	if asked, wrong := stop(); wrong > 0 {
		t.Errorf("of %d queries %d were lost or refused\n%s", asked, wrong, p.said())
	}
	p.stop(t)
}
