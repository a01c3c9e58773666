package mta

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/listing/helo"
)

const dunno = "action=DUNNO"

// TestPolicyFixture: what Postfix really sent, one session a request.
func TestPolicyFixture(t *testing.T) {
	raw, err := os.ReadFile("testdata/postfix-policy-requests.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, network := range []string{"tcp", "unix"} {
		d := newDesk(t, network, PolicyConfig{})
		c := d.dial()
		c.send(string(raw))
		const requests = 46
		for range requests {
			if got := c.answer(); got != dunno {
				t.Fatalf("answer %q", got)
			}
		}
		reports := d.all()
		if len(reports) != requests {
			t.Fatalf("%d reports", len(reports))
		}
		cases := logCases(t)
		var want []string
		for _, block := range bytes.Split(bytes.TrimSpace(raw), []byte("\n\n")) {
			for _, line := range bytes.Split(block, []byte("\n")) {
				if name, ok := bytes.CutSuffix(line, []byte("@sender.example")); ok {
					name = bytes.TrimPrefix(name, []byte("sender="))
					if bytes.Contains(name, []byte(">")) {
						name = []byte("evil-sender")
					}
					one := cases[string(name)]
					want = append(want, fmt.Sprintf("%s %q", one.client, neutered(one.helo)))
				}
			}
		}
		slices.Sort(want)
		if got := said(reports); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		if s := d.policy.Stats(); s.Requests != requests || s.Sessions != requests || s.Malformed+s.Dropped+s.Broken != 0 {
			t.Errorf("%+v", s)
		}
	}
}

func TestPolicySessions(t *testing.T) {
	first, second := request(), request("instance", "17b.6b03fe60.1.1", "recipient", "c@other.example")
	for name, test := range map[string]struct {
		requests   []string
		recipients [][]string // of each report
	}{
		"ten recipients are one session": {slices.Repeat([]string{first}, 10), [][]string{{"rcpt.example"}}},
		"recipients are gathered":        {[]string{first, request("recipient", "x@RCPT.example"), request("recipient", "x@two.example")}, [][]string{{"rcpt.example", "two.example"}}},
		"two mails are one session":      {[]string{first, second}, [][]string{{"rcpt.example", "other.example"}}},
		"the next client is another":     {[]string{first, request("client_address", "203.0.113.8", "instance", "17b.6b03fe60.1.0")}, [][]string{{"rcpt.example"}, {"rcpt.example"}}},
		"the same client comes again":    {[]string{first, second, request("instance", "17b.6b03fe70.2.0")}, [][]string{{"rcpt.example", "other.example"}, {"rcpt.example"}}},
		"another port is another":        {[]string{first, request("client_port", "4712", "instance", "17b.6b03fe60.1.1")}, [][]string{{"rcpt.example"}, {"rcpt.example"}}},
		"another process is another":     {[]string{first, request("instance", "17c.6b03fe60.1.1")}, [][]string{{"rcpt.example"}, {"rcpt.example"}}},
		"EHLO, MAIL, RCPT, DATA": {[]string{
			request("protocol_state", "CONNECT", "helo_name", "", "instance", "", "recipient", ""),
			request("protocol_state", "EHLO", "instance", "", "recipient", ""),
			request("protocol_state", "MAIL", "instance", "", "recipient", ""), first,
			request("protocol_state", "DATA", "recipient", ""), request("protocol_state", "END-OF-MESSAGE"),
		}, [][]string{{"rcpt.example"}}},
		"CONNECT alone is none":         {[]string{request("protocol_state", "CONNECT", "helo_name", "", "instance", "")}, nil},
		"ETRN and VRFY are none":        {[]string{request("protocol_state", "ETRN"), request("protocol_state", "VRFY")}, nil},
		"a state of the future is none": {[]string{request("protocol_state", "BDAT")}, nil},
		"old Postfix without ports":     {[]string{request("client_port", "-"), request("client_port", "-")}, [][]string{{"rcpt.example"}}},
		"no instance at all":            {[]string{request("instance", "-"), request("instance", "-")}, [][]string{{"rcpt.example"}}},
		"quoted local parts":            {[]string{request("recipient", `x@forged.example"@rcpt.example`)}, [][]string{{"rcpt.example"}}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, "tcp", PolicyConfig{})
			c := d.dial()
			for _, r := range test.requests {
				if got := c.ask(r); got != dunno {
					t.Fatal(got)
				}
			}
			var got [][]string
			ids := map[string]bool{}
			for _, r := range d.all() {
				got = append(got, r.Recipients)
				ids[r.ID] = true
			}
			if !slices.EqualFunc(got, test.recipients, slices.Equal) {
				t.Errorf("recipients %q, want %q", got, test.recipients)
			}
			if len(ids) != len(got) {
				t.Errorf("%d IDs for %d sessions: %v", len(ids), len(got), ids)
			}
		})
	}
}

