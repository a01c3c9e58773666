package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Metric is a family of the Prometheus text format, version 0.0.4. Name and
// label names are valid there: letters, digits and underscores.
type Metric struct {
	Name, Help string
	Type       string // "counter" or "gauge"
	Values     []Value
}

// Value is one sample of a Metric. Labels are names and values in turn.
type Value struct {
	Labels []string
	Value  float64
}

// pageKind is what was asked for.
type pageKind uint8

const (
	pageHome pageKind = iota
	pageAddress
	pageRequest
	pageCriteria
	pageAPI
	pageStatic
	pageKinds
)

var pageNames = [pageKinds]string{"home", "address", "request", "criteria", "api", "static"}

// counts are of requests since the start.
type counts struct {
	answers [pageKinds][6]atomic.Uint64 // by the hundreds of the status
	nanos   [pageKinds]atomic.Int64
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (s *Server) count(kind pageKind, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		sw := statusWriter{w, http.StatusOK}
		next.ServeHTTP(&sw, r)
		s.counts.answers[kind][min(sw.status/100, 5)].Add(1)
		s.counts.nanos[kind].Add(int64(time.Since(began)))
	})
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
		if err := s.ready(); err != nil {
			status, text = http.StatusServiceUnavailable, err.Error()+"\n"
		}
		send(w, status, "text/plain; charset=utf-8", bytes.NewBufferString(text))
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		body := buffer()
		defer release(body)
		for _, m := range s.metrics() {
			m.write(body)
		}
		send(w, http.StatusOK, "text/plain; version=0.0.4; charset=utf-8", body)
	})
	return mux
}

func (s *Server) ready() error {
	if s.parts.View.Set() == nil {
		return fmt.Errorf("the list is being loaded")
	}
	if s.parts.Ready != nil {
		return s.parts.Ready()
	}
	return nil
}

func (s *Server) metrics() []Metric {
	requests := Metric{Name: "dnsbld_web_requests_total", Help: "Requests answered, by page and status.", Type: "counter"}
	spent := Metric{Name: "dnsbld_web_request_seconds_total", Help: "Time spent answering, by page.", Type: "counter"}
	for kind, name := range pageNames {
		for hundred := 2; hundred < 6; hundred++ {
			requests.Values = append(requests.Values, Value{[]string{"page", name, "status", strconv.Itoa(hundred) + "xx"},
				float64(s.counts.answers[kind][hundred].Load())})
		}
		spent.Values = append(spent.Values, Value{[]string{"page", name}, time.Duration(s.counts.nanos[kind].Load()).Seconds()})
	}
	all := []Metric{requests, spent}
	gauge := func(name, help string, v float64) {
		all = append(all, Metric{Name: name, Help: help, Type: "gauge", Values: []Value{{nil, v}}})
	}
	if set := s.parts.View.Set(); set != nil {
		stats := set.Stats()
		gauge("dnsbld_list_revision", "Revision that is served.", float64(set.Revision()))
		gauge("dnsbld_list_hosts", "Entries that list one address.", float64(stats.Hosts))
		gauge("dnsbld_list_prefixes", "Entries that list more than one address.", float64(stats.Prefixes))
		gauge("dnsbld_list_exceptions", "Entries that take out of others.", float64(stats.Exceptions))
		gauge("dnsbld_list_allows", "Allow entries.", float64(stats.Allows))
		gauge("dnsbld_list_sources", "Imported feeds.", float64(stats.Sources))
		gauge("dnsbld_list_bytes", "Memory of the served view, estimated.", float64(stats.Bytes))
	}
	if s.parts.Metrics != nil {
		all = append(all, s.parts.Metrics()...)
	}
	return all
}

// Escapes of the text format.
var (
	helpText   = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelValue = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func (m Metric) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", m.Name, helpText.Replace(m.Help), m.Name, m.Type)
	for _, v := range m.Values {
		b.WriteString(m.Name)
		for i := 0; i+1 < len(v.Labels); i += 2 {
			b.WriteByte("{,"[min(i, 1)])
			fmt.Fprintf(b, `%s="%s"`, v.Labels[i], labelValue.Replace(v.Labels[i+1]))
		}
		if len(v.Labels) > 1 {
			b.WriteByte('}')
		}
		fmt.Fprintf(b, " %s\n", strconv.FormatFloat(v.Value, 'g', -1, 64))
	}
}
