package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/sensor"
)

// running is a daemon of a test.
type running struct {
	t      *testing.T
	dir    string
	client *ctl.Client
	stop   func()
}

// start runs a daemon on the data of dir, with a policy service for mx1.
func start(t *testing.T, dir string, change ...func(*config.File)) *running {
	t.Helper()
	load := func() (config.Config, error) {
		return config.Load("", func(f *config.File) {
			f.Data, f.Listen.DNS = dir, []string{"127.0.0.1:0"}
			f.Our.Addresses, f.Our.Names = []string{"198.51.100.25", "198.51.100.26"}, []string{"mx.rcpt.example"}
			f.Our.Hosted, f.Our.Trusted = []string{"rcpt.example"}, []string{"203.0.113.240/28"}
			f.Sensor.Receiver, f.Sensor.Policy, f.Sensor.Enforce = "mx1", "unix:"+filepath.Join(dir, "policy"), true
			for _, c := range change {
				c(f)
			}
		})
	}
	cfg, err := load()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, cfg, load, slog.New(slog.DiscardHandler)) }()
	r := &running{t: t, dir: dir, client: ctl.NewClient(cfg.Socket)}
	r.stop = sync.OnceFunc(func() { // a test that fails while it ends has it end again
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { r.stop() })
	r.await("the daemon", func() bool {
		st, err := r.client.Status(ctx)
		return err == nil && st.Served == st.Revision
	})
	return r
}

