package main

import (
	"context"
	"fmt"
)

func knotServer() candidate {
	return candidate{
		name: "knot", cover: coverage{spans: true, v6: true}, master: true, rules: rules{edns: true, text: textPrefix},
		setup: func(_ context.Context, s site) ([]string, error) {
			path, err := program("knotd")
			if err != nil {
				return nil, err
			}
			zone, err := s.env.zoneFile()
			if err != nil {
				return nil, err
			}
			return []string{path, "-c", s.path("knot.conf")}, s.write("knot.conf", knotConfig(s, zone))
		},
	}
}

// knotConfig: one worker, since the server has one core; no journal, since nothing changes.
func knotConfig(s site, zone string) string {
	return fmt.Sprintf(`server:
    rundir: %[1]q
    listen: 127.0.0.1@%[2]s
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: %[1]q
log:
  - target: stderr
    any: warning
zone:
  - domain: %[3]s
    file: %[4]q
    semantic-checks: off
    zonefile-sync: -1
    journal-content: none
`, s.dir, s.port(), s.zone, zone)
}
