package report

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Question is what a name server is asked.
type Question struct {
	Server     netip.AddrPort
	Name, Type string // the type by its name: "NS"
	TCP        bool
	Recursive  bool // a resolver is asked
}

// Reply is an answer as far as a doctor looks at it.
type Reply struct {
	Rcode         string // by its name: "NOERROR"
	Authoritative bool
	HasSOA        bool                    // in the answer
	Serial        uint32                  // of that
	Addresses     []netip.Addr            // of A and AAAA records in the answer
	Names         []string                // of NS records in the answer, or in a referral
	Glue          map[string][]netip.Addr // of A and AAAA records beside it, by name
}

// Secondary is one that is told when a zone changes.
type Secondary struct {
	Address  netip.AddrPort `json:"address"`
	Serial   uint32         `json:"serial"`          // of the last NOTIFY that it answered
	Answered time.Time      `json:"answered"`        // when; zero: never
	Failures uint64         `json:"failures"`        // NOTIFYs without an answer, or with a bad one
	Error    string         `json:"error,omitempty"` // of the last one, if that failed
}

// Patient is a zone that a doctor looks at, with the means to.
type Patient struct {
	Zone     Zone
	Ask      func(context.Context, Question) (Reply, error)
	Resolver netip.AddrPort // the system's, or the sensor's; not valid: there is none
	Now      time.Time
}

// port is where name servers are asked.
const port = 53

// doctor is a visit.
type doctor struct {
	Patient
	ctx     context.Context
	servers map[string][]netip.Addr // the name servers, with their addresses
	all     []Check
}

// Doctor looks at a zone as the world sees it: its delegation, its name servers,
// what they answer, a resolver's view, the secondaries. What is wrong
// comes with a remedy.
func Doctor(ctx context.Context, p Patient) []Check {
	p.Zone.Name = canonical(p.Zone.Name)
	d := &doctor{Patient: p, ctx: ctx, servers: map[string][]netip.Addr{}}
	d.addresses()
	d.delegation()
	d.nameServers()
	d.resolver()
	d.secondaries()
	if m := p.Zone.Mirror; m != nil {
		g, text, remedy := m.Grade(p.Now)
		d.grade("primary", g, text, remedy)
	}
	return d.all
}

// grade adds a check with what is to be done.
func (d *doctor) grade(name string, g Grade, text, remedy string) {
	d.all = append(d.all, Check{Name: name, Grade: g, Text: text, Remedy: remedy})
}

// addresses finds the addresses of the name servers: those of the configuration,
// or what a resolver knows.
func (d *doctor) addresses() {
	for _, ns := range d.Zone.NS {
		d.servers[ns] = d.Zone.Glue[ns]
		if len(d.servers[ns]) == 0 {
			d.servers[ns] = d.lookUp(ns)
		}
		if len(d.servers[ns]) == 0 {
			d.grade("name servers", Fail, "no address of "+ns+" is known", "give "+ns+" A and AAAA records, or write its addresses behind its name in ns of the zone")
		}
	}
	addresses := slices.Concat(slices.Collect(maps.Values(d.servers))...)
	switch v6 := slices.ContainsFunc(addresses, netip.Addr.Is6); {
	case len(addresses) == 1:
		d.grade("name servers", Warn, "there is one name server: while it is away, mail servers get no answer", "run a secondary elsewhere: docs/secondaries.md")
	case len(addresses) > 1 && !v6:
		d.grade("name servers", Warn, "no name server has an IPv6 address", "give one an AAAA record: resolvers without IPv4 get no answer")
	}
}

// lookUp asks the resolver for the addresses of a name.
func (d *doctor) lookUp(name string) (all []netip.Addr) {
	for _, t := range []string{"A", "AAAA"} {
		r, err := d.recurse(name, t)
		if err == nil {
			all = append(all, r.Addresses...)
		}
	}
	return all
}

func (d *doctor) recurse(name, t string) (Reply, error) {
	if !d.Resolver.IsValid() {
		return Reply{}, errors.New("there is no resolver")
	}
	return d.Ask(d.ctx, Question{Server: d.Resolver, Name: name, Type: t, Recursive: true})
}

// delegation: what the parent zone says is what the zone says.
func (d *doctor) delegation() {
	const check = "delegation"
	parent, server, err := d.parent()
	if err != nil {
		d.grade(check, Warn, "the delegation was not looked at: "+err.Error(), "set sensor.resolver to a resolver that answers, or look with dig +trace "+d.Zone.Name+" NS")
		return
	}
	r, err := d.Ask(d.ctx, Question{Server: netip.AddrPortFrom(server, port), Name: d.Zone.Name, Type: "NS"})
	want := sortedNames(d.Zone.NS)
	switch got := sortedNames(r.Names); {
	case err != nil:
		d.grade(check, Warn, fmt.Sprintf("a name server of %s does not answer: %v", parent, err), "try again later")
	case len(got) == 0:
		d.grade(check, Fail, fmt.Sprintf("%s does not delegate %s", parent, d.Zone.Name), "ask who runs "+parent+" for NS records: "+strings.Join(want, ", "))
	case !slices.Equal(got, want):
		d.grade(check, Fail, fmt.Sprintf("%s delegates %s to %s; the configuration has %s", parent, d.Zone.Name, strings.Join(got, ", "), strings.Join(want, ", ")),
			"make the two equal: ns of the zone here, or the NS records there")
	default:
		d.grade(check, Pass, parent+" delegates "+d.Zone.Name+" to "+strings.Join(got, ", "), "")
		d.glue(parent, r.Glue)
	}
}

