package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
	"dnsbld/scripts/dev/freeport"
)

// TestMain lets the test binary be the daemon.
func TestMain(m *testing.M) {
	if os.Getenv("DNSBLD_TEST_DAEMON") != "" {
		main()
	}
	os.Exit(m.Run())
}

// process is a daemon of its own, with what it wrote.
type process struct {
	*exec.Cmd
	dir, dns, socket string
	mu               sync.Mutex
	log              bytes.Buffer
	ended            chan error
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// eventually waits until a condition holds, for a minute.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited in vain: %s", what)
}

// startDaemon runs dnsbld in a directory and waits until it is ready.
func startDaemon(t *testing.T, dir string, prepare func(*exec.Cmd), args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{dir: dir, dns: freeport.Address(t), socket: filepath.Join(dir, "c.sock"), ended: make(chan error, 1)}
	p.Cmd = exec.Command(self, append([]string{"serve"}, args...)...)
	p.Dir, p.Stdout, p.Stderr = dir, p, p
	p.Env = append(os.Environ(), "DNSBLD_TEST_DAEMON=1")
	if prepare != nil {
		prepare(p.Cmd)
	} else {
		p.Args = append(p.Args, "--listen", p.dns, "--socket", p.socket)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.Wait() }()
	t.Cleanup(func() { _ = p.Process.Kill() })
	eventually(t, "ready", func() bool { return strings.Contains(p.said(), "msg=ready\n") })
	return p
}

// stop ends the daemon as systemd does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("SIGTERM: %v\n%s", err, p.said())
		}
	case <-time.After(time.Minute):
		t.Errorf("SIGTERM: it goes on\n%s", p.said())
	}
}

// exchange asks once over UDP, and waits for the answer.
func exchange(server, name string, qtype dnsmessage.Type, wait time.Duration) (reply dnsmessage.Message, err error) {
	query := dnsmessage.Message{Header: dnsmessage.Header{ID: 7},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: qtype, Class: dnsmessage.ClassINET}}}
	packed, err := query.Pack()
	if err != nil {
		return reply, err
	}
	conn, err := net.Dial("udp", server)
	if err != nil {
		return reply, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(wait))
	buf := make([]byte, 1500)
	if _, err := conn.Write(packed); err != nil {
		return reply, err
	}
	n, err := conn.Read(buf)
	if err != nil {
		return reply, err
	}
	return reply, reply.Unpack(buf[:n])
}

// ask asks once, or until there is somebody to answer, and gives the rcode, the
// records and the serial of the SOA record, if there is one.
func ask(t *testing.T, server, name string, qtype dnsmessage.Type) (rcode dnsmessage.RCode, answers []dnsmessage.Resource, serial uint32) {
	t.Helper()
	var reply dnsmessage.Message
	eventually(t, "an answer", func() (answered bool) {
		var err error
		reply, err = exchange(server, name, qtype, time.Minute)
		return err == nil
	})
	for _, r := range append(reply.Authorities, reply.Answers...) {
		if soa, ok := r.Body.(*dnsmessage.SOAResource); ok {
			serial = soa.Serial
		}
	}
	return reply.RCode, reply.Answers, serial
}

