package main

import "context"

// rbldnsdTrie holds the whole list, in the types that take prefixes. rbldnsd reads OPT and answers without it.
func rbldnsdTrie() candidate {
	return candidate{
		name: "rbldnsd-ip4trie", cover: coverage{spans: true, v6: true}, rules: rules{text: textPrefix},
		setup: func(_ context.Context, s site) ([]string, error) {
			if err := s.data.writeRbldnsd4(s.path("ip4"), s.zone, true); err != nil {
				return nil, err
			}
			if err := s.data.writeRbldnsd6(s.path("ip6")); err != nil {
				return nil, err
			}
			return rbldnsdCommand(s, s.zone+":ip4trie:ip4", s.zone+":ip6trie:ip6")
		},
	}
}

// rbldnsdTset holds single IPv4 hosts only, with one value for all: its smallest and fastest type.
func rbldnsdTset() candidate {
	return candidate{
		name: "rbldnsd-ip4tset", rules: rules{text: textPrefix},
		remark: "holds single IPv4 hosts only, so it is asked for no prefix and no IPv6 address",
		setup: func(_ context.Context, s site) ([]string, error) {
			if err := s.data.writeRbldnsd4(s.path("ip4"), s.zone, false); err != nil {
				return nil, err
			}
			return rbldnsdCommand(s, s.zone+":ip4tset:ip4")
		},
	}
}

// rbldnsdCommand: in the foreground, never looking for changed files.
func rbldnsdCommand(s site, zones ...string) ([]string, error) {
	path, err := program("rbldnsd")
	if err != nil {
		return nil, err
	}
	return append([]string{path, "-n", "-c", "0", "-t", "300", "-w", s.dir, "-b", "127.0.0.1/" + s.port()}, zones...), nil
}
