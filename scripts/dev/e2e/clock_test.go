//go:build e2e

package e2e

import (
	"testing"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// The clock of a machine is a year ahead at one start, a year behind at another, and
// right again: answers go by the clock, and nothing is ended for good, no serial goes
// back, commands are taken and the log proves the list.
//
// (faketime cannot shift the clock of a program of Go, which asks the kernel's page for
// it and no library: dnsbld has a flag for that, in zones of tests.)
func TestClockJumps(t *testing.T) {
	d := &daemon{bin: programs(t), dir: workDir(t)}
	const host = "20.200.0.1"
	for n, offset := range []time.Duration{0, 365 * listing.Day, -365 * listing.Day, 36 * time.Hour, 0} {
		if n > 0 {
			d.kill(t)
		}
		d.flags = []string{"--clock-offset", offset.String()}
		d.start(t)
		client := ctl.NewClient(d.socket())
		if n == 0 {
			c := entry(t, host)
			c.For = listing.Life(listing.Day)
			if _, err := client.Add(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if want := offset < listing.Day; d.listed(t, host) != want {
			t.Errorf("the clock is %s ahead: listed %t", offset, !want)
		}
		if _, err := client.Add(t.Context(), entry(t, hostOf(n))); err != nil || !d.listed(t, hostOf(n)) {
			t.Errorf("the clock is %s ahead: a command: %v", offset, err)
		}
		if seen, serial := d.seen.Load(), d.serial(t); serial < seen {
			t.Errorf("serial %d after %d", serial, seen)
		}
		if v, err := client.Audit(t.Context(), ctl.Audit{Full: true}); err != nil || v.Broken != 0 {
			t.Errorf("audit: %+v, %v", v, err)
		}
	}
	d.kill(t)
}
