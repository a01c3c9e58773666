package main

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dnsbld/scripts/dev/freeport"
)

func TestParseStat(t *testing.T) {
	for line, want := range map[string][2]int{
		"12 (named) S 1 12 12 0":                {12, 1},
		"13 (nsd: server 1) S 12 12 12":         {13, 12},
		"14 (odd) name) (x) R 13 12 12 0 -1":    {14, 13},
		"15 (a name of\nlines) S 14 12 12 0 -1": {15, 14},
	} {
		if pid, parent, ok := parseStat(line); !ok || pid != want[0] || parent != want[1] {
			t.Errorf("%q: %d, %d, %v", line, pid, parent, ok)
		}
	}
	for _, line := range []string{"", "12", "12 (x", "12 (x) S", ") 12 ("} {
		if _, _, ok := parseStat(line); ok {
			t.Errorf("%q is taken", line)
		}
	}
}

func TestParseSchedstat(t *testing.T) {
	if d, err := parseSchedstat([]byte("1234567 89 10\n")); err != nil || d != 1234567 {
		t.Errorf("%v, %v", d, err)
	}
	if _, err := parseSchedstat([]byte("")); err == nil {
		t.Error("an empty file is taken")
	}
}

func TestRunTimeRises(t *testing.T) {
	self := []int{os.Getpid()}
	before, err := runTime(self)
	if err != nil {
		t.Fatal(err)
	}
	// The kernel brings the number of a running thread up to date at each tick.
	after := before
	for deadline := time.Now().Add(time.Minute); err == nil && after == before && time.Now().Before(deadline); {
		after, err = runTime(self)
	}
	if err != nil || before <= 0 || after <= before {
		t.Errorf("%v, then %v, %v", before, after, err)
	}
}

// sleeper is a process that forks another.
func sleeper(t *testing.T) *process {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	p, err := startProcess(t.TempDir(), 0, []string{sh, "-c", "echo ready; sleep 60 & wait"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	return p
}

func TestServersArePinnedAndEndedWithTheirChildren(t *testing.T) {
	p := sleeper(t)
	var pids []int
	for deadline := time.Now().Add(time.Minute); len(pids) < 2 && time.Now().Before(deadline); {
		var err error
		if pids, err = family(p.pid); err != nil {
			t.Fatal(err)
		}
	}
	if len(pids) != 2 {
		t.Fatalf("family %v", pids)
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(pids[1], &set); err != nil || set.Count() != 1 || !set.IsSet(0) {
		t.Errorf("the child runs on %d cores, %v", set.Count(), err)
	}
	if kb, err := anonymousKB(pids); err != nil || kb <= 0 {
		t.Errorf("anonymous memory %d KB, %v", kb, err)
	}
	p.stop()
	if !p.ended() {
		t.Error("it runs on")
	}
	if state, err := procState(pids[1]); err == nil && state != "Z" && state != "X" {
		t.Errorf("its child is left in state %s", state)
	}
}

// procState is the state of a process that may be gone. A killed child stays a zombie until its new parent looks.
func procState(pid int) (string, error) {
	var state string
	for range 12_000 {
		b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if err != nil {
			return "", err
		}
		state = strings.Fields(string(b[slices.Index(b, ')')+1:]))[0]
		if state == "Z" || state == "X" {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return state, nil
}

func TestAServerThatEndsIsNotWaitedFor(t *testing.T) {
	p, err := startProcess(t.TempDir(), 0, []string{"/bin/sh", "-c", "echo no such zone >&2; exit 3"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	addr := netip.MustParseAddrPort(freeport.Address(t))
	_, err = p.awaitAnswer(context.Background(), addr, onlyQuery(addr4(0xc0000207), "bl.test", wantListed), strict)
	if err == nil || !strings.Contains(err.Error(), "no such zone") {
		t.Errorf("%v", err)
	}
}

func TestProcessTime(t *testing.T) {
	before, err := processTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for after := before; after == before; {
		if after, err = processTime(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
}
