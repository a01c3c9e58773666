package main

import (
	"context"
	"fmt"
)

func bindServer() candidate {
	return candidate{
		name: "bind", cover: coverage{spans: true, v6: true}, master: true, rules: rules{edns: true, text: textPrefix},
		setup: func(_ context.Context, s site) ([]string, error) {
			path, err := program("named")
			if err != nil {
				return nil, err
			}
			zone, err := s.env.zoneFile()
			if err != nil {
				return nil, err
			}
			return []string{path, "-g", "-n", "1", "-c", s.path("named.conf")}, s.write("named.conf", bindConfig(s, zone))
		},
	}
}

// bindConfig: authoritative only, the shortest answers it can give, one thread.
func bindConfig(s site, zone string) string {
	return fmt.Sprintf(`options {
	directory %[1]q;
	pid-file "%[1]s/named.pid";
	session-keyfile none;
	listen-on port %[2]s { 127.0.0.1; };
	listen-on-v6 { none; };
	recursion no;
	dnssec-validation no;
	empty-zones-enable no;
	minimal-responses yes;
	notify no;
	querylog no;
};
controls { };
logging { category default { default_stderr; }; category queries { null; }; };
zone %[3]q { type primary; file %[4]q; };
`, s.dir, s.port(), s.zone, zone)
}