func (r *running) await(what string, done func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (r *running) show(address string) ctl.Shown {
	r.t.Helper()
	s, err := listing.ParseSubject(address)
	if err != nil {
		r.t.Fatal(err)
	}
	shown, err := r.client.Show(r.t.Context(), s)
	if err != nil {
		r.t.Fatal(err)
	}
	return shown
}

// postfix tells of one session as smtpd does, and returns the answer.
func (r *running) postfix(client, greeting, recipient string) string {
	r.t.Helper()
	answer, err := r.asksPolicy(client, greeting, recipient)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer
}

func (r *running) asksPolicy(client, greeting, recipient string) (answer string, err error) {
	conn, err := net.Dial("unix", filepath.Join(r.dir, "policy"))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	fmt.Fprintf(conn, "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=%s\nclient_name=unknown\n"+
		"helo_name=%s\nsender=x@sender.example\nrecipient=%s\ninstance=%x.1.0\n\n", client, greeting, recipient, time.Now().UnixNano())
	answer, err = bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSuffix(answer, "\n"), err
}

// A host that calls itself by two of our addresses ends up listed, and its next
// connection refused; others that talk beside it are not.
func TestPolicyLists(t *testing.T) {
	r := start(t, shortDir(t))
	for range 3 {
		for _, s := range [][3]string{
			{"203.0.113.7", "198.51.100.25", "a@rcpt.example"}, {"203.0.113.7", "198.51.100.26", "a@rcpt.example"},
			{"203.0.113.8", "mail.sender.example", "a@rcpt.example"}, {"203.0.113.9", "[10.0.0.1]", "a@rcpt.example"},
			{"203.0.113.241", "198.51.100.25", "a@rcpt.example"}, {"198.51.100.25", "198.51.100.26", "a@rcpt.example"},
			{"203.0.113.10", "rcpt.example", "a@rcpt.example"},
		} {
			r.postfix(s[0], s[1], s[2])
		}
	}
	r.await("203.0.113.7 to be listed", func() bool { return r.show("203.0.113.7").Listed })
	const want = "action=REJECT 5.7.1 203.0.113.7 greeted our servers with our own IP address in HELO; https://bl.example/203.0.113.7"
	r.await("a refusal", func() bool { return r.postfix("203.0.113.7", "mail.clean.example", "a@rcpt.example") == want }) // once it is served
	for _, innocent := range []string{"203.0.113.8", "203.0.113.9", "203.0.113.10", "203.0.113.241", "198.51.100.25"} {
		if got := r.postfix(innocent, "mail.clean.example", "a@rcpt.example"); got != "action=DUNNO" || r.show(innocent).Listed {
			t.Errorf("%s is answered %q", innocent, got)
		}
	}
	shown := r.show("203.0.113.7")
	e := shown.Entries[0]
	if e.Actor != sensor.Actor || e.Origin != listing.ByThreshold || len(e.Samples) == 0 || e.Samples[0].Receiver != "mx1" {
		t.Errorf("%+v", e)
	}
	if f := shown.Sightings; f == nil || f.Bogus < 4 || f.Diagnosis == "" || len(f.Decisions) == 0 {
		t.Errorf("%+v", f)
	}
	if r.show("203.0.113.99").Sightings != nil {
		t.Error("something was counted of an address that nobody told of")
	}
	st, err := r.client.Status(t.Context())
	if err != nil || st.Breaker == nil || st.Breaker.Open || st.Breaker.Listed > 1 || st.Sensor.Receiver != "mx1" || !st.Sensor.Sole {
		t.Errorf("%+v, %v", st.Sensor, err)
	}
}

// shortDir is a directory whose path is short enough for sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// sessions are n sessions of a client at a receiver, one a line.
func sessions(receiver, client string, n int, at time.Time, said ...string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"time":%q,"receiver":%q,"id":"%s-%d","client":%q,"helo":%q,"rcpts":["rcpt.example"]}`+"\n",
			at.Add(time.Duration(i)*time.Second).UTC().Format(time.RFC3339), receiver, client, i, client, said[i%len(said)])
	}
	return b.String()
}

// Sessions that a log tells are counted once, also across a restart; those from
// before a delisting never bring it back.
func TestObserve(t *testing.T) {
	dir := shortDir(t)
	r := start(t, dir)
	at := time.Now().Add(-time.Minute)
	text := sessions("mx2", "203.0.113.7", 6, at, "198.51.100.25", "198.51.100.26") + sessions("mx2", "203.0.113.8", 3, at, "mail.sender.example") +
		sessions("mx3", "2001:db8:7::1", 6, at, "198.51.100.25", "198.51.100.26") + "no session\n"
	want := sensor.Observed{Sessions: 15, Bogus: 12, Clean: 3, Skipped: 1}
	got, err := r.client.Observe(t.Context(), ctl.None{}, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, l := range got.Listed {
		listed[l.Subject.Text()] = l.Reason
	}
	if listed["203.0.113.7"] != "helo-our-ip" || listed["2001:db8:7::1"] != "helo-our-ip" || len(listed) != 2 || !r.show("203.0.113.7").Listed {
		t.Errorf("listed: %v", got.Listed)
	}
	got.Listed, got.Outcomes = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	r.stop()

	r = start(t, dir)
	subject, _ := listing.ParseSubject("203.0.113.7")
	if _, err := r.client.Delist(t.Context(), listing.Delist{Subject: subject, Because: listing.FixedClaimed}); err != nil {
		t.Fatal(err)
	}
	if got, err = r.client.Observe(t.Context(), ctl.None{}, strings.NewReader(text)); err != nil || got.Duplicates != 15 || got.Bogus != 0 || len(got.Listed) > 0 {
		t.Errorf("told again: %+v, %v", got, err)
	}
	late := sessions("mx4", "203.0.113.7", 9, at.Add(10*time.Second), "198.51.100.25", "198.51.100.26")
	if got, err = r.client.Observe(t.Context(), ctl.None{}, strings.NewReader(late)); err != nil || got.Bogus != 9 || len(got.Listed) > 0 || r.show("203.0.113.7").Listed {
		t.Errorf("sessions from before the delisting: %+v, %v", got, err)
	}
	if f := r.show("203.0.113.7").Sightings; f == nil || f.Sessions != 15 {
		t.Errorf("%+v", f)
	}
}

// A receiver has one source: its policy service or its log.
func TestObserveRefusesASecondSource(t *testing.T) {
	r := start(t, shortDir(t))
	text := sessions("mx1", "203.0.113.7", 1, time.Now(), "198.51.100.25")
	if _, err := r.client.Observe(t.Context(), ctl.None{}, strings.NewReader(text)); !errors.Is(err, listing.ErrPolicy) {
		t.Errorf("the log of mx1 beside its policy service: %v", err)
	}
	if r.show("203.0.113.7").Sightings != nil {
		t.Error("it was counted all the same")
	}
}

// Damaged counters cost a daemon the counters, nothing else.
func TestDamagedCounters(t *testing.T) {
	dir := shortDir(t)
	if err := os.WriteFile(filepath.Join(dir, "sightings.db"), []byte(strings.Repeat("x", 9000)), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, dir)
	if got := r.postfix("203.0.113.7", "198.51.100.25", "a@rcpt.example"); got != "action=DUNNO" {
		t.Error(got)
	}
	if _, err := os.Stat(filepath.Join(dir, "sightings.db.damaged")); err != nil {
		t.Error(err)
	}
}

func TestSimulate(t *testing.T) {
	r := start(t, shortDir(t))
	text := sessions("mx2", "203.0.113.7", 3, time.Now().Add(-time.Minute), "198.51.100.25")
	if _, err := r.client.Observe(t.Context(), ctl.None{}, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	got, err := r.client.Simulate(t.Context(), ctl.None{}, strings.NewReader("data = \"elsewhere\"\n[thresholds.helo-our-ip]\nsessions = 1\nalso = []\n"))
	if err != nil || len(got.Added) != 1 || got.Added[0].Subject.Addr() != netip.MustParseAddr("203.0.113.7") || got.Clean != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"[thresholds.helo-our-ip]\nsessions = 0\n", "[thresholds.manual]\nsessions = 1\n", "[thresholds\n"} {
		if _, err := r.client.Simulate(t.Context(), ctl.None{}, strings.NewReader(bad)); !errors.Is(err, listing.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Half-open connections do not hold up the end, and the policy service answers until
// the control socket is shut.
func TestEndsQuickly(t *testing.T) {
	for !endsQuickly(t) { // the machine had no time for it, and the end was cut short
	}
}

// endsQuickly reports whether the question came in time.
func endsQuickly(t *testing.T) (inTime bool) {
	t.Helper()
	dir := shortDir(t)
	r := start(t, dir)
	for socket, half := range map[string]string{
		"control.sock": "POST /v1/observe HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n",
		"policy":       "request=smtpd_access_policy\n",
	} {
		conn, err := net.Dial("unix", filepath.Join(dir, socket))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, half); err != nil {
			t.Fatal(err)
		}
		if socket == "control.sock" { // in hand once its body is asked for
			if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 100"))); err != nil {
				t.Fatal(err)
			}
		}
	}
	began, ended := time.Now(), make(chan struct{})
	go func() { r.stop(); close(ended) }()
	r.await("the control socket to shut", func() bool {
		conn, err := net.Dial("unix", filepath.Join(dir, "control.sock"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	got, err := r.asksPolicy("203.0.113.9", "mail.clean.example", "a@rcpt.example")
	if inTime = time.Since(began) < endWithin; inTime && (err != nil || got != "action=DUNNO") {
		t.Errorf("while it ends: %q, %v", got, err)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("it does not end")
	}
	return inTime
}

// A part that does not end by itself is cut short, and that is no failure.
func TestEndIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		if err := await(ctx, make(chan error), slog.New(slog.DiscardHandler)); err != nil || time.Since(began) != endWithin {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
