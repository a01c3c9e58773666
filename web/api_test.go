package web

import (
	"net/netip"
	"testing"
	"time"

	"dnsbld/listing"
)

func TestAPI(t *testing.T) {
	h := newHouse(t)
	h.busySender()
	h.add("192.0.2.0/24", "manual", func(a *listing.Add) { a.PublicNote = "a test"; a.For = listing.Life(listing.Day) })
	for name, path := range map[string]string{
		"listed": "/api/v1/ip/192.0.2.7", "mapped": "/api/v1/ip/::ffff:192.0.2.8", "clear": "/api/v1/ip/2001:db8::7",
		"prefix": "/api/v1/ip/192.0.2.0/24", "nonsense": "/api/v1/ip/%22%3Cx%3E%ff", "empty": "/api/v1/ip/", "nowhere": "/api/v2/ip", "criteria": "/api/v1/criteria",
	} {
		a := h.get(path, "")
		if kind := a.header.Get("Content-Type"); kind != "application/json" {
			t.Errorf("%s is %s", path, kind)
		}
		golden(t, name+".json", a.body)
	}
}

func TestRateLimit(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Limits.WebPerMinute, c.Limits.APIPerMinute = 6, 3 })
	for range 3 {
		h.get("/api/v1/ip/192.0.2.7", "198.51.100.9").has(t, 200)
	}
	a := h.get("/api/v1/ip/192.0.2.7", "198.51.100.9")
	a.has(t, 429, `"code":"rate-limited"`)
	if got := a.header.Get("Retry-After"); got != "20" {
		t.Errorf("Retry-After: %s", got)
	}
	h.get("/api/v1/ip/192.0.2.7", "198.51.100.10").has(t, 200)
	h.get("/", "198.51.100.9").has(t, 200) // pages are counted apart
	h.post("/192.0.2.7", "198.51.100.9", "").has(t, 200)
	a = h.get("/", "198.51.100.9")
	a.has(t, 429, "Too many requests")
	wellFormed(t, a.body)
	h.advance(20 * time.Second)
	h.get("/api/v1/ip/192.0.2.7", "198.51.100.9").has(t, 200)
	for n, from := range []string{"2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::", "2001:db8::1"} {
		h.get("/api/v1/ip/192.0.2.7", from).has(t, map[bool]int{true: 200, false: 429}[n < 3])
	}
	h.get("/api/v1/ip/192.0.2.7", "2001:db8:0:1::").has(t, 200)
}

func TestLoopbackExemption(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Limits.WebPerMinute, c.Limits.ExemptLoopback = 1, true; c.TrustedProxies = nil })
	for range 5 {
		h.get("/", "").has(t, 200)
	}
}

// The trusted proxies are exchanged with the rest of the configuration.
func TestTrustedProxiesAreExchanged(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Limits.APIPerMinute, c.TrustedProxies = 1, nil })
	h.get("/api/v1/ip/192.0.2.7", "198.51.100.9").has(t, 200)
	h.get("/api/v1/ip/192.0.2.7", "198.51.100.10").has(t, 429) // nobody is believed: one client
	next := h.server.site.Load().Config
	next.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	if err := h.server.Configure(next); err != nil {
		t.Fatal(err)
	}
	h.get("/api/v1/ip/192.0.2.7", "198.51.100.9").has(t, 200)
	h.get("/api/v1/ip/192.0.2.7", "198.51.100.10").has(t, 200)
}

// Memory is bounded whatever comes: what is kept of clients has two
// generations of a bounded number.
func TestLimiterIsBounded(t *testing.T) {
	l, now := newLimiter(10), noon
	a := netip.MustParseAddr("10.0.0.0")
	for n := range 3 * maxLimited {
		if l.take(a, 1, now); len(l.young) > maxLimited || len(l.old) > maxLimited {
			t.Fatalf("after %d clients: %d and %d", n, len(l.young), len(l.old))
		}
		a = a.Next()
	}
	l.take(a, 1, now.Add(minute))
	l.take(a, 1, now.Add(2*minute))
	if len(l.young)+len(l.old) > 2 {
		t.Errorf("%d and %d are kept", len(l.young), len(l.old))
	}
}

// Against a bucket that is counted plainly.
func TestLimiter(t *testing.T) {
	l, who, now := newLimiter(6), netip.MustParseAddr("192.0.2.7"), noon
	for n, c := range []struct {
		after  time.Duration
		tokens int
		wait   time.Duration
	}{
		{0, 5, 0}, {0, 1, 0}, {0, 1, 10 * time.Second}, {0, 1, 10 * time.Second}, {9 * time.Second, 1, time.Second}, {time.Second, 1, 0},
		{10 * time.Second, 5, 40 * time.Second}, {40 * time.Second, 5, 0}, {2 * time.Minute, 6, 0}, {0, 100, time.Minute}, {time.Minute, 100, 0},
		{-time.Hour, 1, 0},
	} {
		now = now.Add(c.after)
		if wait := l.take(who, c.tokens, now); wait != c.wait {
			t.Errorf("step %d: wait %s, want %s", n, wait, c.wait)
		}
	}
}