// parent finds the zone above, and an address of one of its name servers.
func (d *doctor) parent() (name string, server netip.Addr, err error) {
	for _, name, found := strings.Cut(d.Zone.Name, "."); found && name != ""; _, name, found = strings.Cut(name, ".") {
		r, err := d.recurse(name, "NS")
		if err != nil {
			return "", netip.Addr{}, err
		}
		for _, ns := range r.Names {
			if at := d.lookUp(ns); len(at) > 0 {
				return name, at[0], nil
			}
		}
	}
	return "", netip.Addr{}, fmt.Errorf("the resolver knows no zone above %s", d.Zone.Name)
}

// glue: the parent has the addresses of name servers that lie in the zone.
func (d *doctor) glue(parent string, got map[string][]netip.Addr) {
	for _, ns := range d.Zone.NS {
		if !strings.HasSuffix(canonical(ns), "."+canonical(d.Zone.Name)) {
			continue
		}
		for _, a := range d.servers[ns] {
			if !slices.Contains(got[canonical(ns)], a) {
				d.grade("glue", Fail, fmt.Sprintf("%s has no glue record %s for %s", parent, a, ns), "ask who runs "+parent+" for it: nobody finds a name server inside its own zone without")
			}
		}
	}
}

// nameServers: each answers with authority over UDP and TCP, the same list, and
// the test points of RFC 5782, section 5.
func (d *doctor) nameServers() {
	for _, ns := range d.Zone.NS {
		for _, a := range d.servers[ns] {
			d.nameServer(fmt.Sprintf("%s (%s)", ns, a), netip.AddrPortFrom(a, port))
		}
	}
}

func (d *doctor) nameServer(who string, at netip.AddrPort) {
	const check = "name server"
	for _, tcp := range []bool{false, true} {
		r, err := d.Ask(d.ctx, Question{Server: at, Name: d.Zone.Name, Type: "SOA", TCP: tcp})
		how := map[bool]string{false: "UDP", true: "TCP"}[tcp]
		behind := int32(d.Zone.Serial - r.Serial) // RFC 1982: of two serials
		switch {
		case err != nil:
			d.grade(check, Fail, fmt.Sprintf("%s does not answer over %s: %v", who, how, err), "let "+how+" to port 53 through the firewall, and look whether the server runs")
			return
		case !r.Authoritative || !r.HasSOA:
			d.grade(check, Fail, fmt.Sprintf("%s does not answer for the zone (%s)", who, r.Rcode), "configure the zone there: docs/secondaries.md")
			return
		case behind < 0:
			d.grade(check, Fail, fmt.Sprintf("%s has serial %d, ahead of %d here", who, r.Serial, d.Zone.Serial), "it takes the zone from another primary, or an older list was put in place here: transfer the zone there again")
			return
		case behind > 0 && !tcp:
			d.grade(check, Warn, fmt.Sprintf("%s has serial %d, %d behind", who, r.Serial, behind), "look at its log of transfers; is its address in notify and transfer_from, and does it have the key?")
		}
	}
	for _, point := range [][2]string{{"2.0.0.127", "listed"}, {"1.0.0.127", "NXDOMAIN"}, {"0.0.127", "NOERROR"}} { // the last is an empty non-terminal
		name, want := point[0], point[1]
		r, err := d.Ask(d.ctx, Question{Server: at, Name: name + "." + d.Zone.Name, Type: "A"})
		if got := r.says(); err != nil || got != want {
			d.grade(check, Fail, fmt.Sprintf("%s answers %s for %s.%s, where %s is right", who, got, name, d.Zone.Name, want), "it serves another zone, or lost records in a transfer: transfer the zone there again")
			return
		}
	}
	d.grade(check, Pass, who+" answers over UDP and TCP, and the test points rightly", "")
}

// says is an answer to a question for an A record, in a word.
func (r Reply) says() string {
	if len(r.Addresses) > 0 {
		return "listed"
	}
	return r.Rcode
}

// resolver: a resolver, which may minimise names (RFC 9156), finds what is listed.
func (d *doctor) resolver() {
	const check = "resolver"
	r, err := d.recurse("2.0.0.127."+d.Zone.Name, "A")
	switch {
	case err != nil:
		d.grade(check, Warn, "no resolver was asked for the zone: "+err.Error(), "set sensor.resolver to the one that your mail servers use")
	case r.says() != "listed":
		d.grade(check, Fail, fmt.Sprintf("the resolver %s answers %s for the test point: mail servers that ask it see no listing", d.Resolver, r.says()), "set the delegation right first; then ask the resolver with dig +trace")
	default:
		d.grade(check, Pass, fmt.Sprintf("the resolver %s finds the test point", d.Resolver), "")
	}
}

// secondaries: each has answered the NOTIFY of what is served now.
func (d *doctor) secondaries() {
	const check = "secondary"
	for _, s := range d.Zone.Secondaries {
		switch {
		case s.Answered.IsZero():
			d.grade(check, Fail, fmt.Sprintf("%s has answered no NOTIFY: %s", s.Address, s.Error), "allow NOTIFY from this address there, with the key of the zone: docs/secondaries.md")
		case s.Error != "":
			d.grade(check, Warn, fmt.Sprintf("%s answered up to serial %d, and then: %s", s.Address, s.Serial, s.Error), "look whether it runs, and at its log")
		default:
			d.grade(check, Pass, fmt.Sprintf("%s was told of serial %d", s.Address, s.Serial), "")
		}
	}
}

// canonical is a name in lower case without the last dot.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func sortedNames(names []string) []string {
	var all []string
	for _, n := range names {
		all = append(all, canonical(n))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
