//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dnsbld/ctl"
)

// A disk that begins to fail while the list is changed: DNS goes on as it was, what
// cannot be written ends with exit status 75, and after a restart of a disk that works
// again all that was acknowledged is there. The disk fails for good, until the restart,
// unless it says for how many operations; a failed sync leaves of what it was to write
// any part on the disk, and all of it in the cache of the kernel.
//
//	writers ── dnsbld ── faultfs: errors of the disk
func TestDiskFails(t *testing.T) {
	faults := []struct {
		name  string
		fault diskFault
		then  outcome
	}{
		{"a write", diskFault{Op: "write", File: "listings.db", Errno: syscall.EIO}, failed},
		{"one write", diskFault{Op: "write", File: "listings.db", Errno: syscall.EIO, Times: 1}, failed},
		{"a sync", diskFault{Op: "sync", File: "listings.db", Errno: syscall.EIO}, failed},
		{"one sync", diskFault{Op: "sync", File: "listings.db", Errno: syscall.EIO, Times: 1}, failed},
		{"a sync without room", diskFault{Op: "sync", File: "listings.db", Errno: syscall.ENOSPC, Times: 1}, failed},
		{"no room", diskFault{Op: "room", File: "listings.db", Errno: syscall.ENOSPC}, refused},
		{"no room anywhere", diskFault{Op: "room", Errno: syscall.ENOSPC}, refused},
		{"read-only", diskFault{Op: "change", Errno: syscall.EROFS}, failed},
		{"reading", diskFault{Op: "read", File: "listings.db", Errno: syscall.EIO}, either},
		{"reading behind the heads", diskFault{Op: "read", File: "listings.db", Errno: syscall.EIO, From: 1 << 14}, failed},
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			p := newPowered(t)
			p.start(t)
			p.fail(t, f.fault)
			p.look(t, f.then)
			if t.Failed() {
				t.Log(p.said())
			}
			p.restarted(t)
			p.kill(t)
		})
	}
}

// outcome is what becomes of the list on a disk that fails.
type outcome int

const (
	failed  outcome = iota // it takes nothing more until dnsbld is started again
	refused                // commands are refused, and taken when the disk works again
	either                 // one of these
)

// fail has everybody use dnsbld until the disk fails under them.
func (p *powered) fail(t *testing.T, f diskFault) {
	t.Helper()
	client := ctl.NewClient(p.socket())
	if f.Op != "read" { // else nothing is read but what the kernel has forgotten
		f.After = 50 + p.random.IntN(200)
	}
	p.disk.do(diskCommand{Do: "fault", Fault: f})
	var all sync.WaitGroup
	for _, w := range p.writers {
		all.Go(func() { w.write(t, client) })
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-ended:
			if p.disk.do(diskCommand{}).Hits == 0 {
				t.Fatal("the disk did not fail")
			}
			return
		case <-tick.C:
			if f.Op == "read" && p.disk.do(diskCommand{}).Hits == 0 {
				p.disk.do(diskCommand{Do: "forget", File: f.File})
			}
		}
	}
}

// look looks how dnsbld is while the disk fails, and when it works again.
func (p *powered) look(t *testing.T, then outcome) {
	t.Helper()
	p.holds(t)
	if then != either {
		p.refuses(t, then == failed)
	}
	p.disk.do(diskCommand{Do: "fault"})
	switch then {
	case failed:
		p.refuses(t, true)
	case refused:
		client := ctl.NewClient(p.socket())
		exported := exportedHosts(t, client)
		for _, w := range p.writers {
			w.settle(t, client, exported)
		}
	}
	p.holds(t)
}

// holds compares DNS with what was acknowledged, and with what was sent since.
func (p *powered) holds(t *testing.T) {
	t.Helper()
	for _, w := range p.writers {
		is := map[string]bool{}
		for _, host := range w.pool {
			is[host] = p.listed(t, host)
		}
		if !w.holds(is, nil) && !w.holds(is, w.change) {
			t.Errorf("%s and the others are not answered as they were acknowledged", w.pool[0])
		}
	}
}

// refuses sends a command, which nothing can be done about, and asks for the status.
func (p *powered) refuses(t *testing.T, forGood bool) {
	t.Helper()
	const tryLater = 75
	if status, said := p.blctl("add", "20.200.0.1", "--reason", "helo-bare-ip"); status != tryLater && (forGood || status != 0) { // there may be room for one
		t.Errorf("blctl add ends with %d\n%s", status, said)
	}
	want := 0
	if forGood {
		want = tryLater
	}
	if status, said := p.blctl("status"); status != want || !strings.Contains(said, "zone") || forGood != strings.Contains(said, "has failed") {
		t.Errorf("blctl status ends with %d\n%s", status, said)
	}
}

