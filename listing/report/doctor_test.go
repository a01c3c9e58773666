package report

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// world answers questions that a doctor asks: by server, then by name and type.
type world map[string]map[string]Reply

const (
	atResolver = "203.0.113.1"
	atParent   = "203.0.113.2"
	atFirst    = "192.0.2.53"
	atSecond   = "2001:db8::53"
)

func addressesOf(texts ...string) (all []netip.Addr) {
	for _, t := range texts {
		all = append(all, netip.MustParseAddr(t))
	}
	return all
}

// healthy is a world in which bl.example is right.
func healthy() world {
	listed := Reply{Rcode: "NOERROR", Addresses: addressesOf("127.0.0.2")}
	server := func() map[string]Reply {
		return map[string]Reply{
			"bl.example SOA": {Rcode: "NOERROR", Authoritative: true, HasSOA: true, Serial: 70}, "bl.example SOA over TCP": {Rcode: "NOERROR", Authoritative: true, HasSOA: true, Serial: 70},
			"2.0.0.127.bl.example A": listed, "1.0.0.127.bl.example A": {Rcode: "NXDOMAIN"}, "0.0.127.bl.example A": {Rcode: "NOERROR"},
		}
	}
	return world{
		atResolver: {"example NS": {Names: []string{"a.nic.example"}}, "a.nic.example A": {Addresses: addressesOf(atParent)}, "2.0.0.127.bl.example A": listed,
			"ns2.elsewhere.example AAAA": {Addresses: addressesOf(atSecond)}},
		atParent: {"bl.example NS": {Names: []string{"NS2.elsewhere.example", "ns1.bl.example"}, Glue: map[string][]netip.Addr{"ns1.bl.example": addressesOf(atFirst)}}},
		atFirst:  server(), atSecond: server(),
	}
}

func (w world) ask(_ context.Context, q Question) (Reply, error) {
	key := q.Name + " " + q.Type
	if q.TCP {
		key += " over TCP"
	}
	server, up := w[q.Server.Addr().String()]
	r, there := server[key]
	switch {
	case !up || r.Rcode == "lost":
		return Reply{}, errors.New("i/o timeout")
	case !there:
		return Reply{Rcode: "NXDOMAIN"}, nil
	}
	return r, nil
}

