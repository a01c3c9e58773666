package zone

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Of the messages of one transport their kinds are counted, which say how each
// was answered, and these. Each message has one kind or countSilence.
const (
	countSilence   = int(kinds) + iota // no query, or no message
	countTruncated                     // of the answers
	countWire                          // of the answers, on the wire path; all others on the message path
	counts
)

var countNames = [counts]string{
	kindListed: "listed", kindData: "data", kindNoData: "nodata", kindNXDomain: "nxdomain", kindFormErr: "formerr",
	kindServFail: "servfail", kindNotImp: "notimp", kindRefused: "refused", kindBadVers: "badvers", kindCookie: "cookie",
	kindBadCookie: "badcookie", kindNotAuth: "notauth", countSilence: "silence", countTruncated: "truncated", countWire: "wire",
}

// tally counts for its owner alone: to count for others to read costs a worker
// as much as to answer.
type tally [counts]uint64

// counters count for all to read.
type counters [counts]atomic.Uint64

func (c *counters) add(t *tally) {
	for n, more := range t {
		if more > 0 {
			c[n].Add(more)
		}
	}
}

// workerCounters are those of one worker. No other shares their cache lines.
type workerCounters struct {
	_ [cacheLine]byte
	counters
	_ [cacheLine]byte
}

const cacheLine = 64 // octets

// allCounters are those of all workers that there ever were, so that no count
// goes down when a worker ends.
type allCounters struct {
	mu  sync.Mutex
	all []*workerCounters
}

func (a *allCounters) add(one *workerCounters) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, one)
}

// Traffic counts the messages of one transport since the start: "queries" are
// all of them, the other keys those that countNames lists.
type Traffic map[string]uint64

// sum adds counters up to Traffic.
func sum(all ...*counters) Traffic {
	t := Traffic{"queries": 0}
	for n, name := range countNames {
		for _, c := range all {
			t[name] += c[n].Load()
		}
		if n <= countSilence {
			t["queries"] += t[name]
		}
	}
	return t
}

// Stats are counts since the start.
type Stats struct {
	UDP          Traffic `json:"udp"`
	TCP          Traffic `json:"tcp"`
	Connections  int     `json:"connections"` // TCP, open now
	TurnedAway   uint64  `json:"turned_away"` // TCP connections that a limit ended or refused
	SocketErrors uint64  `json:"socket_errors"`
}

// Stats reads the counts. They are read one after the other while answers go
// on, so what stands for one moment in two of them may differ.
func (s *Server) Stats() Stats {
	s.workers.mu.Lock()
	defer s.workers.mu.Unlock()
	udp := []*counters{&s.counters[UDP]}
	for _, one := range s.workers.all {
		udp = append(udp, &one.counters)
	}
	gate := s.gate.Stats()
	return Stats{UDP: sum(udp...), TCP: sum(&s.counters[TCP]), Connections: gate.Open, TurnedAway: gate.Ended + gate.Refused, SocketErrors: s.errors.Load()}
}

// Describe makes the server a prometheus.Collector.
func (s *Server) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, to) }

// Collect gives a monitoring system the counts. Nothing is logged of a packet,
// so they also are where packets that are garbage show.
func (s *Server) Collect(to chan<- prometheus.Metric) {
	stats := s.Stats()
	emit := func(d *prometheus.Desc, kind prometheus.ValueType, v uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, float64(v), labels...)
	}
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("dnsbld_dns_"+name, help, labels, nil)
	}
	queries := describe("queries_total", "DNS queries that came.", "transport")
	answers := describe("answers_total", "DNS answers, by what they say.", "transport", "kind")
	silent := describe("silent_total", "Datagrams and messages that got no answer: responses, and what is no message.", "transport")
	truncated := describe("truncated_total", "DNS answers cut to size (TC=1).", "transport")
	for transport, t := range map[string]Traffic{"udp": stats.UDP, "tcp": stats.TCP} {
		emit(queries, prometheus.CounterValue, t["queries"], transport)
		for _, kind := range countNames[:kinds] {
			emit(answers, prometheus.CounterValue, t[kind], transport, kind)
		}
		emit(silent, prometheus.CounterValue, t["silence"], transport)
		emit(truncated, prometheus.CounterValue, t["truncated"], transport)
	}
	transfers := describe("transfers_total", "Zone transfers that were answered, by form.", "form")
	for n, name := range formNames {
		emit(transfers, prometheus.CounterValue, s.sent[n].Load(), name)
	}
	s.secondaries.collect(func(name, help string, kind prometheus.ValueType, v float64, zone, at string) {
		to <- prometheus.MustNewConstMetric(describe(name, help, "zone", "secondary"), kind, v, zone, at)
	})
	path := describe("path_total", "DNS answers over UDP, by the path that made them.", "path")
	answered := stats.UDP["queries"] - stats.UDP["silence"]
	wire := min(stats.UDP["wire"], answered)
	emit(path, prometheus.CounterValue, wire, "wire")
	emit(path, prometheus.CounterValue, answered-wire, "message")
	emit(describe("socket_errors_total", "Sockets that failed to receive or to send, each time."), prometheus.CounterValue, stats.SocketErrors)
	emit(describe("tcp_turned_away_total", "TCP connections that a limit ended or refused."), prometheus.CounterValue, stats.TurnedAway)
	emit(describe("tcp_connections", "TCP connections that are open."), prometheus.GaugeValue, uint64(stats.Connections))
}
