package main

import (
	"strings"
	"testing"

	"dnsbld/zone"
)

// Every number that DNS counts is among the metrics, each once.
func TestDNSMetrics(t *testing.T) {
	s := zone.Stats{Connections: 1, TurnedAway: 2, SocketErrors: 3,
		UDP: zone.Traffic{Queries: 1000, Listed: 101, Data: 102, NoData: 103, NXDomain: 104, FormErr: 105, ServFail: 106, NotImp: 107, Refused: 108, BadVers: 109,
			Cookie: 110, BadCookie: 111, Silence: 112, Truncated: 113, Wire: 114},
		TCP: zone.Traffic{Queries: 2000, Listed: 201, Data: 202, NoData: 203, NXDomain: 204, FormErr: 205, ServFail: 206, NotImp: 207, Refused: 208, BadVers: 209,
			Cookie: 210, BadCookie: 211, Silence: 212, Truncated: 213}}
	got := map[string]float64{}
	for _, m := range dnsMetrics(s) {
		for _, v := range m.Values {
			name := strings.TrimSpace(m.Name + " " + strings.Join(v.Labels, " "))
			if _, twice := got[name]; twice {
				t.Errorf("%s is there twice", name)
			}
			got[name] = v.Value
		}
	}
	for name, want := range map[string]float64{
		"dnsbld_dns_queries_total transport udp":                1000,
		"dnsbld_dns_answers_total transport udp kind listed":    101,
		"dnsbld_dns_answers_total transport udp kind formerr":   105,
		"dnsbld_dns_answers_total transport tcp kind badcookie": 211,
		"dnsbld_dns_silent_total transport udp":                 112,
		"dnsbld_dns_truncated_total transport tcp":              213,
		"dnsbld_dns_path_total path wire":                       114,
		"dnsbld_dns_path_total path message":                    1000 - 112 - 114,
		"dnsbld_dns_socket_errors_total":                        3,
		"dnsbld_dns_tcp_turned_away_total":                      2,
		"dnsbld_dns_tcp_connections":                            1,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if len(got) != 2+22+2+2+2+1+1+1 {
		t.Errorf("%d values: %v", len(got), got)
	}
}