func writeConfig(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "dnsbld.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// oneZone has a name server whose port says at once that nobody is there.
const oneZone = "data = \"data\"\n[[zone]]\nname = \"bl.test\"\nns = [\"ns1.bl.test 127.0.0.1\"]\nttl = %d\n"

func TestReload(t *testing.T) {
	dir := t.TempDir()
	writeConfig(t, dir, fmt.Sprintf(oneZone, 300))
	p := startDaemon(t, dir, nil, "--config", "dnsbld.toml")
	ttl := func() uint32 {
		_, answers, _ := ask(t, p.dns, "2.0.0.127.bl.test.", dnsmessage.TypeA)
		if len(answers) != 1 {
			t.Fatalf("the test point answers %v", answers)
		}
		return answers[0].Header.TTL
	}
	_, _, before := ask(t, p.dns, "bl.test.", dnsmessage.TypeSOA)
	if ttl() != 300 || before == 0 {
		t.Fatalf("TTL %d, serial %d", ttl(), before)
	}

	writeConfig(t, dir, "nonsense = 1\n")
	_ = p.Process.Signal(syscall.SIGHUP)
	eventually(t, "the bad file is refused", func() bool { return strings.Contains(p.said(), "not used") })
	client := ctl.NewClient(p.socket)
	reloaded := func() (ctl.Reload, string) {
		status, err := client.Status(t.Context())
		if err != nil || status.Reload == nil {
			t.Fatalf("%+v, %v", status, err)
		}
		checks, err := client.Selfcheck(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := slices.IndexFunc(checks, func(c report.Check) bool { return c.Name == "configuration" })
		return *status.Reload, string(checks[n].Grade) + " " + checks[n].Text
	}
	eventually(t, "the failure shows", func() bool { last, _ := reloaded(); return !last.OK })
	if last, check := reloaded(); !strings.Contains(last.Error, "there is no key nonsense") || last.At.IsZero() ||
		!strings.HasPrefix(check, "WARN ") || !strings.Contains(check, "there is no key nonsense") {
		t.Errorf("a failed reload is not seen: %+v, %s", last, check)
	}
	if _, _, serial := ask(t, p.dns, "bl.test.", dnsmessage.TypeSOA); ttl() != 300 || serial != before {
		t.Errorf("a bad file changed something: TTL %d, serial %d", ttl(), serial)
	}

	writeConfig(t, dir, fmt.Sprintf(oneZone, 60)+"[[zone]]\nname = \"second.test\"\nns = [\"ns1.bl.test\"]\n")
	_ = p.Process.Signal(syscall.SIGHUP)
	eventually(t, "the good file is used", func() bool { return ttl() == 60 })
	eventually(t, "a higher serial", func() bool {
		_, _, serial := ask(t, p.dns, "bl.test.", dnsmessage.TypeSOA)
		return int32(serial-before) > 0
	})
	if rcode, _, _ := ask(t, p.dns, "2.0.0.127.second.test.", dnsmessage.TypeA); rcode != dnsmessage.RCodeSuccess {
		t.Errorf("the new zone answers %v", rcode)
	}
	eventually(t, "it shows that the file is used", func() bool { last, _ := reloaded(); return last.OK })
	if last, check := reloaded(); last.Error != "" || !strings.HasPrefix(check, "PASS ") {
		t.Errorf("%+v, %s", last, check)
	}
	if status, err := client.Status(t.Context()); err != nil || status.Backup != nil || len(status.Listeners["dns"]) != 1 || status.Parts["desk"] != "ok" ||
		status.Parts["policy"] != "off: sensor.policy is not set" || status.Role != "operator" {
		t.Errorf("%+v, %v", status, err)
	}
	if _, err := client.Backup(t.Context(), ctl.None{}, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"msg=serving version=\"development ", "dns=" + p.dns, "hosts=0", "control=" + p.socket} {
		if !strings.Contains(p.said(), want) {
			t.Errorf("the log does not say %s:\n%s", want, p.said())
		}
	}
	p.stop(t)

	again := startDaemon(t, dir, nil, "--config", "dnsbld.toml")
	if status, err := ctl.NewClient(again.socket).Status(t.Context()); err != nil || status.Backup == nil || time.Since(status.Backup.At) > time.Hour {
		t.Errorf("the backup is forgotten: %+v, %v", status.Backup, err)
	}
	_, _, first := ask(t, again.dns, "bl.test.", dnsmessage.TypeSOA)
	again.stop(t)
	if third := startDaemon(t, dir, nil, "--config", "dnsbld.toml"); true {
		if _, _, serial := ask(t, third.dns, "bl.test.", dnsmessage.TypeSOA); serial != first {
			t.Errorf("a restart without a change made serial %d of %d", serial, first)
		}
		third.stop(t)
	}
}

// Entries in hand when the daemon is told to end are finished, and what was
// acknowledged is there after the next start.
func TestDrain(t *testing.T) {
	dir := t.TempDir()
	p := startDaemon(t, dir, nil, "--data", "data")
	client := ctl.NewClient(p.socket)
	acknowledged := make(chan listing.Subject, 1000)
	var adders sync.WaitGroup
	for w := range 4 {
		adders.Go(func() {
			for n := range 250 {
				s, err := listing.ParseSubject(fmt.Sprintf("203.0.%d.%d", 113+w, n))
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := client.Add(context.Background(), listing.Add{Subject: s, Reason: "helo-bare-ip"}); err != nil {
					return
				}
				acknowledged <- s
			}
		})
	}
	eventually(t, "some adds", func() bool { return len(acknowledged) > 20 })
	p.stop(t)
	adders.Wait()
	close(acknowledged)
	again := startDaemon(t, dir, nil, "--data", "data")
	for s := range acknowledged {
		b := s.Addr().As4()
		name := fmt.Sprintf("%d.%d.%d.%d.bl.test.", b[3], b[2], b[1], b[0])
		if rcode, answers, _ := ask(t, again.dns, name, dnsmessage.TypeA); rcode != dnsmessage.RCodeSuccess || len(answers) != 1 {
			t.Fatalf("%s was acknowledged and answers %v", s, rcode)
		}
	}
	again.stop(t)
}

// pass passes sockets to a daemon as systemd does.
func pass(t *testing.T, c *exec.Cmd, all ...interface{ File() (*os.File, error) }) {
	t.Helper()
	for _, s := range all {
		f, err := s.File()
		if err != nil {
			t.Fatal(err)
		}
		c.ExtraFiles = append(c.ExtraFiles, f)
	}
	c.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, c.Path}, c.Args[1:]...)
	c.Path = "/bin/sh"
	c.Env = append(c.Env, fmt.Sprintf("LISTEN_FDS=%d", len(all)))
}

