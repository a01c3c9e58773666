package mta

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/listing/helo"
)

const zone = `
	mail.sender.example            A     203.0.113.7
	mail.sender.example            A     203.0.113.8
	six.sender.example             AAAA  2001:db8::7
	empty.sender.example           -
	www.sender.example             CNAME mail.sender.example
	dangling.sender.example        CNAME gone.sender.example
	self.sender.example            CNAME self.sender.example
	round.sender.example           CNAME about.sender.example
	about.sender.example           CNAME round.sender.example
	forged.sender.example          A     203.0.113.7
	big.sender.example             A     203.0.113.7
	deaf.sender.example            A     203.0.113.7
	silent.sender.example          A     203.0.113.7
	broken.sender.example          A     203.0.113.7
	7.113.0.203.in-addr.arpa       PTR   mail.sender.example
	8.113.0.203.in-addr.arpa       CNAME 8.net.sender.example
	8.net.sender.example           PTR   mail.sender.example
`

func newTestResolver(t testing.TB, s *dnsServer, set func(*ResolverConfig)) *Resolver {
	t.Helper()
	config := ResolverConfig{Server: s.addr, Timeout: 300 * time.Millisecond, Retry: 50 * time.Millisecond}
	if set != nil {
		set(&config)
	}
	r, err := NewResolver(config)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLookup(t *testing.T) {
	r := newTestResolver(t, newDNSServer(t, zone), nil)
	for _, test := range []struct {
		name, kind, want string
	}{
		{"mail.sender.example", "A", "ok [203.0.113.7 203.0.113.8]"},
		{"MAIL.Sender.Example.", "A", "ok [203.0.113.7 203.0.113.8]"},
		{"six.sender.example", "AAAA", "ok [2001:db8::7]"},
		{"six.sender.example", "A", "nodata []"},
		{"empty.sender.example", "A", "nodata []"},
		{"gone.sender.example", "A", "nxdomain []"},
		{"www.sender.example", "A", "ok [203.0.113.7 203.0.113.8]"},
		{"www.sender.example", "AAAA", "nodata []"},
		{"dangling.sender.example", "A", "nxdomain []"},
		{"self.sender.example", "A", "temp []"},
		{"round.sender.example", "A", "temp []"},
		{"servfail.example", "A", "temp []"},
		{"refused.example", "A", "temp []"},
		{"formerr.example", "A", "temp []"},
		{"referral.example", "A", "temp []"},
		{"silent.sender.example", "A", "temp []"},
		{"broken.sender.example", "A", "temp []"},
		{"deaf.sender.example", "A", "ok [203.0.113.7]"},
		{"forged.sender.example", "A", "ok [203.0.113.7]"},
		{"big.sender.example", "A", "ok [203.0.113.7]"},
		{"7.113.0.203.in-addr.arpa", "PTR", "ok [mail.sender.example]"},
		{"8.113.0.203.in-addr.arpa", "PTR", "ok [mail.sender.example]"},
		{"9.113.0.203.in-addr.arpa", "PTR", "nxdomain []"},
		{strings.Repeat("x", 64) + ".example", "A", "nxdomain []"},
		{strings.Repeat("xxxxxxx.", 40) + "example", "A", "nxdomain []"},
		{"a..example", "A", "nxdomain []"},
	} {
		kind := map[string]dnsmessage.Type{"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "PTR": dnsmessage.TypePTR}[test.kind]
		for _, times := range []string{"asked", "from the cache"} {
			a := r.Lookup(context.Background(), test.name, kind)
			var records []string
			for _, addr := range a.Addrs {
				records = append(records, addr.String())
			}
			if got := fmt.Sprint(a.Status, " ", append(records, a.Names...)); got != test.want {
				t.Errorf("%s %s, %s: got %s, want %s", test.name, test.kind, times, got, test.want)
			}
		}
	}
}

func TestLookupServerGone(t *testing.T) {
	r, err := NewResolver(ResolverConfig{Server: netip.MustParseAddrPort("127.0.0.1:1"), Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if a := r.Lookup(context.Background(), "mail.sender.example", dnsmessage.TypeA); a.Status != helo.TempError {
		t.Error(a)
	}
}

func TestLookupMixCase(t *testing.T) {
	s := newDNSServer(t, zone)
	r := newTestResolver(t, s, func(c *ResolverConfig) { c.MixCase = true })
	name := "mail.sender.example"
	if a := r.Lookup(context.Background(), name, dnsmessage.TypeA); a.Status != helo.OK {
		t.Error(a)
	}
	if a := r.Lookup(context.Background(), name, dnsmessage.TypeAAAA); a.Status != helo.NoData {
		t.Error(a)
	}
	s.mu.Lock()
	spelt := s.names
	s.mu.Unlock()
	if spelt[0] == name+"." && spelt[1] == name+"." {
		t.Errorf("asked for %q", spelt)
	}
	e, err := newExchange(question{name, dnsmessage.TypeA}, true)
	if err != nil {
		t.Fatal(err)
	}
	q := e.question
	q.Name = dnsmessage.MustNewName(strings.ToUpper(name) + ".")
	if e.asked(q) {
		t.Error("another spelling of the name was taken")
	}
}

func TestLookupCache(t *testing.T) {
	s := newDNSServer(t, zone)
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	r := newTestResolver(t, s, func(c *ResolverConfig) {
		c.Now = func() time.Time { return now }
		c.Cache = 2
	})
	ask := func(name string) []string {
		r.Lookup(context.Background(), name, dnsmessage.TypeA)
		return s.questions()
	}
	for _, step := range []struct {
		after time.Duration
		name  string
		asked bool
	}{
		{0, "mail.sender.example", true},
		{299 * time.Second, "mail.sender.example", false},
		{time.Second, "mail.sender.example", true}, // its TTL is over
		{0, "gone.sender.example", true},
		{0, "mail.sender.example", false},
		{0, "empty.sender.example", true}, // the third: gone makes room
		{0, "mail.sender.example", false},
		{0, "gone.sender.example", true},
		{0, "servfail.example", true},
		{4 * time.Second, "servfail.example", false},
		{time.Second, "servfail.example", true}, // failures are soon forgotten
	} {
		now = now.Add(step.after)
		if asked := ask(step.name); (len(asked) > 0) != step.asked {
			t.Errorf("after %v, %s: asked %q", step.after, step.name, asked)
		}
	}
}

// TestNegativeTTL: how long an answer may be kept that there is nothing (RFC 2308, section 5).
func TestNegativeTTL(t *testing.T) {
	s := &dnsServer{t: t}
	for _, rcode := range []dnsmessage.RCode{dnsmessage.RCodeSuccess, dnsmessage.RCodeNameError} {
		for _, test := range []struct{ ttl, minimum, want uint32 }{{60, 900, 60}, {900, 60, 60}, {0, 0, 0}} {
			e, err := newExchange(question{"gone.example", dnsmessage.TypeA}, false)
			if err != nil {
				t.Fatal(err)
			}
			name := dnsmessage.MustNewName("example.")
			answer, ours, err := e.read(s.pack(dnsmessage.Message{
				Header:    dnsmessage.Header{ID: e.id, Response: true, RecursionAvailable: true, RCode: rcode},
				Questions: []dnsmessage.Question{e.question},
				Authorities: []dnsmessage.Resource{
					{Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 5}, Body: &dnsmessage.NSResource{NS: name}},
					{Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: test.ttl}, Body: &dnsmessage.SOAResource{NS: name, MBox: name, MinTTL: test.minimum}},
				},
			}))
			if !ours || err != nil || answer.ttl != time.Duration(test.want)*time.Second {
				t.Errorf("%v, %+v: %+v, %v, %v", rcode, test, answer, ours, err)
			}
			if life := answer.life(question{kind: dnsmessage.TypeA}); life < shortestLife || life > longestNone {
				t.Errorf("kept for %v", life)
			}
		}
	}
}

// TestLookupOnce: questions asked at one time are sent once, and who gives up does not spoil it for the others.
func TestLookupOnce(t *testing.T) {
	s := newDNSServer(t, zone)
	r := newTestResolver(t, s, nil)
	hasty, cancel := context.WithCancel(context.Background())
	cancel()
	if a := r.Lookup(hasty, "deaf.sender.example", dnsmessage.TypeA); a.Status != helo.TempError {
		t.Error(a)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if a := r.Lookup(context.Background(), "deaf.sender.example", dnsmessage.TypeA); a.Status != helo.OK {
				t.Error(a)
			}
		})
	}
	all.Wait()
	if asked := s.questions(); len(asked) != 2 { // the first try, which is not heard, and the second
		t.Errorf("asked %q", asked)
	}
}

