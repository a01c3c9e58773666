package zone

import (
	"net"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/connlimit"
)

// Every number that DNS counts is among the metrics, each once.
func TestMetrics(t *testing.T) {
	c := config(t)
	c.TCP.All = 1
	s := newServer(t, c, "").server
	worker := new(workerCounters)
	s.workers.add(worker)
	for k := range counts {
		s.counters[UDP][k].Store(uint64(100 + k))
		worker.counters[k].Store(1000)
		s.counters[TCP][k].Store(uint64(200 + k))
	}
	s.counters[TCP][countWire].Store(0)
	through(t, s.gate, 3)
	s.errors.Store(3)
	got := gathered(t, registered(t, s))
	const udp = 13*1100 + 78
	for name, want := range map[string]float64{
		"dnsbld_dns_queries_total transport=udp":                udp,
		"dnsbld_dns_queries_total transport=tcp":                13*200 + 78,
		"dnsbld_dns_answers_total kind=listed transport=udp":    1100,
		"dnsbld_dns_answers_total kind=formerr transport=udp":   1104,
		"dnsbld_dns_answers_total kind=badcookie transport=tcp": 210,
		"dnsbld_dns_silent_total transport=udp":                 1112,
		"dnsbld_dns_truncated_total transport=tcp":              213,
		"dnsbld_dns_path_total path=wire":                       1114,
		"dnsbld_dns_path_total path=message":                    udp - 1112 - 1114,
		"dnsbld_dns_socket_errors_total":                        3,
		"dnsbld_dns_tcp_turned_away_total":                      2,
		"dnsbld_dns_tcp_connections":                            1,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if len(got) != 2+24+2+2+2+3+1+1+1 {
		t.Errorf("%d values: %v", len(got), got)
	}
}

// through has so many connections come, of which the gate lets one stay.
func through(t *testing.T, g *connlimit.Gate, connections int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	for range connections {
		c, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			t.Cleanup(func() { c.Close() })
			_, err = g.Listen(l).Accept()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func registered(t *testing.T, s *Server) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := registry.Register(s); err != nil {
		t.Fatal(err)
	}
	return registry
}

// gathered are the values of a registry by name and labels.
func gathered(t *testing.T, from prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetName() + "=" + l.GetValue()
			}
			all[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return all
}
