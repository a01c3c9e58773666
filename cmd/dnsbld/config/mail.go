package config

import (
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"dnsbld/connlimit"
	"dnsbld/listing"
	"dnsbld/listing/sensor"
	"dnsbld/listing/sighting"
	"dnsbld/mta"
	"dnsbld/unixsocket"
)

// sensorFile is [sensor] as it is written.
type sensorFile struct {
	Receiver    string `toml:"receiver"`
	Policy      any    `toml:"policy"` // an address, or a list of them
	Mode        string `toml:"policy_mode"`
	Group       string `toml:"policy_group"`
	Enforce     bool   `toml:"enforce"`
	Probation   string `toml:"probation"`
	PerReceiver int    `toml:"receiver_listings_per_hour"`
	Resolver    string `toml:"resolver"`

	Collect  collectFile       `toml:"collect"`
	Services map[string]string `toml:"services"` // syslog_name of Postfix: "25" or "submission"
}

// collectFile is [sensor.collect] as it is written.
type collectFile struct {
	Listen      string   `toml:"listen"`
	Certificate string   `toml:"certificate"`
	Key         string   `toml:"key"`
	ClientCA    string   `toml:"client_ca"`
	Receivers   []string `toml:"receivers"`
}

// Mail is what the door for mail servers works by.
type Mail struct {
	Receiver string              // of the policy service
	Policy   []mta.PolicyAddress // where it answers
	Socket   unixsocket.Access   // who may speak to its Unix sockets
	Enforce  bool
	Resolver netip.AddrPort // not valid: DNS is not asked
	Collect  Collect
	Our      mta.Our
	Services map[string]string
	sensor.Settings
}

// Collect is where, and from whom, sessions of other machines are taken.
type Collect struct {
	Listen string // empty: nowhere
	mta.CollectorConfig
}

// After is what a reload puts in force where old is: sockets and the receiver stay
// as they were at the start. NeedsRestart names their keys.
func (m Mail) After(old Mail) Mail {
	m.Receiver, m.Policy, m.Own = old.Receiver, old.Policy, old.Own
	if m.Collect.Listen == "" || old.Collect.Listen == "" {
		m.Collect = old.Collect
	} else {
		m.Collect.Listen = old.Collect.Listen
	}
	m.Collected = m.Collect.Receivers
	return m
}

// mail checks what the file says of the sensor. The catalogue, the zones and
// our own addresses must have been resolved.
func (f File) mail(c Config, wrong *listing.Mistakes) Mail {
	s := Mail{Receiver: f.Sensor.receiver(wrong), Enforce: f.Sensor.Enforce, Our: f.Our.sensor(c, wrong), Services: f.Sensor.services(wrong)}
	s.Policy, s.Socket = f.Sensor.policyAddresses(wrong), f.Sensor.policySocket(wrong)
	s.Resolver = f.Sensor.resolver(wrong)
	s.Probation = f.Sensor.probation(wrong)
	if s.PerReceiver = f.Sensor.PerReceiver; s.PerReceiver < 1 || s.PerReceiver > 10_000 {
		wrong.Addf("sensor.receiver_listings_per_hour = %d: from 1 to 10000", s.PerReceiver)
	}
	s.Collect = f.Sensor.collect(s, wrong)
	s.Collect.Limits = connlimit.Limits{All: f.Limits.Collector, PerClient: f.Limits.CollectorPerClient, Exempt: f.exempt()}
	// One mail server has one way in: what the policy service reports, a log must
	// not report again.
	if s.Collected = s.Collect.Receivers; len(s.Policy) > 0 {
		s.Own = s.Receiver
	}
	var err error
	if s.Thresholds, err = sighting.FromSymbols(f.Thresholds); err != nil {
		wrong.Add(err)
	} else {
		wrong.Add(s.Thresholds.Validate())
	}
	s.Named = shadowsNamed(c)
	return s
}

// shadowsNamed are the reasons that are not published, but that a zone names:
// for those the sensor lists, for other shadow reasons it only counts.
func shadowsNamed(c Config) (named []listing.Reason) {
	for _, z := range c.Zone.Lists() {
		for _, r := range z.Reasons {
			if info, known := c.Rules.Reasons.Info(r); known && !info.Published && !slices.Contains(named, r) {
				named = append(named, r)
			}
		}
	}
	return named
}

// receiver is the name of the mail server that asks the policy service: given,
// or this host's. Entries and letters show it, so it is short and printable.
func (f sensorFile) receiver(wrong *listing.Mistakes) string {
	const longest = 64
	name := f.Receiver
	if name == "" {
		name, _ = os.Hostname() // an empty one is refused below
	}
	wrong.Unless(name != "" && listing.Printable(name) == name && len(name) <= longest, "sensor.receiver: %s: a name of 1 to %d printable characters", listing.Quote(name), longest)
	return name
}

