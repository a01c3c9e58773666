package web

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/listing/index"
)

func TestMetrics(t *testing.T) {
	h := newHouse(t)
	h.busySender()
	h.get("/192.0.2.7", "").has(t, 200)
	h.get("/nonsense", "").has(t, 404)
	other := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "dnsbld_test", Help: "a \\ and\nb"}, []string{"x", "y"})
	other.WithLabelValues("\"\\\n", "").Set(1.5)
	other.WithLabelValues("a", "b").Set(1e10)
	h.server.parts.Metrics = []prometheus.Collector{other}
	h.server.registry = prometheus.NewRegistry()
	if err := h.server.register(); err != nil {
		t.Fatal(err)
	}
	if err := h.server.register(); err == nil {
		t.Error("a name is there twice")
	}
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.server.Metrics().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w
	}
	text := get("/metrics").Body.String()
	for _, want := range []string{
		`dnsbld_web_requests_total{page="address",status="2xx"} 1` + "\n", `dnsbld_web_requests_total{page="address",status="4xx"} 1` + "\n",
		"dnsbld_list_hosts 1\n", "# TYPE dnsbld_list_hosts gauge\n",
		"# HELP dnsbld_test a \\\\ and\\nb\n", `dnsbld_test{x="\"\\\n",y=""} 1.5` + "\n", `dnsbld_test{x="a",y="b"} 1e+10` + "\n", "process_open_fds ", "go_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	line := regexp.MustCompile(`^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\})? [0-9.e+-]+)$`)
	for l := range strings.Lines(text) {
		if !line.MatchString(strings.TrimSuffix(l, "\n")) {
			t.Errorf("not in the text format: %q", l)
		}
	}
	if w := get("/healthz"); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("healthz: %d %s", w.Code, w.Body)
	}
	if w := get("/readyz"); w.Code != 200 {
		t.Errorf("readyz: %d %s", w.Code, w.Body)
	}
	h.server.parts.View = index.NewLive()
	if w := get("/readyz"); w.Code != 503 || w.Body.String() != "the list is being loaded\n" {
		t.Errorf("readyz: %d %s", w.Code, w.Body)
	}
	if w := get("/192.0.2.7"); w.Code != 404 {
		t.Errorf("the monitoring door shows pages: %d", w.Code)
	}
}

// Before the list is loaded nothing is said to be clear.
func TestNotLoaded(t *testing.T) {
	h := newHouse(t)
	h.server.parts.View = index.NewLive()
	for _, path := range []string{"/192.0.2.7", "/api/v1/ip/192.0.2.7"} {
		h.get(path, "").has(t, http.StatusServiceUnavailable, "being loaded")
	}
	w := httptest.NewRecorder()
	h.server.Metrics().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("readyz: %d", w.Code)
	}
}