func TestDoctor(t *testing.T) {
	for name, c := range map[string]struct {
		sick func(world, *Patient)
		want string // of the one line that is no PASS; empty: all pass
	}{
		"healthy":             {func(world, *Patient) {}, ""},
		"not delegated":       {func(w world, _ *Patient) { delete(w[atParent], "bl.example NS") }, "FAIL delegation: example does not delegate bl.example"},
		"delegated elsewhere": {func(w world, _ *Patient) { w[atParent]["bl.example NS"] = Reply{Names: []string{"ns9.example"}} }, "FAIL delegation: example delegates bl.example to ns9.example; the configuration has"},
		"no glue": {func(w world, _ *Patient) {
			w[atParent]["bl.example NS"] = Reply{Names: []string{"ns1.bl.example", "ns2.elsewhere.example"}}
		}, "FAIL glue: example has no glue record 192.0.2.53"},
		"parent away": {func(w world, _ *Patient) { delete(w, atParent) }, "WARN delegation: a name server of example does not answer"},
		"away":        {func(w world, _ *Patient) { delete(w, atSecond) }, "FAIL name server: ns2.elsewhere.example (2001:db8::53) does not answer over UDP"},
		"no TCP":      {func(w world, _ *Patient) { w[atFirst]["bl.example SOA over TCP"] = Reply{Rcode: "lost"} }, "FAIL name server: ns1.bl.example (192.0.2.53) does not answer over TCP"},
		"lame":        {func(w world, _ *Patient) { w[atFirst]["bl.example SOA"] = Reply{Rcode: "REFUSED"} }, "FAIL name server: ns1.bl.example (192.0.2.53) does not answer for the zone (REFUSED)"},
		"ahead": {func(w world, _ *Patient) {
			w[atFirst]["bl.example SOA"] = Reply{Rcode: "NOERROR", Authoritative: true, HasSOA: true, Serial: 71}
		}, "FAIL name server: ns1.bl.example (192.0.2.53) has serial 71, ahead of 70"},
		"over the end of serials": {func(w world, p *Patient) {
			p.Zone.Serial = 3
			old := Reply{Rcode: "NOERROR", Authoritative: true, HasSOA: true, Serial: 1<<32 - 1}
			now := Reply{Rcode: "NOERROR", Authoritative: true, HasSOA: true, Serial: 3}
			w[atFirst]["bl.example SOA"] = old
			for _, key := range []string{"bl.example SOA", "bl.example SOA over TCP"} {
				w[atSecond][key] = now
			}
			w[atFirst]["bl.example SOA over TCP"] = now
		}, "WARN name server: ns1.bl.example (192.0.2.53) has serial 4294967295, 4 behind"},
		"lost records": {func(w world, _ *Patient) { delete(w[atSecond], "2.0.0.127.bl.example A") }, "FAIL name server: ns2.elsewhere.example (2001:db8::53) answers NXDOMAIN for 2.0.0.127.bl.example, where listed is right"},
		"empty names":  {func(w world, _ *Patient) { delete(w[atSecond], "0.0.127.bl.example A") }, "FAIL name server: ns2.elsewhere.example (2001:db8::53) answers NXDOMAIN for 0.0.127.bl.example, where NOERROR"},
		"unseen":       {func(w world, _ *Patient) { delete(w[atResolver], "2.0.0.127.bl.example A") }, "FAIL resolver: the resolver 203.0.113.1:53 answers NXDOMAIN"},
		"IPv4 alone": {func(w world, p *Patient) {
			p.Zone.Glue["ns2.elsewhere.example"] = addressesOf(atFirst)
		}, "WARN name servers: no name server has an IPv6 address"},
		"untold": {func(_ world, p *Patient) {
			p.Zone.Secondaries[0].Answered, p.Zone.Secondaries[0].Error = time.Time{}, "REFUSED"
		}, "FAIL secondary: 198.51.100.53:53 has answered no NOTIFY: REFUSED"},
		"no longer told": {func(_ world, p *Patient) { p.Zone.Secondaries[0].Error = "i/o timeout" }, "WARN secondary: 198.51.100.53:53 answered up to serial 70, and then: i/o timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			w := healthy()
			p := Patient{Zone: Zone{Name: "BL.example.", Serial: 70, NS: []string{"ns1.bl.example", "ns2.elsewhere.example"}, Glue: map[string][]netip.Addr{"ns1.bl.example": addressesOf(atFirst)},
				Secondaries: []Secondary{{Address: netip.MustParseAddrPort("198.51.100.53:53"), Serial: 70, Answered: time.Unix(1, 0)}}},
				Ask: w.ask, Resolver: netip.AddrPortFrom(netip.MustParseAddr(atResolver), port)}
			c.sick(w, &p)
			var bad []string
			for _, check := range Doctor(t.Context(), p) {
				if (check.Grade == Pass) != (check.Remedy == "") {
					t.Errorf("%+v: a remedy goes with what is wrong", check)
				}
				if check.Grade != Pass {
					bad = append(bad, string(check.Grade)+" "+check.Name+": "+check.Text)
				}
			}
			if text := strings.Join(bad, "\n"); len(bad) > 1 || !strings.HasPrefix(text, c.want) || c.want == "" && text != "" {
				t.Errorf("it says %q; want %q", bad, c.want)
			}
		})
	}
}

// Without a resolver a doctor says what it could not look at.
func TestDoctorWithoutAResolver(t *testing.T) {
	w := healthy()
	p := Patient{Zone: Zone{Name: "bl.example", Serial: 70, NS: []string{"ns1.bl.example"}, Glue: map[string][]netip.Addr{"ns1.bl.example": addressesOf(atFirst)}}, Ask: w.ask}
	var grades []string
	for _, check := range Doctor(t.Context(), p) {
		grades = append(grades, string(check.Grade)+" "+check.Name)
	}
	if got := strings.Join(grades, ", "); got != "WARN name servers, WARN delegation, PASS name server, WARN resolver" {
		t.Error(got)
	}
}
