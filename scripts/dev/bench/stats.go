package main

import (
	"slices"
)

// A spread is a median and what lies around it.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(v []float64) spread {
	if len(v) == 0 {
		return spread{}
	}
	return spread{median(v), slices.Min(v), slices.Max(v)}
}

// median of an even number of values is the mean of the middle two; of none, 0.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// A run is one window on one server.
type run struct {
	Kind   string `json:"kind"`
	Server string `json:"server"`
	Load   string `json:"load"`
	Round  int    `json:"round"`
	measurement
}

// A summary is what all rounds say about one server under one load. Void runs only count as such, and their wrong
// answers.
type summary struct {
	Kind     string            `json:"kind"`
	Server   string            `json:"server"`
	Load     string            `json:"load"`
	Runs     int               `json:"runs"`
	Void     int               `json:"void"`
	Sent     int64             `json:"sent"`
	Answered int64             `json:"answered"`
	Lost     int64             `json:"lost"`
	Wrong    int64             `json:"wrong"`
	Example  string            `json:"example,omitempty"`
	Late     int64             `json:"late_sends"`
	CPU      spread            `json:"cpu_us_per_query"`
	QPS      spread            `json:"qps"`
	P50      spread            `json:"p50_us"`
	P99      spread            `json:"p99_us"`
	P999     spread            `json:"p999_us"`
	Ratio    map[string]spread `json:"ratio"` // CPU over that of each peer, taken within a round
}

// summarize sums up the runs of one server under one load.
func summarize(runs []run, server, load string, peers []string) summary {
	s := summary{Kind: "summary", Server: server, Load: load, Ratio: map[string]spread{}}
	var cpu, qps, p50, p99, p999 []float64
	for _, r := range runs {
		if r.Server != server || r.Load != load {
			continue
		}
		s.Runs++
		s.Sent, s.Answered, s.Lost = s.Sent+r.Sent, s.Answered+r.Answered, s.Lost+r.Lost
		s.Wrong, s.Late = s.Wrong+r.Wrong, s.Late+r.Late
		if r.Void {
			s.Void++
			s.Example = r.Example
			continue
		}
		cpu, qps = append(cpu, r.CPU), append(qps, r.QPS)
		p50, p99, p999 = append(p50, r.P50), append(p99, r.P99), append(p999, r.P999)
	}
	s.CPU, s.QPS = spreadOf(cpu), spreadOf(qps)
	s.P50, s.P99, s.P999 = spreadOf(p50), spreadOf(p99), spreadOf(p999)
	for _, peer := range peers {
		if v := ratios(runs, server, peer, load); len(v) > 0 {
			s.Ratio[peer] = spreadOf(v)
		}
	}
	return s
}

// ratios are server's CPU time an answer over the peer's, one for each round in which neither run is void.
func ratios(runs []run, server, peer, load string) []float64 {
	own, other := map[int]float64{}, map[int]float64{}
	for _, r := range runs {
		if r.Load != load || r.Void || r.CPU <= 0 {
			continue
		}
		if r.Server == server {
			own[r.Round] = r.CPU
		}
		if r.Server == peer {
			other[r.Round] = r.CPU
		}
	}
	var v []float64
	for round, cpu := range own {
		if o := other[round]; o > 0 {
			v = append(v, cpu/o)
		}
	}
	return v
}
