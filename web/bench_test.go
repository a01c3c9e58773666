package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/removal"
)

// ready is a desk that has all answers at hand: what is measured is the door.
type ready struct {
	*counter
	about    desk.About
	decision removal.Decision
}

func (r ready) About(context.Context, netip.Addr) (desk.About, error) { return r.about, nil }

func (r ready) Judged(desk.About, time.Time) removal.Decision { return r.decision }

func benchmark(b *testing.B, path string) {
	h := newHouse(b)
	h.busySender()
	about, err := h.desk.About(b.Context(), netip.MustParseAddr("192.0.2.7"))
	if err != nil {
		b.Fatal(err)
	}
	h.server.parts.Desk = ready{h.desk, about, delist.Judge(about.Facts, noon)}
	c := testConfig(b)
	c.Limits = Limits{WebPerMinute: 1 << 30, APIPerMinute: 1 << 30}
	if err := h.server.Configure(c); err != nil {
		b.Fatal(err)
	}
	h.gets(b, path)
}

// gets has a page made again and again, without the socket.
func (h *house) gets(b *testing.B, path string) {
	handler := h.server.Handler()
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

func BenchmarkPageListed(b *testing.B) { benchmark(b, "/192.0.2.7") }
func BenchmarkPageClear(b *testing.B)  { benchmark(b, "/198.51.100.7") }
func BenchmarkCriteria(b *testing.B)   { benchmark(b, "/criteria") }
func BenchmarkJSONListed(b *testing.B) { benchmark(b, "/api/v1/ip/192.0.2.7") }
func BenchmarkJSONClear(b *testing.B)  { benchmark(b, "/api/v1/ip/198.51.100.7") }

// The same through a real socket and a store on disk.
func BenchmarkSocket(b *testing.B) {
	h := newHouse(b, func(c *Config) { c.Limits.APIPerMinute = 1 << 30 })
	h.add("192.0.2.7", "helo-bare-ip")
	h.evident("192.0.2.7", "helo-bare-ip", "192.0.2.7")
	for b.Loop() {
		h.get("/api/v1/ip/192.0.2.7", "").has(b, http.StatusOK)
	}
}

// Beside a store on disk, without the socket.
func benchmarkDesk(b *testing.B, path string) {
	h := newHouse(b, func(c *Config) { c.Limits.APIPerMinute, c.Limits.WebPerMinute = 1<<30, 1<<30 })
	h.busySender()
	h.gets(b, path)
}

func BenchmarkDeskPage(b *testing.B) { benchmarkDesk(b, "/192.0.2.7") }
func BenchmarkDeskJSON(b *testing.B) { benchmarkDesk(b, "/api/v1/ip/192.0.2.7") }
