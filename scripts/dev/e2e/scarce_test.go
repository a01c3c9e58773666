//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// entry is a command about a host of the campaign.
func entry(t *testing.T, host string) listing.Add {
	t.Helper()
	s, err := listing.ParseSubject(host)
	if err != nil {
		t.Fatal(err)
	}
	return listing.Add{Subject: s, Reason: "helo-bare-ip"}
}

// hosts is a feed of so many.
func hosts(n int) string {
	var file strings.Builder
	for host := range n {
		fmt.Fprintf(&file, "20.%d.%d.%d\n", host>>16, host>>8&255, host&255)
	}
	return file.String()
}

// talkative is one that has much to say of each host.
func talkative(n int) string {
	var file strings.Builder
	for host := range n {
		fmt.Fprintf(&file, "{\"prefix\":\"20.%d.%d.%d\",\"note\":\"%0250d\"}\n", host>>16, host>>8&255, host&255, host)
	}
	return file.String()
}

func format(all string) string {
	if strings.HasPrefix(all, "{") {
		return "ndjson"
	}
	return "plain"
}

// add has hosts listed, and says how.
func add(t *testing.T, c *ctl.Client, all string) error {
	t.Helper()
	o := listing.Options{MaxChanges: 1 << 20}
	_, err := c.Import(t.Context(), ctl.Import{Format: format(all), Import: listing.Import{Source: "feed", Replace: true, Options: o}, Reason: "imported"}, strings.NewReader(all))
	return err
}

// A disk that is full: writes are refused, DNS answers all the same, and when there is
// room again writes are taken. A start on the full disk serves too.
//
//	dnsbld ── data on a tmpfs of 12 MiB, in a mount namespace of its own, with a filler
func TestDiskIsFull(t *testing.T) {
	d := &daemon{bin: programs(t), dir: workDir(t), under: []string{"unshare", "-m", "sh", "-ec",
		"mkdir -p data; mount -t tmpfs -o size=12m none data; if [ -e saved ]; then cp --sparse=always saved data/listings.db; fi; head -c 6m /dev/zero >data/filler; exec \"$@\"", "sh"}}
	d.start(t)
	client := ctl.NewClient(d.socket())
	if _, err := client.Add(t.Context(), entry(t, "20.200.0.1")); err != nil {
		t.Fatal(err)
	}
	if err := add(t, client, talkative(40_000)); !errors.Is(err, listing.ErrUnavailable) {
		t.Errorf("an import that does not fit: %v", err)
	}
	if !d.listed(t, "20.200.0.1") || d.listed(t, "20.0.0.1") {
		t.Error("DNS is not as it was")
	}
	data := fmt.Sprintf("/proc/%d/root/%s/data/", d.cmd.Process.Pid, d.dir)
	raw, err := os.ReadFile(data + "listings.db")
	if err == nil {
		err = os.WriteFile(filepath.Join(d.dir, "saved"), raw, 0o600)
	}
	if err == nil {
		err = os.Remove(data + "filler")
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Add(t.Context(), entry(t, "20.200.0.2")); err != nil || !d.listed(t, "20.200.0.2") {
		t.Errorf("with room again: %v", err)
	}
	if v, err := client.Audit(t.Context(), ctl.Audit{Full: true}); err != nil || v.Broken != 0 {
		t.Errorf("audit: %+v, %v", v, err)
	}
	d.kill(t)
	d.under[4] = strings.Replace(d.under[4], "6m", "64m", 1) // all there is
	d.under[4] = strings.Replace(d.under[4], "/filler;", "/filler 2>/dev/null || true;", 1)
	d.start(t)
	if !d.listed(t, "20.200.0.1") {
		t.Error("a start on a full disk does not serve")
	}
	d.kill(t)
}

// No more file descriptors: whoever is connected or asks over UDP is answered, and
// when connections end, commands are taken again.
func TestOutOfDescriptors(t *testing.T) {
	d := &daemon{bin: programs(t), dir: workDir(t), under: []string{"sh", "-c", "ulimit -Hn 80; ulimit -Sn 80; exec \"$@\"", "sh"}}
	d.start(t)
	client := ctl.NewClient(d.socket())
	if _, err := client.Add(t.Context(), entry(t, "20.200.0.1")); err != nil {
		t.Fatal(err)
	}
	var open []net.Conn
	for range 200 {
		c, err := net.DialTimeout("tcp", d.dns, time.Second)
		if err == nil {
			open = append(open, c)
		}
	}
	for range 50 {
		if !d.listed(t, "20.200.0.1") {
			t.Fatal("not answered")
		}
	}
	for _, c := range open {
		c.Close()
	}
	if _, err := ctl.NewClient(d.socket()).Add(t.Context(), entry(t, "20.200.0.2")); err != nil || !d.listed(t, "20.200.0.2") {
		t.Errorf("when they are closed: %v\n%s", err, d.said())
	}
	d.kill(t)
}

// A limit on memory that the list is near to makes bulk work slow, and nothing wrong.
func TestLittleMemory(t *testing.T) {
	d := &daemon{bin: programs(t), dir: workDir(t), env: []string{"GOMEMLIMIT=48MiB"}}
	d.start(t)
	client := ctl.NewClient(d.socket())
	for _, size := range []int{200_000, 100_000} {
		if err := add(t, client, hosts(size)); err != nil {
			t.Fatal(err)
		}
		last := fmt.Sprintf("20.%d.%d.%d", (size-1)>>16, (size-1)>>8&255, (size-1)&255)
		if !d.listed(t, last) || d.listed(t, "20.200.0.1") {
			t.Errorf("DNS is wrong after %d", size)
		}
	}
	d.kill(t)
}