// systemd passes sockets and is told when the list is answered.
func TestSystemd(t *testing.T) {
	dir := t.TempDir()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	stream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packet, err := net.ListenPacket("udp", stream.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	control, err := net.Listen("unix", filepath.Join(dir, "passed.sock"))
	if err != nil {
		t.Fatal(err)
	}
	p := startDaemon(t, dir, func(c *exec.Cmd) {
		pass(t, c, stream.(*net.TCPListener), packet.(*net.UDPConn), control.(*net.UnixListener))
		c.Env = append(c.Env, "NOTIFY_SOCKET="+notify.LocalAddr().String())
	}, "--data", "data")
	told := make([]byte, 100)
	_ = notify.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := notify.Read(told); err != nil || string(told[:n]) != "READY=1" {
		t.Errorf("systemd was told %q, %v", told[:n], err)
	}
	if n, err := notify.Read(told); err != nil || string(told[:n]) != "STATUS=serving 1 zone" {
		t.Errorf("systemd was told %q, %v", told[:n], err)
	}
	if rcode, _, _ := ask(t, stream.Addr().String(), "2.0.0.127.bl.test.", dnsmessage.TypeA); rcode != dnsmessage.RCodeSuccess {
		t.Errorf("on the passed socket: %v", rcode)
	}
	if _, err := ctl.NewClient(filepath.Join(dir, "passed.sock")).Status(t.Context()); err != nil {
		t.Errorf("on the passed control socket: %v", err)
	}
	p.stop(t)
}

// Names of numbers in JSON are promises, so none is a name of the code's.
func TestNamesOfNumbers(t *testing.T) {
	p := startDaemon(t, t.TempDir(), nil, "--data", "data")
	client := ctl.NewClient(p.socket)
	stats, err := client.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	status, err := client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal([]any{stats, status})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"([^"]*)":`).FindAllSubmatch(raw, -1) {
		if name := string(m[1]); strings.ToLower(name) != name {
			t.Errorf("%q has a capital", name)
		}
	}
	for _, name := range []string{`"dns":{`, `"udp":{`, `"nxdomain":0`, `"turned_away":0`, `"sensor":{`, `"service":{"broken":0`} {
		if !bytes.Contains(raw, []byte(name)) {
			t.Errorf("there is no %s in %s", name, raw)
		}
	}
	p.stop(t)
}

// An entry ends in its second, and the clock of a test can be shifted.
func TestClockOffset(t *testing.T) {
	dir := t.TempDir()
	p := startDaemon(t, dir, nil, "--data", "data", "--clock-offset", "-1h")
	client := ctl.NewClient(p.socket)
	s, err := listing.ParseSubject("192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Add(t.Context(), listing.Add{Subject: s, Reason: "helo-bare-ip", For: listing.Life(30 * time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if rcode, _, _ := ask(t, p.dns, "7.2.0.192.bl.test.", dnsmessage.TypeA); rcode != dnsmessage.RCodeSuccess {
		t.Errorf("listed, it answers %v", rcode)
	}
	p.stop(t)
	p = startDaemon(t, dir, nil, "--data", "data")
	if rcode, _, _ := ask(t, p.dns, "7.2.0.192.bl.test.", dnsmessage.TypeA); rcode != dnsmessage.RCodeNameError {
		t.Errorf("half an hour after its end it answers %v", rcode)
	}
	p.stop(t)
}

// Whatever became of the files beside the list, DNS is served: what they held
// starts again, the file is set aside, and the log says so. Only the list itself
// must be whole.
func TestDamagedFilesDoNotStopDNS(t *testing.T) {
	dir := shortDir(t)
	first := startDaemon(t, dir, nil)
	_, _, served := ask(t, first.dns, "bl.test.", dnsmessage.TypeSOA)
	first.stop(t)
	data := filepath.Join(dir, "var")
	helpers := []string{"people.db", "sightings.db", "desk.key", "listings.db.served"}
	for _, name := range helpers {
		if err := os.WriteFile(filepath.Join(data, name), bytes.Repeat([]byte{0xa5}, 1<<15), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	second := startDaemon(t, dir, nil)
	if rcode, _, serial := ask(t, second.dns, "bl.test.", dnsmessage.TypeSOA); rcode != dnsmessage.RCodeSuccess || serial < served+afterDamage {
		t.Errorf("%v, serial %d after %d\n%s", rcode, serial, served, second.said())
	}
	for _, name := range helpers {
		if _, err := os.Stat(filepath.Join(data, name+".damaged")); err != nil {
			t.Errorf("%v\n%s", err, second.said())
		}
	}
	second.stop(t)
	if err := os.Truncate(filepath.Join(data, "listings.db"), 0); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // should it serve after all
	defer cancel()
	lost := exec.CommandContext(ctx, os.Args[0], "serve", "--listen", second.dns, "--socket", second.socket)
	lost.Dir, lost.Env = dir, append(os.Environ(), "DNSBLD_TEST_DAEMON=1")
	if out, err := lost.CombinedOutput(); err == nil || !strings.Contains(string(out), "the list is gone") {
		t.Errorf("an empty list is served: %v\n%s", err, out)
	}
}
