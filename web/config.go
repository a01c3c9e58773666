package web

import (
	"cmp"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/connlimit"
	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

// Config is what the pages say, and to how many. All of it can be exchanged
// while the server works, but for TLS.
type Config struct {
	desk.Settings // of its zones the first names the site; without letters pages are in the languages that are built in

	Reasons    *listing.Reasons
	Policy     listing.Policy
	Thresholds sighting.Thresholds

	Limits         Limits
	TrustedProxies []netip.Prefix // whose word on where a request comes from is taken
	TLS            Files          // empty: plain HTTP, as behind a proxy
}

// Limits are for each client, an IPv4 address or an IPv6 /64. A client may use
// up a minute's worth at once.
type Limits struct {
	WebPerMinute   int // pages; a request to delist counts as five
	APIPerMinute   int
	ExemptLoopback bool // for development
	Connections    int  // open at once, of all clients; 0: 1000
	PerClient      int  // of these, of one client that is no trusted proxy; 0: 100
}

// Files are a certificate chain and its key, in PEM. They are read again when
// they change.
type Files struct{ Cert, Key string }

// Parts are what stands behind the pages.
type Parts struct {
	View    View
	Desk    Desk
	Now     func() time.Time
	Log     *slog.Logger           // nil: none
	Metrics []prometheus.Collector // beside those of this package
}

// connections are the limits on those: trusted proxies bring the requests of many.
func (c Config) connections() connlimit.Limits {
	l := connlimit.Limits{All: cmp.Or(c.Limits.Connections, 1000), PerClient: cmp.Or(c.Limits.PerClient, 100), Exempt: c.TrustedProxies}
	if c.Limits.ExemptLoopback {
		l.Exempt = append(slices.Clip(l.Exempt), connlimit.Loopback()...)
	}
	return l
}

// Validate finds every mistake.
func (c Config) Validate() error {
	var wrong listing.Mistakes
	wrong.Unless(len(c.Zones) > 0, "zone: none is given")
	wrong.Unless(c.Reasons != nil, "reason: no catalogue is given")
	wrong.Unless(c.Limits.WebPerMinute > 0, "limits.web_per_minute = %d: at least 1", c.Limits.WebPerMinute)
	wrong.Unless(c.Limits.APIPerMinute > 0, "limits.api_per_minute = %d: at least 1", c.Limits.APIPerMinute)
	wrong.Unless(c.Limits.Connections >= 0, "limits.web_connections = %d: at least 1", c.Limits.Connections)
	wrong.Unless(c.Limits.PerClient >= 0, "limits.web_connections_per_client = %d: at least 1", c.Limits.PerClient)
	wrong.Unless((c.TLS.Cert == "") == (c.TLS.Key == ""), "web: a certificate and its key go together")
	return errors.Join(c.Settings.Validate(), wrong.Err())
}

// validMail reports whether text is one bare address that can stand in a
// header: no display name, no control characters.
func validMail(text string) bool {
	address, ok := removal.MailAddress(text)
	return ok && address == text
}

// answers reports whether some zone answers a reason: others are nobody's
// business but the operators'.
func (c Config) answers(r listing.Reason) bool {
	info := c.Reasons.Describe(r)
	return slices.ContainsFunc(c.Zones, func(z desk.Zone) bool { return info.AnsweredBy(z.Reasons) })
}
