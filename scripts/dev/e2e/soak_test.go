//go:build e2e

package e2e

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/scripts/dev/freeport"
)

var soak = flag.Duration("soak", 12*time.Second, "how long TestSoak loads dnsbld; the long campaign takes 30m")

const soakConfig = `[listen]
web = %q
metrics = %q
[[zone]]
name = "bl.test"
ns = ["ns.bl.test 192.0.2.53"]
[our]
addresses = []
[limits]
web_per_minute = 10000000
api_per_minute = 10000000
[sensor]
receiver = "mx1"
policy = %q
probation = "0"
`

// used is what a process has of things that can leak.
type used struct{ goroutines, files, kilobytes int }

func (d *daemon) used(t *testing.T, metrics string) used {
	t.Helper()
	var u used
	answer, err := http.Get("http://" + metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if n, ok := strings.CutPrefix(line, "go_goroutines "); ok {
			u.goroutines, _ = strconv.Atoi(strings.TrimSpace(n))
		}
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	u.files = len(files)
	if u.kilobytes, err = anonymous(d.cmd.Process.Pid); u.goroutines == 0 || u.kilobytes == 0 {
		t.Fatalf("%+v, %v", u, err)
	}
	return u
}

// soaked is dnsbld with all its doors, and who uses them.
type soaked struct {
	*daemon
	web, metrics, policy string
	done                 [5]atomic.Int64
}

// Everything at once for a long time, as it is in production: nothing leaks, and DNS
// says what the list says.
//
//	queries (UDP, TCP) ─┐
//	look-ups (web)     ─┤
//	sessions (policy)  ─┼─ dnsbld ── listings.db
//	commands, imports  ─┘
func TestSoak(t *testing.T) {
	s := &soaked{daemon: &daemon{bin: programs(t), dir: workDir(t)}, web: freeport.Address(t), metrics: freeport.Address(t)}
	s.policy = filepath.Join(s.dir, "policy")
	file := filepath.Join(s.dir, "dnsbld.toml")
	if err := os.WriteFile(file, fmt.Appendf(nil, soakConfig, s.web, s.metrics, "unix:"+s.policy), 0o600); err != nil {
		t.Fatal(err)
	}
	s.flags = []string{"--config", file}
	s.start(t)
	s.load(t, *soak/6) // caches fill, pools grow
	before := s.settled(t, used{1 << 20, 1 << 20, 0})
	s.load(t, *soak/2)
	middle := s.used(t, s.metrics)
	s.load(t, *soak/3)
	after := s.settled(t, before)
	t.Logf("%s: %d queries, %d over TCP, %d look-ups, %d sessions, %d commands; before %+v, in the middle %+v, after %+v", *soak,
		s.done[0].Load(), s.done[1].Load(), s.done[2].Load(), s.done[3].Load(), s.done[4].Load(), before, middle, after)
	if most := middle.kilobytes*3/2 + 32<<10; after.kilobytes > most {
		t.Errorf("memory grew from %d KiB to %d", middle.kilobytes, after.kilobytes)
	}
	for n, did := range []string{"queries", "queries over TCP", "look-ups", "sessions", "commands"} {
		if s.done[n].Load() == 0 {
			t.Errorf("there were no %s: the soak shows nothing", did)
		}
	}
	s.compare(t)
	s.kill(t)
}

// settled waits until there is no more of what can leak than there was.
func (s *soaked) settled(t *testing.T, before used) used {
	t.Helper()
	const more = 12 // what is due just then, such as a sweep
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		now := s.used(t, s.metrics)
		if now.goroutines <= before.goroutines+more && now.files <= before.files+more {
			return now
		}
		if time.Now().After(end) {
			t.Fatalf("left behind: %+v, before %+v", now, before)
		}
	}
}

// compare holds DNS against the list, for every host of the soak.
func (s *soaked) compare(t *testing.T) {
	t.Helper()
	client := ctl.NewClient(s.socket())
	exported := exportedHosts(t, client)
	listed := 0
	for n := range 4000 {
		host := hostOf(n)
		if s.listed(t, host) != exported[host] {
			t.Errorf("%s: exported %t, and DNS says otherwise", host, exported[host])
		}
		if exported[host] {
			listed++
		}
	}
	if listed == 0 {
		t.Error("nothing is listed: the soak shows nothing")
	}
	if v, err := client.Audit(t.Context(), ctl.Audit{Full: true}); err != nil || v.Broken != 0 {
		t.Errorf("audit: %+v, %v", v, err)
	}
}

func hostOf(n int) string {
	return netip.AddrFrom4([4]byte{20, byte(n / 1000), byte(n % 1000 / 250), byte(n%250 + 1)}).String()
}

// load has everybody use dnsbld for a while.
func (s *soaked) load(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	var all sync.WaitGroup
	for which, users := range [][]func(n int) error{
		{s.query("udp"), s.query("udp"), s.query("udp")}, {s.query("tcp")}, {s.lookUp, s.lookUp}, {s.session}, {s.command(t, 0), s.command(t, 1), s.replace(t)},
	} {
		for _, use := range users {
			all.Go(func() {
				for n := 0; n == 0 || ctx.Err() == nil; n++ {
					if err := use(n); err != nil {
						t.Errorf("user %d: %v", which, err)
						return
					}
					s.done[which].Add(1)
				}
			})
		}
	}
	all.Wait()
}

func (s *soaked) query(network string) func(int) error {
	client := &dns.Client{Net: network, Timeout: time.Minute}
	return func(n int) error {
		name := fmt.Sprintf("%d.%d.%d.20.bl.test.", n*7%250+1, n%4, n%4)
		if network == "udp" {
			_, err := s.ask(name, dns.TypeA)
			return err
		}
		_, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), s.dns)
		return err
	}
}

func (s *soaked) lookUp(n int) error {
	answer, err := http.Get("http://" + s.web + []string{"/", "/api/v1/ip/"}[n%2] + hostOf(n%4000))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	return nil
}

// session is one of a mail server's, on a connection of its own.
func (s *soaked) session(n int) error {
	c, err := net.Dial("unix", s.policy)
	if err != nil {
		return err
	}
	defer c.Close()
	client := hostOf(3000 + n%1000)
	greeting := []string{"mail.sender.example", client}[n%2]
	if _, err := fmt.Fprintf(c, "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=%s\nclient_name=unknown\nhelo_name=%s\nsender=a@sender.example\nrecipient=b@rcpt.example\ninstance=%d\nclient_port=%d\n\n",
		client, greeting, n, n%60000+1); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 100))
	return err
}

// command lists and delists hosts.
func (s *soaked) command(t *testing.T, which int) func(int) error {
	client := ctl.NewClient(s.socket())
	return func(n int) error {
		c := entry(t, hostOf(which*1000+n/2%500))
		if n%2 == 0 {
			_, err := client.Add(t.Context(), c)
			return err
		}
		if n%10 == 1 {
			return nil // it stays
		}
		_, err := client.Delist(t.Context(), listing.Delist{Subject: c.Subject, Because: "test"})
		return err
	}
}

// replace is a feed that changes a little, each time.
func (s *soaked) replace(t *testing.T) func(int) error {
	client := ctl.NewClient(s.socket())
	return func(n int) error {
		var file strings.Builder
		for host := 2000; host < 3000; host++ {
			if host%97 != n%97 {
				fmt.Fprintln(&file, hostOf(host))
			}
		}
		return add(t, client, file.String())
	}
}