// TestLookupBounded: beyond the limits, questions fail at once instead of piling up.
func TestLookupBounded(t *testing.T) {
	s := newDNSServer(t, "")
	r := newTestResolver(t, s, func(c *ResolverConfig) { c.Queries, c.Timeout = 1, 50*time.Millisecond })
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			if a := r.Lookup(context.Background(), fmt.Sprintf("silent.n%d.example", i), dnsmessage.TypeA); a.Status != helo.TempError {
				t.Error(a)
			}
		})
	}
	all.Wait()
	if asked := s.questions(); len(asked) > 10 {
		t.Errorf("%d questions", len(asked))
	}
}

// TestPace: after the burst comes one an interval, and nobody waits beyond his deadline.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace{interval: 10 * time.Millisecond, burst: 30 * time.Millisecond}
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Millisecond)
		defer cancel()
		began := time.Now()
		var at []time.Duration
		for range 20 {
			if p.wait(ctx) {
				at = append(at, time.Since(began))
			}
		}
		if want := []time.Duration{0, 0, 0, 10 * time.Millisecond}; !slices.Equal(at, want) {
			t.Errorf("let through at %v, want %v", at, want)
		}
	})
}

func TestResolverConfig(t *testing.T) {
	for _, bad := range []ResolverConfig{{}, {Server: netip.MustParseAddrPort("127.0.0.1:0")}, {Server: netip.MustParseAddrPort("127.0.0.1:53"), Rate: -1}} {
		if _, err := NewResolver(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// FuzzAnswer: no message makes the reader fall over, and what is not an answer to the question is not taken for one.
func FuzzAnswer(f *testing.F) {
	s := &dnsServer{t: f, zone: map[string][]dnsmessage.Resource{}}
	for line := range strings.Lines(zone) {
		s.parse(line)
	}
	e, err := newExchange(question{"www.sender.example", dnsmessage.TypeA}, false)
	if err != nil {
		f.Fatal(err)
	}
	e.id = 7
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true}, Questions: []dnsmessage.Question{e.question}}
	query := s.pack(m)
	for _, reply := range s.replies(query, false) {
		f.Add(reply)
	}
	for _, reply := range s.forgeries(m) {
		f.Add(reply)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		answer, ours, err := e.read(message)
		if !ours && (err != nil || answer.Status != helo.Unset) {
			t.Errorf("%+v, %v", answer, err)
		}
		known := []helo.Status{helo.OK, helo.NXDomain, helo.NoData, helo.TempError}
		if ours && err == nil && !slices.Contains(known, answer.Status) {
			t.Errorf("%+v", answer)
		}
		if (answer.Status == helo.OK) != (len(answer.Addrs) > 0) {
			t.Errorf("%+v", answer)
		}
	})
}
