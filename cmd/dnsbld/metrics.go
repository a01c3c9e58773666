package main

import (
	"dnsbld/web"
	"dnsbld/zone"
)

// metrics are the daemon's own, for a monitoring system. Their names stay.
func (d *dnsbld) metrics() []web.Metric {
	all := dnsMetrics(d.dns.Stats())
	set := d.live.Set()
	if set == nil {
		return all
	}
	s := set.Stats()
	return append(all,
		gauge("dnsbld_revision", "Revision that is served.", float64(set.Revision())),
		gauge("dnsbld_hosts", "Entries that list one address.", float64(s.Hosts)),
		gauge("dnsbld_prefixes", "Entries that list more than one address.", float64(s.Prefixes)),
		gauge("dnsbld_sources", "Imported feeds.", float64(s.Sources)))
}

func gauge(name, help string, v float64) web.Metric {
	return web.Metric{Name: name, Help: help, Type: "gauge", Values: []web.Value{{Value: v}}}
}

func counter(name, help string, values ...web.Value) web.Metric {
	return web.Metric{Name: name, Help: help, Type: "counter", Values: values}
}

// dnsMetrics are what DNS counts. Nothing is logged of a packet: who wants to
// know of those that were garbage looks here.
func dnsMetrics(s zone.Stats) []web.Metric {
	both := func(of func(zone.Traffic) uint64) []web.Value {
		return []web.Value{
			{Labels: []string{"transport", "udp"}, Value: float64(of(s.UDP))},
			{Labels: []string{"transport", "tcp"}, Value: float64(of(s.TCP))},
		}
	}
	return []web.Metric{
		counter("dnsbld_dns_queries_total", "DNS queries that came.", both(func(t zone.Traffic) uint64 { return t.Queries })...),
		counter("dnsbld_dns_answers_total", "DNS answers, by what they say.", append(answerValues("udp", s.UDP), answerValues("tcp", s.TCP)...)...),
		counter("dnsbld_dns_silent_total", "Datagrams and messages that got no answer: responses, and what is no message.", both(func(t zone.Traffic) uint64 { return t.Silence })...),
		counter("dnsbld_dns_truncated_total", "DNS answers cut to size (TC=1).", both(func(t zone.Traffic) uint64 { return t.Truncated })...),
		counter("dnsbld_dns_path_total", "DNS answers over UDP, by the path that made them.",
			web.Value{Labels: []string{"path", "wire"}, Value: float64(s.UDP.Wire)},
			web.Value{Labels: []string{"path", "message"}, Value: max(0, float64(s.UDP.Queries)-float64(s.UDP.Silence)-float64(s.UDP.Wire))}),
		counter("dnsbld_dns_socket_errors_total", "Sockets that failed to receive or to send, each time.", web.Value{Value: float64(s.SocketErrors)}),
		counter("dnsbld_dns_tcp_turned_away_total", "TCP connections over a limit.", web.Value{Value: float64(s.TurnedAway)}),
		gauge("dnsbld_dns_tcp_connections", "TCP connections that are open.", float64(s.Connections)),
	}
}

func answerValues(transport string, t zone.Traffic) (values []web.Value) {
	for _, a := range []struct {
		kind string
		n    uint64
	}{
		{"listed", t.Listed}, {"data", t.Data}, {"nodata", t.NoData}, {"nxdomain", t.NXDomain}, {"formerr", t.FormErr}, {"servfail", t.ServFail},
		{"notimp", t.NotImp}, {"refused", t.Refused}, {"badvers", t.BadVers}, {"cookie", t.Cookie}, {"badcookie", t.BadCookie},
	} {
		values = append(values, web.Value{Labels: []string{"transport", transport, "kind", a.kind}, Value: float64(a.n)})
	}
	return values
}