func TestPolicyReport(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	at := func() time.Time { return now }
	base := Report{Time: now, Receiver: "mx1", ID: "17b.6b03fe53.e38c4", Session: helo.Session{
		Client: netip.MustParseAddr("203.0.113.7"), Verb: helo.VerbEHLO, HELO: "host.example",
		OurIPs: []netip.Addr{netip.MustParseAddr("192.0.2.25")}, Recipients: []string{"rcpt.example"},
	}}
	for name, test := range map[string]struct {
		set  []string
		want func(*Report)
	}{
		"plain":          {nil, func(*Report) {}},
		"HELO":           {[]string{"protocol_name", "SMTP"}, func(r *Report) { r.Verb = helo.VerbHELO }},
		"raw octets":     {[]string{"helo_name", "\x00\xff\x1b[1m=x\r"}, func(r *Report) { r.HELO = "\x00\xff\x1b[1m=x\r" }},
		"no HELO":        {[]string{"helo_name", ""}, func(r *Report) { r.HELO, r.Verb = "", helo.VerbNone }},
		"null sender":    {[]string{"sender", ""}, func(r *Report) { r.NullSender = true }},
		"authenticated":  {[]string{"sasl_username", "u"}, func(r *Report) { r.Auth = true }},
		"submission":     {[]string{"server_port", "587"}, func(r *Report) { r.Submission = true }},
		"submissions":    {[]string{"server_port", "465"}, func(r *Report) { r.Submission = true }},
		"IPv6":           {[]string{"client_address", "2001:db8::7"}, func(r *Report) { r.Client = netip.MustParseAddr("2001:db8::7") }},
		"mapped":         {[]string{"client_address", "::ffff:203.0.113.7"}, func(r *Report) {}},
		"confirmed name": {[]string{"client_name", "a.example"}, func(r *Report) { r.PTR, r.FCrDNS = []string{"a.example"}, true }},
		"unknown server": {[]string{"server_address", "-"}, func(r *Report) { r.OurIPs = nil }},
		"unconfirmed":    {[]string{"reverse_client_name", "a.example"}, func(r *Report) {}},
		"unknown":        {[]string{"x_future", "y", "", "", "no-value", "-"}, func(r *Report) {}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, "tcp", PolicyConfig{Now: at})
			if got := d.dial().ask(request(test.set...)); got != dunno {
				t.Fatal(got)
			}
			want := base
			test.want(&want)
			got := d.all()
			if len(got) != 1 || fmt.Sprintf("%+v", got[0]) != fmt.Sprintf("%+v", want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// TestPolicyAnswersAnything: what is not understood is answered, so that mail goes on, and counted.
func TestPolicyAnswersAnything(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                "\n",
		"no attributes":        "hello\nworld\n\n",
		"binary":               "\x00\x01\xff\xfe\n=\n==\n\n",
		"CRLF":                 "request=smtpd_access_policy\r\n\r\n",
		"another request":      request("request", "junk"),
		"no address":           request("client_address", "-"),
		"unknown address":      request("client_address", "unknown"),
		"no HELO attribute":    request("helo_name", "-"),
		"overlong HELO":        request("helo_name", strings.Repeat("x", 10<<20)),
		"overlong known start": request("recipient", strings.Repeat("\x00", maxAttribute)),
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, "tcp", PolicyConfig{})
			c := d.dial()
			go io.WriteString(c.conn, text)
			if got := c.answer(); got != dunno {
				t.Fatalf("answer %q", got)
			}
			if got := c.ask(request()); got != dunno {
				t.Fatalf("the request after it: %q", got)
			}
			if got := d.all(); len(got) != 1 || got[0].HELO != "host.example" {
				t.Errorf("%+v", got)
			}
			if s := d.policy.Stats(); s.Malformed != 1 || s.Requests != 2 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestPolicyOverlongUnknown: an attribute that nobody reads may be as long as it likes.
func TestPolicyOverlongUnknown(t *testing.T) {
	d := newDesk(t, "tcp", PolicyConfig{})
	c := d.dial()
	if got := c.ask(request("ccert_subject", strings.Repeat("x", 3*maxAttribute))); got != dunno {
		t.Fatal(got)
	}
	if got := d.all(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	if s := d.policy.Stats(); s.Overlong != 1 || s.Malformed != 0 {
		t.Errorf("%+v", s)
	}
}

func TestPolicyRefuses(t *testing.T) {
	listed := netip.MustParseAddr("203.0.113.7")
	config := PolicyConfig{
		Listed: func(a netip.Addr) (string, bool) {
			return "203.0.113.7 is \x1b[1mlisted\r\n\nhttps://bl.example/203.0.113.7", a == listed
		},
		Our: Our{Trusted: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}},
	}
	const reject = `action=REJECT 5.7.1 203.0.113.7 is \x1b[1mlisted\x0d\x0a\x0ahttps://bl.example/203.0.113.7`
	for name, test := range map[string]struct{ request, want string }{
		"listed":        {request(), reject},
		"not listed":    {request("client_address", "203.0.113.8"), dunno},
		"authenticated": {request("sasl_username", "u"), dunno},
		"submission":    {request("server_port", "587"), dunno},
		"no address":    {request("client_address", ""), dunno},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, "tcp", config)
			if got := d.dial().ask(test.request); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	t.Run("trusted", func(t *testing.T) {
		config.Listed = func(netip.Addr) (string, bool) { return "listed", true }
		d := newDesk(t, "tcp", config)
		if got := d.dial().ask(request("client_address", "198.51.100.9")); got != dunno {
			t.Error(got)
		}
	})
}

// TestPolicyQuiet: a session is reported although its connection stays open, and what comes later does not report it again.
func TestPolicyQuiet(t *testing.T) {
	reports := make(chan Report, 10)
	d := newDesk(t, "tcp", PolicyConfig{Report: func(r Report) { reports <- r }}, func(l *policyLimits) { l.quiet = 10 * time.Millisecond })
	c := d.dial()
	c.ask(request())
	if r := <-reports; r.HELO != "host.example" {
		t.Errorf("%+v", r)
	}
	c.ask(request("recipient", "late@rcpt.example"))
	c.ask(request("client_address", "203.0.113.8", "instance", "17b.6b03fe60.1.0"))
	if r := <-reports; r.Client != netip.MustParseAddr("203.0.113.8") {
		t.Errorf("%+v", r)
	}
	d.stop()
	if len(reports) != 0 {
		t.Errorf("%+v", <-reports)
	}
}

func TestPolicyHalfRequest(t *testing.T) {
	d := newDesk(t, "tcp", PolicyConfig{})
	c := d.dial()
	c.send(request() + "request=smtpd_access_policy\nprotocol_")
	c.answer()
	c.conn.(*net.TCPConn).CloseWrite()
	c.closed()
	if got := d.all(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	if s := d.policy.Stats(); s.Broken != 1 {
		t.Errorf("%+v", s)
	}
}

// TestPolicySlowRequest: a request has a time to end, whatever trickles in.
func TestPolicySlowRequest(t *testing.T) {
	d := newDesk(t, "tcp", PolicyConfig{}, func(l *policyLimits) { l.request = 30 * time.Millisecond })
	c := d.dial()
	c.send("request=smtpd_access_policy\n")
	c.closed()
	d.stop()
	if s := d.policy.Stats(); s.Broken != 1 {
		t.Errorf("%+v", s)
	}
}

func TestPolicyIdle(t *testing.T) {
	d := newDesk(t, "tcp", PolicyConfig{}, func(l *policyLimits) { l.idle = 10 * time.Millisecond })
	c := d.dial()
	c.closed()
	d.stop()
	if s := d.policy.Stats(); s.Broken != 0 {
		t.Errorf("%+v", s)
	}
}

// TestPolicyClientThatDoesNotRead is cut off, and others are served meanwhile.
func TestPolicyClientThatDoesNotRead(t *testing.T) {
	d := newDesk(t, "unix", PolicyConfig{}, func(l *policyLimits) { l.write = 2 * time.Second })
	deaf := d.dial()
	flood := strings.Repeat("\n", 1<<20)
	var err error
	for err == nil {
		_, err = io.WriteString(deaf.conn, flood)
	}
	if got := d.dial().ask(request()); got != dunno {
		t.Error(got)
	}
	d.stop()
	if s := d.policy.Stats(); s.Broken != 1 {
		t.Errorf("%+v", s)
	}
}

// TestPolicyConnectionLimit: the connection that was idle for longest makes room.
func TestPolicyConnectionLimit(t *testing.T) {
	d := newDesk(t, "tcp", PolicyConfig{}, func(l *policyLimits) { l.connections = 2 })
	young, old := d.dial(), d.dial()
	old.ask(request())
	young.ask(request())
	third := d.dial()
	if got := third.ask(request()); got != dunno {
		t.Error(got)
	}
	old.closed()
	if got := young.ask(request()); got != dunno {
		t.Error(got)
	}
	if s := d.policy.Stats(); s.Evicted != 1 || s.Connections != 3 {
		t.Errorf("%+v", s)
	}
}

// TestPolicyFullQueue: reports are lost before mail is held up.
func TestPolicyFullQueue(t *testing.T) {
	release := make(chan struct{})
	d := newDesk(t, "tcp", PolicyConfig{Report: func(Report) { <-release }}, func(l *policyLimits) { l.queue = 1 })
	c := d.dial()
	for i := range 10 {
		if got := c.ask(request("instance", fmt.Sprintf("17b.6b03fe5%d.1.0", i))); got != dunno {
			t.Fatal(got)
		}
	}
	close(release)
	d.stop()
	if s := d.policy.Stats(); s.Sessions+s.Dropped != 10 || s.Dropped < 6 {
		t.Errorf("%+v", s)
	}
}

func TestPolicyConfig(t *testing.T) {
	if _, err := NewPolicy(PolicyConfig{}); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Error(err)
	}
}

func BenchmarkPolicy(b *testing.B) {
	raw, err := os.ReadFile("testdata/postfix-policy-requests.txt")
	if err != nil {
		b.Fatal(err)
	}
	requests := bytes.SplitAfter(raw, []byte("\n\n"))
	d := newDesk(b, "unix", PolicyConfig{Report: func(Report) {}})
	c := d.dial()
	c.conn.SetDeadline(time.Time{})
	buf := make([]byte, 64)
	b.SetBytes(int64(len(raw) / len(requests)))
	for i := 0; b.Loop(); i++ {
		if _, err := c.conn.Write(requests[i%46]); err != nil {
			b.Fatal(err)
		}
		if n, err := c.conn.Read(buf); err != nil || n != len(dunno)+2 {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
