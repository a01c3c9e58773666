//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"dnsbld/scripts/dev/freeport"
)

// built is the folder of the real programs, which are built once for all tests.
var built string

func TestMain(m *testing.M) {
	status := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(status)
}

// programs is the folder that the real programs are in.
func programs(t *testing.T) string {
	t.Helper()
	if built != "" {
		return built
	}
	bin, err := os.MkdirTemp("", "e2e-bin-")
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-o", bin+"/", "dnsbld/cmd/...", "dnsbld/scripts/dev/e2e/...", "dnsbld/scripts/dev/faultfs")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	built = bin
	return bin
}

// daemon is a dnsbld that is started again and again on one list.
type daemon struct {
	bin, dir, dns string
	under         []string // a command that runs it, with the rest of its line behind
	flags, env    []string // more of them
	cmd           *exec.Cmd
	seen          atomic.Uint32 // the highest serial
	watching      sync.WaitGroup
	end           chan struct{}
	mu            sync.Mutex // guards log
	log           bytes.Buffer
}

func (d *daemon) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.Write(b)
}

func (d *daemon) said() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// await looks until something holds, for three minutes.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// start starts dnsbld, waits until it answers, and watches its serial.
func (d *daemon) start(t *testing.T) {
	t.Helper()
	if d.dns == "" {
		d.dns = freeport.Address(t)
	}
	d.mu.Lock()
	d.log.Reset()
	d.mu.Unlock()
	line := slices.Concat(d.under, []string{filepath.Join(d.bin, "dnsbld"), "serve", "--data", "data", "--zone", "bl.test", "--socket", d.socket(), "--listen", d.dns}, d.flags)
	d.cmd = exec.Command(line[0], line[1:]...)
	d.cmd.Dir, d.cmd.Stdout, d.cmd.Stderr, d.cmd.Env = d.dir, d, d, append(os.Environ(), d.env...)
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	process := d.cmd
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait() // the test may have waited
		if t.Failed() {
			said := d.said()
			t.Logf("dnsbld %d ended, %v, and said\n%s", process.Process.Pid, process.ProcessState, said[max(0, len(said)-8<<10):])
		}
	})
	await(t, "ready", func() bool { return strings.Contains(d.said(), "msg=ready\n") })
	d.end = make(chan struct{})
	d.watching.Go(func() {
		for {
			select {
			case <-d.end:
				return
			case <-time.After(20 * time.Millisecond):
				if soa, err := d.askOnce("bl.test.", dns.TypeSOA); err == nil && len(soa.Answer) == 1 {
					d.seen.Store(max(d.seen.Load(), soa.Answer[0].(*dns.SOA).Serial))
				}
			}
		}
	})
}

// kill ends dnsbld as want of memory does.
func (d *daemon) kill(t *testing.T) {
	t.Helper()
	d.stop(t, os.Kill)
}

// stop ends dnsbld by a signal.
func (d *daemon) stop(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := d.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	_ = d.cmd.Wait() // how it ends is no matter here
	close(d.end)
	d.watching.Wait()
}

// ask asks as resolvers do: again, when nothing comes back. A flood takes datagrams away.
func (d *daemon) ask(name string, qtype uint16) (a *dns.Msg, err error) {
	for range 30 {
		var late net.Error
		if a, err = d.askOnce(name, qtype); !errors.As(err, &late) || !late.Timeout() {
			return a, err
		}
	}
	return a, err
}

func (d *daemon) askOnce(name string, qtype uint16) (*dns.Msg, error) {
	query := new(dns.Msg).SetQuestion(name, qtype)
	resp, _, err := (&dns.Client{Timeout: 2 * time.Second}).Exchange(query, d.dns)
	return resp, err
}

// listed is what DNS says of an IPv4 address.
func (d *daemon) listed(t *testing.T, host string) bool {
	t.Helper()
	octets := strings.Split(host, ".")
	slices.Reverse(octets)
	resp, err := d.ask(strings.Join(octets, ".")+".bl.test.", dns.TypeA)
	if err != nil || resp.Rcode != dns.RcodeSuccess && resp.Rcode != dns.RcodeNameError {
		t.Fatalf("%s: %v, %v", host, resp, err)
	}
	return len(resp.Answer) > 0
}

func (d *daemon) serial(t *testing.T) uint32 {
	t.Helper()
	resp, err := d.ask("bl.test.", dns.TypeSOA)
	if err != nil || len(resp.Answer) != 1 {
		t.Fatalf("%v, %v", resp, err)
	}
	return resp.Answer[0].(*dns.SOA).Serial
}
