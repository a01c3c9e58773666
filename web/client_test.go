package web

import (
	"net/http"
	"net/netip"
	"testing"
)

// A forwarded address counts from a trusted proxy alone, and only as far as
// proxies of ours have written it.
func TestOrigin(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	type list = []string
	for name, c := range map[string]struct {
		peer            string
		plain, standard list
		want            string
		proven          bool
	}{
		"no proxy":                {"192.0.2.7:4711", nil, nil, "192.0.2.7", true},
		"mapped peer":             {"[::ffff:192.0.2.7]:1", nil, nil, "192.0.2.7", true},
		"a stranger's word":       {"192.0.2.7:1", list{"198.51.100.1"}, list{"for=198.51.100.1"}, "192.0.2.7", true},
		"proxy":                   {"10.0.0.1:1", list{"192.0.2.7"}, nil, "192.0.2.7", true},
		"mapped proxy":            {"[::ffff:10.0.0.1]:1", list{"192.0.2.7"}, nil, "192.0.2.7", true},
		"forged left":             {"10.0.0.1:1", list{"198.51.100.1, 192.0.2.7"}, nil, "192.0.2.7", true},
		"forged line":             {"10.0.0.1:1", list{"198.51.100.1", "192.0.2.7"}, nil, "192.0.2.7", true},
		"forged proxy":            {"10.0.0.1:1", list{"198.51.100.1, 10.0.0.9, 192.0.2.7"}, nil, "192.0.2.7", true},
		"two proxies":             {"10.0.0.1:1", list{"198.51.100.1, 192.0.2.7, 10.0.0.2"}, nil, "192.0.2.7", true},
		"proxies alone":           {"10.0.0.1:1", list{"10.0.0.3, 10.0.0.2"}, nil, "10.0.0.3", true},
		"rubbish on the right":    {"10.0.0.1:1", list{"192.0.2.7, x"}, nil, "10.0.0.1", false},
		"rubbish behind a proxy":  {"10.0.0.1:1", list{"192.0.2.7, x, 10.0.0.2"}, nil, "10.0.0.1", false},
		"rubbish on the left":     {"10.0.0.1:1", list{"x, 192.0.2.7"}, nil, "192.0.2.7", true},
		"empty hop":               {"10.0.0.1:1", list{"192.0.2.7,"}, nil, "10.0.0.1", false},
		"nothing said":            {"10.0.0.1:1", nil, nil, "10.0.0.1", false},
		"port":                    {"10.0.0.1:1", list{"192.0.2.7:4711"}, nil, "192.0.2.7", true},
		"brackets and port":       {"10.0.0.1:1", list{"[2001:db8::7]:4711"}, nil, "2001:db8::7", true},
		"IPv6":                    {"[2001:db8:1::1]:1", list{"2001:db8::7"}, nil, "2001:db8::7", true},
		"standard":                {"10.0.0.1:1", nil, list{`for=192.0.2.7;proto=https;by=10.0.0.1`}, "192.0.2.7", true},
		"standard IPv6":           {"10.0.0.1:1", nil, list{`proto=https; For="[2001:db8::7]:4711"`}, "2001:db8::7", true},
		"standard, forged left":   {"10.0.0.1:1", nil, list{`for=198.51.100.1, for=192.0.2.7`}, "192.0.2.7", true},
		"standard, hidden":        {"10.0.0.1:1", nil, list{`for=192.0.2.7, for=_hidden`}, "10.0.0.1", false},
		"standard, unknown":       {"10.0.0.1:1", nil, list{`for=unknown`}, "10.0.0.1", false},
		"standard, said twice":    {"10.0.0.1:1", nil, list{`for=192.0.2.7;for=198.51.100.1`}, "10.0.0.1", false},
		"standard, open quote":    {"10.0.0.1:1", nil, list{`for=198.51.100.1, for="x, for=192.0.2.7`}, "10.0.0.1", false},
		"standard, quoted comma":  {"10.0.0.1:1", nil, list{`for=", for=198.51.100.1, ";x=", for=192.0.2.7`}, "10.0.0.1", false},
		"standard, escaped quote": {"10.0.0.1:1", nil, list{`for="\", for=198.51.100.1, \"", for=192.0.2.7`}, "192.0.2.7", true},
		"standard, no for":        {"10.0.0.1:1", nil, list{`by=10.0.0.1;proto=https`}, "10.0.0.1", false},
		"both agree":              {"10.0.0.1:1", list{"192.0.2.7"}, list{"for=192.0.2.7"}, "192.0.2.7", true},
		"both disagree":           {"10.0.0.1:1", list{"192.0.2.7"}, list{"for=198.51.100.1"}, "10.0.0.1", false},
		"zone":                    {"[fe80::1%eth0]:1", nil, nil, "fe80::1", true},
		"no peer":                 {"@", list{"192.0.2.7"}, nil, "invalid IP", false},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		for _, v := range c.plain {
			r.Header.Add("X-Forwarded-For", v)
		}
		for _, v := range c.standard {
			r.Header.Add("Forwarded", v)
		}
		if got := originOf(r, trusted); got.addr.String() != c.want || got.proven != c.proven {
			t.Errorf("%s: %s %v, want %s %v", name, got.addr, got.proven, c.want, c.proven)
		}
	}
}

// Whatever a stranger sends through a proxy that appends, the origin is the
// address that the proxy saw, or nothing that is proof.
func FuzzForwarded(f *testing.F) {
	f.Add("198.51.100.1", "for=198.51.100.1")
	f.Add(`"`, `for="`)
	f.Add(`\`, `for="\`)
	f.Fuzz(func(t *testing.T, plain, standard string) {
		trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		for _, h := range []http.Header{
			{"X-Forwarded-For": {plain + ", 192.0.2.7"}},
			{"X-Forwarded-For": {plain, "192.0.2.7"}, "Forwarded": {standard}},
			{"Forwarded": {standard + ", for=192.0.2.7"}, "X-Forwarded-For": {plain}},
			{"Forwarded": {standard, "for=192.0.2.7"}},
		} {
			o := originOf(&http.Request{RemoteAddr: "10.0.0.1:1", Header: h}, trusted)
			if o.proven && o.addr.String() != "192.0.2.7" {
				t.Errorf("%q: proof for %s", h, o.addr)
			}
		}
	})
}
