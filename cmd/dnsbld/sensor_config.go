package main

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"dnsbld/listing"
	"dnsbld/listing/sighting"
	"dnsbld/mta"
)

// sensorFile is [sensor] as it is written.
type sensorFile struct {
	Receiver string `toml:"receiver"`
	Policy   any    `toml:"policy"` // an address, or a list of them
	Enforce  bool   `toml:"enforce"`
	Resolver string `toml:"resolver"`

	Collect collectFile `toml:"collect"`
}

// sensorConfig is what the sensor works by.
type sensorConfig struct {
	receiver   string          // of the policy service
	policy     []policyAddress // where it answers
	enforce    bool
	resolver   netip.AddrPort // not valid: DNS is not asked
	collect    collectConfig
	our        mta.Our
	thresholds sighting.Thresholds
	named      []listing.Reason // shadow reasons that a zone names
}

// policyAddress is where Postfix asks the policy service.
type policyAddress struct{ network, address string }

func (a policyAddress) String() string {
	if a.network == "unix" {
		return "unix:" + a.address
	}
	return a.address
}

// parsePolicyAddress reads an address as Postfix writes it, or without "inet:".
func parsePolicyAddress(text string) (policyAddress, error) {
	if path, unix := strings.CutPrefix(text, "unix:"); unix && path != "" {
		return policyAddress{"unix", path}, nil
	}
	a, err := netip.ParseAddrPort(strings.TrimPrefix(text, "inet:"))
	if err != nil {
		return policyAddress{}, fmt.Errorf("sensor.policy: %s: write an address and a port, such as 127.0.0.1:10040, or unix:PATH", listing.Quote(text))
	}
	return policyAddress{"tcp", a.String()}, nil
}

// sensor checks what the file says of the sensor. The catalogue, the zones and
// our own addresses must have been resolved.
func (f fileConfig) sensor(c config, wrong *mistakes) sensorConfig {
	s := sensorConfig{receiver: f.Sensor.Receiver, enforce: f.Sensor.Enforce}
	if s.receiver == "" {
		s.receiver, _ = os.Hostname() // empty is said below
	}
	if s.receiver == "" || listing.Printable(s.receiver) != s.receiver || len(s.receiver) > 64 {
		wrong.addf("sensor.receiver: %s: a name of 1 to 64 printable characters", listing.Quote(s.receiver))
	}
	s.policy = f.Sensor.policyAddresses(wrong)
	if f.Sensor.Resolver != "" {
		var err error
		if s.resolver, err = netip.ParseAddrPort(f.Sensor.Resolver); err != nil || s.resolver.Port() == 0 {
			wrong.addf("sensor.resolver: %s: write an address and a port, such as 127.0.0.1:53", listing.Quote(f.Sensor.Resolver))
		}
	}
	s.collect = f.Sensor.collect(s, wrong)
	var err error
	if s.thresholds, err = sighting.FromSymbols(f.Thresholds); err != nil {
		wrong.add(err)
	} else {
		wrong.add(s.thresholds.Validate())
	}
	s.our = f.Our.sensor(c, wrong)
	for _, z := range c.zone.Zones {
		for _, r := range z.Reasons {
			if info, known := c.rules.Reasons.Info(r); known && !info.Published && !slices.Contains(s.named, r) {
				s.named = append(s.named, r)
			}
		}
	}
	return s
}

func (f sensorFile) policyAddresses(wrong *mistakes) []policyAddress {
	var all []policyAddress
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
		a, err := parsePolicyAddress(fmt.Sprint(text))
		wrong.add(err)
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
	for _, text := range o.Trusted {
		s, err := listing.ParseSubject(text)
		if err != nil {
			wrong.addf("our.trusted: %w", err)
			continue
		}
		our.Trusted = append(our.Trusted, s.Prefix)
	}
	return our
}