// resolver is the one DNS server that the sensor asks; not valid: none.
func (f sensorFile) resolver(wrong *listing.Mistakes) (a netip.AddrPort) {
	if f.Resolver == "" {
		return a
	}
	a, err := netip.ParseAddrPort(f.Resolver)
	wrong.Unless(err == nil && a.Port() != 0, "sensor.resolver: %s: write an address and a port, such as 127.0.0.1:53", listing.Quote(f.Resolver))
	return a
}

// services says of names in a Postfix log (syslog_name in master.cf) whether
// they take mail from strangers, on port 25, or from our own users.
func (f sensorFile) services(wrong *listing.Mistakes) map[string]string {
	for name, what := range f.Services {
		wrong.Unless(what == "25" || what == "submission", "sensor.services.%s: %s: write \"25\" or \"submission\"", name, listing.Quote(what))
	}
	return f.Services
}

// collect checks where, and from whom, sessions of other machines are taken. A
// receiver that the policy service reports must not come this way, too: its
// sessions would count twice.
func (f sensorFile) collect(s Mail, wrong *listing.Mistakes) Collect {
	c := Collect{f.Collect.Listen, mta.CollectorConfig{Receivers: f.Collect.Receivers,
		Identity: mta.Identity{Certificate: f.Collect.Certificate, Key: f.Collect.Key, CA: f.Collect.ClientCA}}}
	if c.Listen == "" {
		return Collect{}
	}
	if _, err := netip.ParseAddrPort(c.Listen); err != nil {
		wrong.Addf("sensor.collect.listen: %s: write an address and a port, such as 192.0.2.53:10443", listing.Quote(c.Listen))
	}
	if err := c.Validate(); err != nil {
		wrong.Addf("sensor.collect: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	wrong.Unless(len(s.Policy) == 0 || !slices.Contains(c.Receivers, s.Receiver), "sensor.collect.receivers: the sessions of %s come from its policy service", listing.Quote(s.Receiver))
	return c
}

// probation reads how long new receivers list nobody: "24h", or "0".
func (f sensorFile) probation(wrong *listing.Mistakes) time.Duration {
	if strings.TrimRight(f.Probation, "smhd") == "0" {
		return 0
	}
	l, err := listing.ParseLife(f.Probation)
	wrong.Unless(err == nil && l.Duration() <= 30*listing.Day, "sensor.probation = %s: a duration of 30 days at the most, such as \"24h\", or \"0\"", listing.Quote(f.Probation))
	return l.Duration()
}

// policySocket reads who may speak to the Unix sockets of the policy service:
// the mode in octal, as chmod(1) takes it, and a group of this host. Whoever may
// can have addresses listed, so the owner is never locked out and no bit beyond
// 0777 is taken.
func (f sensorFile) policySocket(wrong *listing.Mistakes) unixsocket.Access {
	mode, err := strconv.ParseUint(f.Mode, 8, 32)
	wrong.Unless(err == nil && mode&0o600 == 0o600 && mode <= 0o777, "sensor.policy_mode = %s: write it as chmod takes it, such as \"0660\"; the owner reads and writes", listing.Quote(f.Mode))
	if _, err := user.LookupGroup(f.Group); f.Group != "" && err != nil {
		wrong.Addf("sensor.policy_group = %s: there is no such group on this host", listing.Quote(f.Group))
	}
	return unixsocket.Access{Mode: fs.FileMode(mode), Group: f.Group}
}

// policyAddresses reads sensor.policy, which TOML may hold as a string or as an
// array of them; flags give a slice.
func (f sensorFile) policyAddresses(wrong *listing.Mistakes) []mta.PolicyAddress {
	var all []mta.PolicyAddress
	texts := []any{f.Policy}
	switch v := f.Policy.(type) {
	case nil:
		return nil
	case []any:
		texts = v
	case []string: // of flags
		texts = nil
		for _, text := range v {
			texts = append(texts, text)
		}
	}
	for _, text := range texts {
		a, err := mta.ParsePolicyAddress(fmt.Sprint(text))
		wrong.Unless(err == nil, "sensor.policy: %w", err)
		all = append(all, a)
	}
	return all
}

// sensor is the receiving side as the classifier knows it: a HELO that names one
// of our addresses or names is bogus. A prefix that is ours cannot be pretended
// to be as one address, so it is trusted as a whole.
func (o ourConfig) sensor(c Config, wrong *listing.Mistakes) mta.Our {
	our := mta.Our{Names: c.OurNames, Hosted: o.Hosted}
	for _, p := range c.Rules.Policy.Never {
		if p.Subject.IsHost() {
			our.Addresses = append(our.Addresses, p.Subject.Addr())
		} else {
			our.Trusted = append(our.Trusted, p.Subject.Prefix)
		}
	}
	for _, s := range subjects("our.trusted", o.Trusted, wrong) {
		our.Trusted = append(our.Trusted, s.Prefix)
	}
	return our
}
