package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"dnsbld/scripts/dev/freeport"
)

// Each metric has one name. These are the names that monitoring relies on.
func TestMetrics(t *testing.T) {
	metrics := freeport.Address(t)
	dir := t.TempDir()
	writeConfig(t, dir, fmt.Sprintf(oneZone, 300)+"[desk]\nsendmail = \"/bin/true\"\n[listen]\nmetrics = \""+metrics+"\"\nweb = \"\"\n")
	p := startDaemon(t, dir, nil, "--config", "dnsbld.toml")
	defer p.stop(t)
	reply, err := http.Get("http://" + metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	raw, err := io.ReadAll(reply.Body)
	if err != nil || !strings.HasPrefix(reply.Header.Get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8") {
		t.Fatal(err, reply.Header)
	}
	var names []string
	for line := range strings.Lines(string(raw)) {
		if name, family := strings.CutPrefix(line, "# TYPE dnsbld_"); family {
			names = append(names, strings.TrimSpace(name))
		}
	}
	want := []string{"config_last_reload_successful gauge", "config_last_reload_timestamp_seconds gauge", "connections gauge", "connections_ended_total counter", "connections_refused_total counter", "desk_appeals gauge", "desk_decisions_30d gauge", "desk_error_share_30d gauge", "desk_errors_30d gauge",
		"desk_mails_total counter", "desk_mails_waiting gauge", "desk_oldest_open_seconds gauge", "desk_tickets gauge", "dns_answers_total counter", "dns_hits_total counter", "dns_path_total counter", "dns_queries_total counter", "dns_silent_total counter",
		"dns_socket_errors_total counter", "dns_tcp_connections gauge", "dns_tcp_turned_away_total counter", "dns_transfers_total counter", "dns_truncated_total counter",
		"list_allows gauge", "list_bytes gauge", "list_exceptions gauge", "list_hosts gauge", "list_prefixes gauge", "list_revision gauge",
		"list_sources gauge", "store_bytes gauge", "store_free_bytes gauge", "web_request_seconds_total counter", "web_requests_total counter"}
	if !slices.Equal(names, want) {
		t.Errorf("%q\nwant %q", names, want)
	}
}
