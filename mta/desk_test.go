package mta

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// desk is a policy server on a real socket, and the reports it made.
type desk struct {
	t       testing.TB
	policy  *Policy
	network string
	addr    string
	stop    func()

	mu      sync.Mutex
	reports []Report
}

func newDesk(t testing.TB, network string, config PolicyConfig, set ...func(*policyLimits)) *desk {
	t.Helper()
	d := &desk{t: t, network: network}
	if config.Report == nil {
		config.Report = func(r Report) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.reports = append(d.reports, r)
		}
	}
	config.Receiver = "mx1"
	policy, err := NewPolicy(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range set {
		set(&policy.limits)
	}
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "policy")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	d.policy, d.addr = policy, l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- policy.Serve(ctx, l) }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(d.stop)
	return d
}

// client is a connection as an smtpd process has it.
type client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

func (d *desk) dial() *client {
	d.t.Helper()
	conn, err := net.Dial(d.network, d.addr)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	return &client{d.t, conn, bufio.NewReader(conn)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) answer() string {
	c.t.Helper()
	line, err := c.in.ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	if blank, err := c.in.ReadString('\n'); err != nil || blank != "\n" {
		c.t.Fatalf("after %q: %q, %v", line, blank, err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (c *client) ask(text string) string {
	c.t.Helper()
	c.send(text)
	return c.answer()
}

// closed waits for the server to close.
func (c *client) closed() {
	c.t.Helper()
	if n, err := c.in.Read(make([]byte, 1)); n != 0 || err == nil {
		c.t.Fatalf("not closed: %d, %v", n, err)
	}
}

// all stops the server and returns its reports: stopping reports what is open.
func (d *desk) all() []Report {
	d.stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.reports)
}

// request is a request of 203.0.113.7; set has pairs of names and values that differ.
func request(set ...string) string {
	attributes := [][2]string{
		{"request", "smtpd_access_policy"}, {"protocol_state", "RCPT"}, {"protocol_name", "ESMTP"},
		{"client_address", "203.0.113.7"}, {"client_name", "unknown"}, {"client_port", "4711"},
		{"server_address", "192.0.2.25"}, {"server_port", "25"}, {"helo_name", "host.example"},
		{"sender", "a@sender.example"}, {"recipient", "b@rcpt.example"}, {"instance", "17b.6b03fe53.e38c4.0"},
	}
	for i := 0; i < len(set); i += 2 {
		at := slices.IndexFunc(attributes, func(a [2]string) bool { return a[0] == set[i] })
		if at < 0 {
			attributes = append(attributes, [2]string{set[i], set[i+1]})
		} else {
			attributes[at][1] = set[i+1]
		}
	}
	var text strings.Builder
	for _, a := range attributes {
		if a[1] != "-" { // left out
			fmt.Fprintf(&text, "%s=%s\n", a[0], a[1])
		}
	}
	return text.String() + "\n"
}