// blctl runs it, and is its exit status and all that it says.
func (p *powered) blctl(args ...string) (status int, said string) {
	cmd := exec.Command(filepath.Join(p.bin, "blctl"), append([]string{"--socket", p.socket()}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		return -1, err.Error()
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// restarted starts dnsbld again on a disk that works, and once more after a loss of
// power.
func (p *powered) restarted(t *testing.T) {
	t.Helper()
	p.kill(t)
	p.start(t)
	checkList(t, p.daemon, ctl.NewClient(p.socket()), p.writers)
	p.kill(t)
	p.disk.do(diskCommand{Do: "keep"})
	cut := p.disk.do(diskCommand{Do: "cut", Seed: p.random.Uint64(), From: p.disk.position()})
	p.start(t)
	checkList(t, p.daemon, ctl.NewClient(p.socket()), p.writers)
	if t.Failed() {
		t.Errorf("%s\n%s", cut.Why, p.said())
	}
}

// A start on a disk that is read-only serves what is there.
func TestReadOnlyDisk(t *testing.T) {
	p := newPowered(t)
	p.start(t)
	if status, said := p.blctl("add", "20.200.0.1", "--reason", "helo-bare-ip"); status != 0 {
		t.Fatal(said)
	}
	p.kill(t)
	p.disk.do(diskCommand{Do: "fault", Fault: diskFault{Op: "change", Errno: syscall.EROFS}})
	p.start(t)
	if !p.listed(t, "20.200.0.1") {
		t.Error("the list is not served")
	}
	const tryLater = 75
	if status, said := p.blctl("add", "20.200.0.2", "--reason", "helo-bare-ip"); status != tryLater {
		t.Errorf("blctl add ends with %d\n%s", status, said)
	}
	if status, said := p.blctl("status"); status != 0 || !strings.Contains(said, "read-only") {
		t.Errorf("blctl status ends with %d\n%s", status, said)
	}
	p.kill(t)
	p.disk.do(diskCommand{Do: "fault"})
	p.start(t)
	if status, said := p.blctl("add", "20.200.0.2", "--reason", "helo-bare-ip"); status != 0 || !p.listed(t, "20.200.0.1") || !p.listed(t, "20.200.0.2") {
		t.Errorf("when it works again: %d\n%s", status, said)
	}
	p.kill(t)
}

// A disk that cannot sync a file beside the list, once: whoever asked or told then is
// refused, the list goes on, and what was acknowledged is there after a restart, and
// after a loss of power behind it.
func TestFilesBesideTheListFail(t *testing.T) {
	for file, use := range map[string]func(*powered, *ctl.Client, func(error) bool){
		"people.db":    func(p *powered, c *ctl.Client, any func(error) bool) { p.asking.use(t, c, p.disk.position, any) },
		"sightings.db": func(p *powered, c *ctl.Client, any func(error) bool) { p.counted.use(t, c, p.disk.position, any) },
	} {
		t.Run(file, func(t *testing.T) {
			p := newPowered(t)
			p.start(t)
			p.lastKey = p.deskKey(t)
			p.disk.do(diskCommand{Do: "fault", Fault: diskFault{Op: "sync", File: file, Errno: syscall.EIO, After: 20 + p.random.IntN(20), Times: 1}})
			use(p, ctl.NewClient(p.socket()), func(err error) bool { return err != nil })
			if p.disk.do(diskCommand{}).Hits == 0 {
				t.Fatal("the disk did not fail")
			}
			if status, said := p.blctl("add", "20.200.0.1", "--reason", "helo-bare-ip"); status != 0 || !p.listed(t, "20.200.0.1") {
				t.Errorf("blctl add ends with %d\n%s", status, said)
			}
			at := p.disk.position()
			for _, powerLost := range []bool{false, true} {
				p.kill(t)
				if powerLost {
					p.disk.do(diskCommand{Do: "keep"})
					p.disk.do(diskCommand{Do: "cut", Seed: p.random.Uint64(), From: p.disk.position()})
				}
				p.start(t)
				client := ctl.NewClient(p.socket())
				p.asking.settle(t, client, at)
				p.counted.settle(t, client, at)
				p.checkFiles(t, client, 0)
			}
			p.kill(t)
		})
	}
}
