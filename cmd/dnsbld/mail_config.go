package main

import (
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"dnsbld/listing"
	"dnsbld/listing/sensor"
	"dnsbld/listing/sighting"
	"dnsbld/mta"
)

// sensorFile is [sensor] as it is written.
type sensorFile struct {
	Receiver string `toml:"receiver"`
	Policy   any    `toml:"policy"` // an address, or a list of them
	Mode     string `toml:"policy_mode"`
	Group    string `toml:"policy_group"`
	Enforce  bool   `toml:"enforce"`
	Resolver string `toml:"resolver"`

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

// mailConfig is what the door for mail servers works by.
type mailConfig struct {
	receiver string              // of the policy service
	policy   []mta.PolicyAddress // where it answers
	socket   mta.PolicySocket    // who may speak to its Unix sockets
	enforce  bool
	resolver netip.AddrPort // not valid: DNS is not asked
	collect  collectConfig
	our      mta.Our
	services map[string]string
	sensor.Settings
}

// collectConfig is where, and from whom, sessions of other machines are taken.
type collectConfig struct {
	listen string // empty: nowhere
	mta.CollectorConfig
}

// after is what is in force after a reload: the socket stays as it is.
func (c collectConfig) after(old collectConfig) collectConfig {
	if c.listen == "" || old.listen == "" {
		return old
	}
	c.listen = old.listen
	return c
}

// mail checks what the file says of the sensor. The catalogue, the zones and
// our own addresses must have been resolved.
func (f fileConfig) mail(c config, wrong *mistakes) mailConfig {
	s := mailConfig{receiver: f.Sensor.Receiver, enforce: f.Sensor.Enforce}
	if s.receiver == "" {
		s.receiver, _ = os.Hostname() // empty is said below
	}
	if s.receiver == "" || listing.Printable(s.receiver) != s.receiver || len(s.receiver) > 64 {
		wrong.addf("sensor.receiver: %s: a name of 1 to 64 printable characters", listing.Quote(s.receiver))
	}
	s.policy, s.socket = f.Sensor.policyAddresses(wrong), f.Sensor.policySocket(wrong)
	if f.Sensor.Resolver != "" {
		var err error
		if s.resolver, err = netip.ParseAddrPort(f.Sensor.Resolver); err != nil || s.resolver.Port() == 0 {
			wrong.addf("sensor.resolver: %s: write an address and a port, such as 127.0.0.1:53", listing.Quote(f.Sensor.Resolver))
		}
	}
	s.collect = f.Sensor.collect(s, wrong)
	if s.Collected = s.collect.Receivers; len(s.policy) > 0 {
		s.Own = s.receiver
	}
	var err error
	if s.Thresholds, err = sighting.FromSymbols(f.Thresholds); err != nil {
		wrong.add(err)
	} else {
		wrong.add(s.Thresholds.Validate())
	}
	s.our = f.Our.sensor(c, wrong)
	s.services = f.Sensor.Services
	for name, what := range s.services {
		if what != "25" && what != "submission" {
			wrong.addf("sensor.services.%s: %s: write \"25\" or \"submission\"", name, listing.Quote(what))
		}
	}
	for _, z := range c.zone.Lists() {
		for _, r := range z.Reasons {
			if info, known := c.rules.Reasons.Info(r); known && !info.Published && !slices.Contains(s.Named, r) {
				s.Named = append(s.Named, r)
			}
		}
	}
	return s
}

// collect checks what the file says. A receiver has one source.
func (f sensorFile) collect(s mailConfig, wrong *mistakes) collectConfig {
	c := collectConfig{f.Collect.Listen, mta.CollectorConfig{Receivers: f.Collect.Receivers,
		Identity: mta.Identity{Certificate: f.Collect.Certificate, Key: f.Collect.Key, CA: f.Collect.ClientCA}}}
	if c.listen == "" {
		return collectConfig{}
	}
	if _, err := netip.ParseAddrPort(c.listen); err != nil {
		wrong.addf("sensor.collect.listen: %s: write an address and a port, such as 192.0.2.53:10443", listing.Quote(c.listen))
	}
	if err := c.Validate(); err != nil {
		wrong.addf("sensor.collect: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if len(s.policy) > 0 && slices.Contains(c.Receivers, s.receiver) {
		wrong.addf("sensor.collect.receivers: the sessions of %s come from its policy service", listing.Quote(s.receiver))
	}
	return c
}

// policySocket reads a mode as chmod does.
func (f sensorFile) policySocket(wrong *mistakes) mta.PolicySocket {
	mode, err := strconv.ParseUint(f.Mode, 8, 32)
	if err != nil || mode&0o600 != 0o600 || mode > 0o777 {
		wrong.addf("sensor.policy_mode = %s: write it as chmod takes it, such as \"0660\"; the owner reads and writes", listing.Quote(f.Mode))
	}
	if _, err := user.LookupGroup(f.Group); f.Group != "" && err != nil {
		wrong.addf("sensor.policy_group = %s: there is no such group on this host", listing.Quote(f.Group))
	}
	return mta.PolicySocket{Mode: fs.FileMode(mode), Group: f.Group}
}

func (f sensorFile) policyAddresses(wrong *mistakes) []mta.PolicyAddress {
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
		if err != nil {
			wrong.addf("sensor.policy: %w", err)
		}
		all = append(all, a)
	}
	return all
}

// sensor is the receiving side. A prefix that is ours is trusted as a whole.
func (o ourConfig) sensor(c config, wrong *mistakes) mta.Our {
	our := mta.Our{Names: c.ourNames, Hosted: o.Hosted}
	for _, p := range c.rules.Policy.Never {
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
