//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
)

var imported = flag.Int("import", 1, "how many million hosts TestImportMemory imports; the long campaigns take 50 and 100")

// The memory of an import is bounded by the list that it makes, whatever it says.
//
//	a million hosts, or as many as there are ── dnsbld, looked at each 5 ms
func TestImportMemory(t *testing.T) {
	const first, last = 11 << 24, 223 << 24
	d := &daemon{bin: programs(t), dir: workDir(t)}
	d.start(t)
	ctx, done := context.WithCancel(t.Context())
	defer done()
	peak := make(chan int)
	go func() {
		most := 0
		for pid := d.cmd.Process.Pid; ctx.Err() == nil; <-time.After(5 * time.Millisecond) {
			kilobytes, _ := anonymous(pid)
			most = max(most, kilobytes)
		}
		peak <- most
	}()
	hosts := *imported * 1_000_000
	file, to := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(to, 1<<20)
		for n := range hosts {
			gap := (last - first) / hosts
			v4 := first + n*gap + n*7919%gap // not all as far from each other
			fmt.Fprintf(w, "%d.%d.%d.%d\n", v4>>24, v4>>16&255, v4>>8&255, v4&255)
		}
		_ = to.CloseWithError(w.Flush())
	}()
	out, err := ctl.NewClient(d.socket()).Import(ctx, ctl.Import{Format: "plain", Import: listing.Import{Source: "feed"}, Reason: "imported"}, file)
	if err != nil || out.Added < hosts*9/10 || !d.listed(t, "11.0.0.0") { // some are never listed
		t.Fatalf("%d of %d added, %v", out.Added, hosts, err)
	}
	done()
	most := <-peak >> 10
	d.stop(t, os.Interrupt)
	d.start(t)
	set, err := anonymous(d.cmd.Process.Pid)
	set >>= 10
	allowed := set*13/10 + 60
	if *imported < 10 {
		allowed *= 2 // of so little the runtime's own share is large
	}
	if err != nil || most > allowed {
		t.Errorf("%d MB for a list of %d, %v; want %d at the most", most, set, err, allowed)
	}
	t.Logf("%d hosts: %d MB at the most, of a list of %d", out.Added, most, set)
	d.kill(t)
}

// anonymous is the memory of a process in kilobytes: the list's file is mapped beside.
func anonymous(pid int) (kilobytes int, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if n, ok := strings.CutPrefix(line, "RssAnon:"); ok && err == nil {
			kilobytes, err = strconv.Atoi(strings.Fields(n)[0])
		}
	}
	return kilobytes, err
}
