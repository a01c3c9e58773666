package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// family is a process and its descendants, the process first. Servers fork their workers at the start and keep them.
func family(pid int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		child, parent, ok := parseStat(string(b))
		if ok {
			children[parent] = append(children[parent], child)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all, nil
}

// parseStat reads pid and parent of a /proc/PID/stat line; the name between may hold blanks and parentheses.
func parseStat(s string) (pid, parent int, ok bool) {
	open, end := strings.IndexByte(s, '('), strings.LastIndexByte(s, ')')
	if open < 1 || end < open {
		return 0, 0, false
	}
	fields := strings.Fields(s[end+1:])
	if len(fields) < 2 {
		return 0, 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(s[:open]))
	parent, err2 := strconv.Atoi(fields[1])
	return pid, parent, err == nil && err2 == nil
}

// runTime is the time that all threads of the processes have run, from /proc/PID/task/*/schedstat. The kernel brings the
// number of a running thread up to date at each tick, so it may lag by some milliseconds.
func runTime(pids []int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*/schedstat", pid))
		if err != nil || len(tasks) == 0 {
			return 0, fmt.Errorf("reading run times of process %d: it is gone, or the kernel keeps no schedstat", pid)
		}
		for _, path := range tasks {
			b, err := os.ReadFile(path)
			if err != nil {
				continue // the thread ended meanwhile
			}
			ns, err := parseSchedstat(b)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", path, err)
			}
			sum += ns
		}
	}
	return sum, nil
}

// parseSchedstat takes the first number: ns on the processor.
func parseSchedstat(b []byte) (time.Duration, error) {
	first, _, _ := bytes.Cut(bytes.TrimSpace(b), []byte(" "))
	ns, err := strconv.ParseInt(string(first), 10, 64)
	return time.Duration(ns), err
}

// anonymousKB is the memory that holds the processes' own data, in KB: RssAnon of one process; of several, which share
// pages since their fork, the sum of their shares.
func anonymousKB(pids []int) (int64, error) {
	if len(pids) == 1 {
		return procField(fmt.Sprintf("/proc/%d/status", pids[0]), "RssAnon:")
	}
	var sum int64
	for _, pid := range pids {
		kb, err := procField(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss_Anon:")
		if err != nil {
			return 0, err
		}
		sum += kb
	}
	return sum, nil
}

// procField reads the number that follows a key in a /proc file.
func procField(path, key string) (int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == key {
			return strconv.ParseInt(f[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, key)
}

// pinSelf keeps all threads of this program on one core; threads made later inherit it.
func pinSelf(cpu int) error {
	tasks, err := filepath.Glob("/proc/self/task/[0-9]*")
	if err != nil {
		return err
	}
	set := cpuSet(cpu)
	for _, t := range tasks {
		tid, err := strconv.Atoi(filepath.Base(t))
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(tid, &set); err != nil && err != unix.ESRCH {
			return fmt.Errorf("pinning to core %d: %w", cpu, err)
		}
	}
	return nil
}

// onCPU runs start, which forks, on a thread that is pinned to a core: the child inherits it.
func onCPU(cpu int, start func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("reading the processor affinity: %w", err)
	}
	set := cpuSet(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pinning to core %d: %w", cpu, err)
	}
	err := start()
	if back := unix.SchedSetaffinity(0, &before); back != nil && err == nil {
		return fmt.Errorf("restoring the processor affinity: %w", back)
	}
	return err
}

func cpuSet(cpu int) (set unix.CPUSet) {
	set.Set(cpu)
	return set
}

// processTime is the time that all threads of a process took, those too that have ended: an import has threads of its
// own. It is good to a hundredth of a second (proc(5), utime and stime).
func processTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest) // from the third on
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is %q", pid, raw)
	}
	var ticks time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		ticks += time.Duration(n)
	}
	return ticks * time.Second / 100, nil
}
