package resolve

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/time/rate"

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

// newTestResolver waits for an answer for as long as it takes: a question that is sent
// again would be counted twice. For the silent and the deaf there are hasty ones.
func newTestResolver(t testing.TB, s *dnsServer, set func(*Resolver)) *Resolver {
	t.Helper()
	r, err := New(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	r.timeout, r.retry = time.Minute, time.Minute
	if set != nil {
		set(r)
	}
	return r
}

func TestLookup(t *testing.T) {
	s := newDNSServer(t, zone)
	patient := newTestResolver(t, s, nil)
	again := newTestResolver(t, s, func(r *Resolver) { r.retry = 50 * time.Millisecond })
	hasty := newTestResolver(t, s, func(r *Resolver) { r.timeout = 300 * time.Millisecond })
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
		kind := map[string]uint16{"A": dns.TypeA, "AAAA": dns.TypeAAAA, "PTR": dns.TypePTR}[test.kind]
		r := patient
		switch who, _, _ := strings.Cut(test.name, "."); who {
		case "deaf":
			r = again
		case "silent", "broken":
			r = hasty
		}
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
	r := newTestResolver(t, &dnsServer{addr: netip.MustParseAddrPort("127.0.0.1:1")}, func(r *Resolver) { r.timeout = 300 * time.Millisecond })
	if a := r.Lookup(context.Background(), "mail.sender.example", dns.TypeA); a.Status != helo.TempError {
		t.Error(a)
	}
}

func TestLookupCache(t *testing.T) {
	s := newDNSServer(t, zone)
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	r := newTestResolver(t, s, func(r *Resolver) {
		r.now = func() time.Time { return now }
		r.cache.Resize(2)
	})
	ask := func(name string) []string {
		r.Lookup(context.Background(), name, dns.TypeA)
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
	for _, rcode := range []int{dns.RcodeSuccess, dns.RcodeNameError} {
		for _, test := range []struct{ ttl, minimum, want uint32 }{{60, 900, 60}, {900, 60, 60}, {0, 0, 0}} {
			sent := new(dns.Msg).SetQuestion("gone.example.", dns.TypeA)
			m := new(dns.Msg).SetRcode(sent, rcode)
			m.RecursionAvailable = true
			m.Ns = []dns.RR{s.record("example. 5 NS example."), s.record(fmt.Sprintf("example. %d SOA example. example. 1 1 1 1 %d", test.ttl, test.minimum))}
			answer, ours, err := read(s.pack(m), sent)
			if !ours || err != nil || answer.ttl != time.Duration(test.want)*time.Second {
				t.Errorf("%v, %+v: %+v, %v, %v", rcode, test, answer, ours, err)
			}
			if life := answer.life(dns.TypeA); life < shortestLife || life > longestNone {
				t.Errorf("kept for %v", life)
			}
		}
	}
}

// TestReadStrict: what a forger could leave out or add is no answer, and a message that was cut is a failure, between its records too.
func TestReadStrict(t *testing.T) {
	s := &dnsServer{t: t}
	sent := new(dns.Msg).SetQuestion("mail.sender.example.", dns.TypeA)
	m := new(dns.Msg).SetReply(sent)
	m.RecursionAvailable = true
	m.Answer = []dns.RR{s.record("MAIL.sender.example. 60 A 203.0.113.7"), s.record("mail.sender.example. 60 A 203.0.113.8")}
	whole := s.pack(m)
	if answer, ours, err := read(whole, sent); !ours || err != nil || fmt.Sprint(answer.Addrs) != "[203.0.113.7 203.0.113.8]" {
		t.Errorf("%+v, %v, %v", answer, ours, err)
	}
	m.Answer = m.Answer[:1]
	for _, cut := range []int{len(whole) - 1, len(s.pack(m))} {
		if answer, ours, err := read(whole[:cut], sent); !ours || err != nil || answer.Status != helo.TempError {
			t.Errorf("cut after %d of %d octets: %+v, %v, %v", cut, len(whole), answer, ours, err)
		}
	}
	for _, forged := range s.forgeries(m) {
		if answer, ours, _ := read(forged, sent); ours {
			t.Errorf("%x was taken: %+v", forged, answer)
		}
	}
}

// TestLookupOnce: questions asked at one time are sent once, and who gives up does not spoil it for the others.
func TestLookupOnce(t *testing.T) {
	s := newDNSServer(t, zone)
	r := newTestResolver(t, s, func(r *Resolver) { r.retry = 200 * time.Millisecond })
	hasty, cancel := context.WithCancel(context.Background())
	cancel()
	if a := r.Lookup(hasty, "deaf.sender.example", dns.TypeA); a.Status != helo.TempError {
		t.Error(a)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if a := r.Lookup(context.Background(), "deaf.sender.example", dns.TypeA); a.Status != helo.OK {
				t.Error(a)
			}
		})
	}
	all.Wait()
	// The first try, which is not heard, and the second; more where the answer takes long.
	if asked := s.questions(); len(asked) < 2 || len(asked) > 10 {
		t.Errorf("asked %q", asked)
	}
}

// TestLookupBounded: beyond the limits, questions fail at once instead of piling up.
func TestLookupBounded(t *testing.T) {
	s := newDNSServer(t, "")
	r := newTestResolver(t, s, func(r *Resolver) { r.slots, r.timeout = make(chan struct{}, 1), 500*time.Millisecond })
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			if a := r.Lookup(context.Background(), fmt.Sprintf("silent.n%d.example", i), dns.TypeA); a.Status != helo.TempError {
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
	s := newDNSServer(t, "")
	r := newTestResolver(t, s, func(r *Resolver) { r.pace = rate.NewLimiter(rate.Every(time.Hour), 3) })
	var failed int
	for i := range 20 {
		if a := r.Lookup(t.Context(), fmt.Sprintf("n%d.example", i), dns.TypeA); a.Status == helo.TempError {
			failed++
		}
	}
	if asked := s.questions(); len(asked) != 3 || failed != 17 {
		t.Errorf("asked %q, %d failed", asked, failed)
	}
}

func TestNew(t *testing.T) {
	for _, bad := range []netip.AddrPort{{}, netip.MustParseAddrPort("127.0.0.1:0")} {
		if _, err := New(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

// FuzzAnswer: no message makes the reader fall over, and what is not an answer to the question is not taken for one.
func FuzzAnswer(f *testing.F) {
	s := &dnsServer{t: f, zone: map[string][]dns.RR{}}
	for line := range strings.Lines(zone) {
		s.parse(line)
	}
	sent := new(dns.Msg).SetQuestion("www.sender.example.", dns.TypeA)
	sent.Id = 7
	for _, reply := range append(s.replies(s.pack(sent), false), s.forgeries(sent)...) {
		f.Add(reply)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		answer, ours, err := read(message, sent)
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
