package web

import (
	"cmp"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/connlimit"
	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/listing/language"
	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

// Config is what the pages say, and to how many. All of it can be exchanged
// while the server works, but for TLS.
type Config struct {
	Zones      []desk.Zone // those that are answered over DNS; the first names the site
	Reasons    *listing.Reasons
	Policy     listing.Policy
	Thresholds sighting.Thresholds
	PerWeek    int // requests for an address that are decided in 7 days

	Languages *language.Languages // that pages are in; nil: those that are built in

	Page  string // before an address, the URL of its page: "https://bl.example/"; empty: TXT names none
	Mail  string // where people write to: "desk@bl.example"; empty: nowhere
	Probe string // domain of the probe addresses: "probe.bl.example"; empty: there are none
	Texts bool   // a token in TXT is proof

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
	Ready   func() error           // why the daemon is not; nil: the view decides alone
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
	wrong.Unless(c.PerWeek > 0, "desk.requests_per_week = %d: at least 1", c.PerWeek)
	wrong.Unless(c.Limits.WebPerMinute > 0, "limits.web_per_minute = %d: at least 1", c.Limits.WebPerMinute)
	wrong.Unless(c.Limits.APIPerMinute > 0, "limits.api_per_minute = %d: at least 1", c.Limits.APIPerMinute)
	wrong.Unless(c.Limits.Connections >= 0, "limits.web_connections = %d: at least 1", c.Limits.Connections)
	wrong.Unless(c.Limits.PerClient >= 0, "limits.web_connections_per_client = %d: at least 1", c.Limits.PerClient)
	wrong.Unless((c.TLS.Cert == "") == (c.TLS.Key == ""), "web: a certificate and its key go together")
	wrong.Unless(c.Page == "" || validPage(c.Page), "desk.page = %s: write a URL that ends in a slash, such as https://bl.example/", listing.Quote(c.Page))
	wrong.Unless(c.Mail == "" || validMail(c.Mail), "desk.mail = %s: write a mail address such as desk@bl.example", listing.Quote(c.Mail))
	wrong.Unless(validHost(c.Probe), "desk.probe = %s: write a domain such as probe.bl.example", listing.Quote(c.Probe))
	return wrong.Err()
}

// validPage reports whether an address can be put behind a URL to make that of its
// page.
func validPage(page string) bool {
	u, err := url.Parse(page)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && strings.HasSuffix(u.Path, "/") &&
		u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

// validMail reports whether text is one bare address that can stand in a
// header: no display name, no control characters.
func validMail(text string) bool {
	address, ok := removal.MailAddress(text)
	return ok && address == text
}

// validHost reports whether text can be a domain name; empty is none and valid.
func validHost(name string) bool {
	return len(name) <= 253 && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}

// answers reports whether some zone answers a reason: others are nobody's
// business but the operators'.
func (c Config) answers(r listing.Reason) bool {
	info := c.Reasons.Describe(r)
	return slices.ContainsFunc(c.Zones, func(z desk.Zone) bool { return info.AnsweredBy(z.Reasons) })
}

// longestTTL is how long a resolver may keep an answer.
func (c Config) longestTTL() time.Duration {
	var longest time.Duration
	for _, z := range c.Zones {
		longest = max(longest, z.TTL)
	}
	return longest
}
