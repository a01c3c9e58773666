package zone

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"dnsbld/connlimit"
	"dnsbld/listing"
)

// DefaultTTL is the TTL of answers, and the negative TTL, where none is
// configured.
const DefaultTTL = 300 * time.Second

// Config is what is served, and to how many at once.
type Config struct {
	Zones   []Zone
	Keys    []Key
	Reasons *listing.Reasons
	Chaos   Chaos
	NSID    string // sent to those who ask for it (RFC 5001); empty: to nobody
	TCP     Limits
	Cookies Cookies

	// Coalesce is how long a worker may wait for more queries before it
	// answers those that are there, while they are neither few nor too many.
	// Zero: it does not wait. It holds for sockets served from then on, and so
	// does Portable: to move datagrams one by one, as every system can.
	Coalesce time.Duration
	Portable bool
}

// Zone is one zone over the list. All zones serve the same list.
type Zone struct {
	Name        string           // "bl.example"
	Reasons     []listing.Reason // that show; empty: all that are published
	TTL         time.Duration    // of positive answers; zero: DefaultTTL
	NegativeTTL time.Duration    // of negative ones (RFC 2308); zero: DefaultTTL
	NS          []NameServer     // the first is named in the SOA record
	Mailbox     string           // of the operator, "hostmaster.bl.example" or with an @; empty: hostmaster at the zone
	Addresses   []netip.Addr     // A and AAAA of the zone's name
	TXT         []string         // of the zone's name
	MX          []MX             // of the zone's name
	Page        string           // put before an address to make that of its page; empty: TXT names no page
	Catalog     bool             // it names the other zones, for secondaries (RFC 9432), and shows nothing of the list
	Policy      string           // TXT at "policy" below the zone's name; empty: none

	// Transfers are refused unless one of the first two is given; of both, both
	// must fit.
	TransferKey  string           `json:"-"` // name of the key that signs questions for them
	TransferFrom []netip.Prefix   `json:"-"` // where they are asked from
	TransferTLS  bool             `json:"-"` // they are asked for over TLS alone (RFC 9103)
	Notify       []netip.AddrPort `json:"-"` // who is told when the zone changed

	// A mirror has a primary, and what was taken of it beside the list.
	Primary *Primary `json:"-"`
	Taken   *Taken   `json:"-"`
}

// Lists are the zones that show the list: catalogs do not.
func (c Config) Lists() (all []Zone) {
	for _, z := range c.Zones {
		if !z.Catalog {
			all = append(all, z)
		}
	}
	return all
}

// NameServer is a server of a zone. Addresses are served if its name lies
// within the zone, where nobody else could.
type NameServer struct {
	Name      string
	Addresses []netip.Addr
}

// ParseNameServer reads a name and, perhaps, addresses, with blanks between.
func ParseNameServer(text string) (NameServer, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return NameServer{}, errors.New("a name server needs a name, such as ns1.bl.example")
	}
	ns := NameServer{Name: fields[0]}
	for _, f := range fields[1:] {
		a, err := netip.ParseAddr(f)
		if err != nil {
			return NameServer{}, fmt.Errorf("name server %s: %s is not an address", listing.Quote(ns.Name), listing.Quote(f))
		}
		ns.Addresses = append(ns.Addresses, a)
	}
	return ns, nil
}

// MX is a mail exchanger of a zone's name.
type MX struct {
	Preference uint16
	Host       string
}

// ParseMX reads "10 mail.example".
func ParseMX(text string) (MX, error) {
	var m MX
	if n, err := fmt.Sscanf(text, "%d %s", &m.Preference, &m.Host); err != nil || n != 2 || len(strings.Fields(text)) != 2 {
		return MX{}, fmt.Errorf("mx %s: write a preference and a host, such as 10 mail.example", listing.Quote(text))
	}
	return m, nil
}

// Chaos are the answers to questions of class CHAOS. An empty one is refused.
type Chaos struct {
	Version  string // version.bind
	Hostname string // hostname.bind
	ID       string // id.server (RFC 4892)
}

// Limits keep TCP clients from taking what is there for all.
type Limits struct {
	connlimit.Limits               // zero: 1000 in all, 50 of one client
	Idle             time.Duration // for one message to arrive or leave; zero: 10 s, at most 30 s
}

func (l Limits) orDefault() Limits {
	l.All, l.PerClient, l.Idle = cmp.Or(l.All, 1000), cmp.Or(l.PerClient, 50), cmp.Or(l.Idle, 10*time.Second)
	return l
}

// Bounds of a configuration.
const (
	maxTTL      = 24 * time.Hour
	maxCoalesce = 10 * time.Millisecond
	maxIdle     = 30 * time.Second // RFC 7766, section 6.2.3: "a few seconds"
	maxNSID     = 128              // octets
	maxPage     = 100              // octets, so that TXT has room for what happened
	maxText     = 255              // octets of one string of a TXT record

	// maxZoneName is the longest name of a zone on the wire: 32 labels of an
	// IPv6 address stand before it.
	maxZoneName = 255 - 2*32
)

// Validate finds every mistake.
func (c Config) Validate() error {
	_, err := c.compile()
	return err
}

// problems are mistakes, and what is asked of many texts and times.
type problems struct{ listing.Mistakes }

func (p *problems) text(key, text string, most int) {
	p.Unless(len(text) <= most && listing.Printable(text) == text, "%s = %s: up to %d printable ASCII characters", key, listing.Quote(text), most)
}

func (p *problems) ttl(key string, d time.Duration) {
	p.Unless(d == 0 || (d >= time.Second && d <= maxTTL), "%s = %s: from 1s to 1d", key, d)
}

func (l Limits) validate() error {
	var p problems
	p.Unless(l.All > 0, "tcp: connections = %d: at least 1", l.All)
	p.Unless(l.PerClient > 0, "tcp: per_client = %d: at least 1", l.PerClient)
	p.Unless(l.Idle > 0 && l.Idle <= maxIdle, "tcp: idle = %s: up to %s", l.Idle, maxIdle)
	return p.Err()
}

// validate finds the mistakes of a zone that do not depend on other zones.
func (z Zone) validate(reasons *listing.Reasons) error {
	var p problems
	p.ttl("ttl", z.TTL)
	p.ttl("negative_ttl", z.NegativeTTL)
	p.Unless(len(z.NS) > 0 || z.Primary != nil, "ns: a zone needs a name server")
	for _, r := range z.Reasons {
		_, known := reasons.Info(r)
		p.Unless(known, "reasons: there is no reason %d", r)
	}
	for _, t := range z.TXT {
		p.text("txt", t, maxText)
	}
	p.text("policy", z.Policy, maxText)
	p.text("page", z.Page, maxPage)
	if z.Page != "" {
		web := strings.HasPrefix(z.Page, "https://") || strings.HasPrefix(z.Page, "http://")
		p.Unless(web && !strings.ContainsAny(z.Page, " \"<>"), "page = %s: an address such as https://bl.example/", listing.Quote(z.Page))
	}
	for _, a := range z.Addresses {
		p.Unless(a.IsValid() && a.Zone() == "", "%s is not an address to publish", a)
	}
	return p.Err()
}
