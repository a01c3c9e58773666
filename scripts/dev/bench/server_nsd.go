package main

import (
	"context"
	"fmt"
)

func nsdServer() candidate {
	return candidate{
		name: "nsd", cover: coverage{spans: true, v6: true}, master: true, rules: rules{edns: true, text: textPrefix},
		setup: func(_ context.Context, s site) ([]string, error) {
			path, err := program("nsd")
			if err != nil {
				return nil, err
			}
			zone, err := s.env.zoneFile()
			if err != nil {
				return nil, err
			}
			return []string{path, "-d", "-c", s.path("nsd.conf")}, s.write("nsd.conf", nsdConfig(s, zone))
		},
	}
}

// nsdConfig: one server process; no rate limit (Debian's default would drop most of a benchmark).
func nsdConfig(s site, zone string) string {
	return fmt.Sprintf(`server:
    server-count: 1
    ip-address: 127.0.0.1@%[2]s
    port: %[2]s
    username: ""
    chroot: ""
    database: ""
    zonesdir: %[1]q
    pidfile: "%[1]s/nsd.pid"
    zonelistfile: "%[1]s/zone.list"
    xfrdfile: "%[1]s/xfrd.state"
    xfrdir: %[1]q
    verbosity: 0
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: %[3]q
    zonefile: %[4]q
`, s.dir, s.port(), s.zone, zone)
}
