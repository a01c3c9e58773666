package config

import (
	"fmt"
	"net/netip"
	"slices"

	"dnsbld/listing"
	"dnsbld/zone"
)

// primaryConfig is the part of a [[zone]] that says where a mirror takes it from.
type primaryConfig struct {
	Primary    string `toml:"primary"`
	PrimaryKey string `toml:"key"`
	PrimaryTLS string `toml:"primary_tls"`
	PrimaryCA  string `toml:"primary_ca"`
}

// from puts in where a zone is taken from.
func (c zoneConfig) from(z *zone.Zone, wrong *listing.Mistakes) {
	if c.Primary == "" {
		wrong.Unless(c.primaryConfig == (primaryConfig{}), "key, primary_tls and primary_ca are of a mirror, and there is no primary")
		return
	}
	wrong.Unless(c.TTL == nil && c.NegativeTTL == nil, "ttl, negative_ttl: they come from the primary: leave them out here")
	p := &zone.Primary{Key: c.PrimaryKey}
	port, err := uint16(53), error(nil)
	switch {
	case c.PrimaryTLS != "":
		port = 853
		p.TLS, err = zone.PrimaryTLS(c.PrimaryTLS, c.PrimaryCA)
		wrong.Unless(err == nil, "primary_ca: %w", err)
	case c.PrimaryCA != "":
		wrong.Addf("primary_ca: it is for primary_tls, which is left out: the zone would come in clear")
	}
	if p.Address, err = netip.ParseAddrPort(c.Primary); err != nil {
		var a netip.Addr
		a, err = netip.ParseAddr(c.Primary)
		wrong.Unless(err == nil, "primary = %s: write an address such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53", listing.Quote(c.Primary))
		p.Address = netip.AddrPortFrom(a, port)
	}
	z.Primary = p
}

// mirror is the zone that is taken from a primary, empty if there is none, and
// refuses what would write to its list. Pages are there to ask for removals, so a
// mirror shows none unless they were asked for, which is a mistake.
func (f *File) mirror(c *Config, wrong *listing.Mistakes) {
	n := slices.IndexFunc(c.Zone.Zones, func(z zone.Zone) bool { return z.Primary != nil })
	if n < 0 {
		return
	}
	z := c.Zone.Zones[n]
	c.Mirror = z.Name
	c.Rules.Primary = fmt.Sprintf("%s (%s)", z.Primary.Address, z.Name)
	wrong.Unless(!f.WebGiven && (f.Listen.Web == defaultWeb || f.Listen.Web == ""), "listen.web: this is a mirror, and pages are there to ask for removals: leave them to the primary")
	f.Listen.Web = ""
	wrong.Unless(f.ReadOnly == "", "--read-only: this is a mirror, which takes its list from the primary again: move the damaged file aside instead")
	wrong.Unless(f.Sensor.Policy == nil && f.Sensor.Collect.Listen == "", "sensor: this is a mirror, which lists nothing by itself: report sessions to the primary")
}
