package config

import (
	"net/netip"

	"dnsbld/listing"
	"dnsbld/web"
)

// webFile is [web]: how the pages are reached. Paths are of PEM files, which are
// read again when they change.
type webFile struct {
	TrustedProxies []string `toml:"trusted_proxies"`
	Certificate    string   `toml:"certificate"`
	Key            string   `toml:"key"`
}

// Web is the pages' part of a configuration.
type Web struct {
	Pages, Metrics string // addresses to answer on; empty: none
	Given          bool   // somebody asked for these addresses
	Site           web.Config
}

// web checks what is said of the pages, once everything else is known: they show
// the criteria in force, so they need the reasons, thresholds and the desk.
func (f File) web(c Config, wrong *listing.Mistakes) Web {
	w := Web{Pages: f.Listen.Web, Metrics: f.Listen.Metrics, Given: f.WebGiven || f.Listen.Web != defaultWeb}
	w.Site = web.Config{Settings: c.Desk, Reasons: c.Rules.Reasons, Policy: c.Rules.Policy, Thresholds: c.Mail.Thresholds,
		Limits: web.Limits{WebPerMinute: f.Limits.WebPerMinute, APIPerMinute: f.Limits.APIPerMinute, ExemptLoopback: f.development,
			Connections: f.Limits.Web, PerClient: f.Limits.WebPerClient},
		TLS: web.Files{Cert: f.Web.Certificate, Key: f.Web.Key}}
	for _, s := range subjects("web.trusted_proxies", f.Web.TrustedProxies, wrong) {
		w.Site.TrustedProxies = append(w.Site.TrustedProxies, s.Prefix)
	}
	for _, address := range []string{w.Pages, w.Metrics} {
		if _, err := netip.ParseAddrPort(address); address != "" && err != nil {
			wrong.Addf("listen: %s: write an address and a port, such as 127.0.0.1:8053", listing.Quote(address))
		}
	}
	if len(*wrong) == 0 {
		wrong.Add(w.Site.Validate())
	}
	return w
}
