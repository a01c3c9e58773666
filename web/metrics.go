package web

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// pageKind is what was asked for.
type pageKind uint8

const (
	pageHome pageKind = iota
	pageAddress
	pageRequest
	pageTicket
	pageCriteria
	pageFix
	pageResult
	pageAPI
	pageStatic
	pageKinds
)

var pageNames = [pageKinds]string{"home", "address", "request", "ticket", "criteria", "fix", "result", "api", "static"}

// pageMetrics count requests by page, and by the hundreds of the status.
type pageMetrics struct {
	requests, seconds *prometheus.CounterVec
}

// newPageMetrics begins every series at zero.
func newPageMetrics() pageMetrics {
	m := pageMetrics{
		prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dnsbld_web_requests_total", Help: "Requests answered, by page and status."}, []string{"page", "status"}),
		prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dnsbld_web_request_seconds_total", Help: "Time spent answering, by page."}, []string{"page"}),
	}
	for _, page := range pageNames { // a rate needs the zero before the first request
		m.seconds.WithLabelValues(page)
		for hundred := 2; hundred < 6; hundred++ {
			m.requests.WithLabelValues(page, hundreds(100*hundred))
		}
	}
	return m
}

// hundreds is the class of a status: "4xx".
func hundreds(status int) string { return strconv.Itoa(min(status/100, 5)) + "xx" }

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status and passes it on.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// count counts the requests for a kind of page and the time they took.
func (s *Server) count(kind pageKind, next http.Handler) http.Handler {
	page := pageNames[kind]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		sw := statusWriter{w, http.StatusOK}
		next.ServeHTTP(&sw, r)
		s.counts.requests.WithLabelValues(page, hundreds(sw.status)).Inc()
		s.counts.seconds.WithLabelValues(page).Add(time.Since(began).Seconds())
	})
}

// register brings all metrics of the daemon together. A name that two of them
// have is an error.
func (s *Server) register() error {
	all := append([]prometheus.Collector{s.counts.requests, s.counts.seconds, listMetrics{s.parts.View},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}, s.parts.Metrics...)
	for _, c := range all {
		if err := s.registry.Register(c); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
	}
	return nil
}

// Metrics answers a monitoring system: /metrics, /healthz (the process is
// alive) and /readyz (it answers from the list). It tells nothing of persons,
// but is not meant for the public.
func (s *Server) Metrics() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusOK, "text/plain; charset=utf-8", bytes.NewBufferString("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		status, text := http.StatusOK, "ready\n"
		if s.parts.View.Set() == nil {
			status, text = http.StatusServiceUnavailable, "the list is being loaded\n"
		}
		send(w, status, "text/plain; charset=utf-8", bytes.NewBufferString(text))
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry,
		promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(s.parts.Log.Handler(), slog.LevelWarn)}))
	return mux
}

// listMetrics are the sizes of the list that is served.
type listMetrics struct{ view View }

// Describe names none ahead: there are none before the list is loaded.
func (listMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect reads all of them from one Set.
func (m listMetrics) Collect(to chan<- prometheus.Metric) {
	set := m.view.Set()
	if set == nil {
		return
	}
	gauge := func(name, help string, v int) {
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc("dnsbld_list_"+name, help, nil, nil), prometheus.GaugeValue, float64(v))
	}
	stats := set.Stats()
	gauge("revision", "Revision that is served.", int(set.Revision()))
	gauge("hosts", "Entries that list one address.", stats.Hosts)
	gauge("prefixes", "Entries that list more than one address.", stats.Prefixes)
	gauge("exceptions", "Entries that take out of others.", stats.Exceptions)
	gauge("allows", "Allow entries.", stats.Allows)
	gauge("sources", "Imported feeds.", stats.Sources)
	gauge("bytes", "Memory of the served view, estimated.", int(stats.Bytes))
}
