package zone

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/wildcard"

	"github.com/miekg/dns"
)

// tables are a configuration made ready for answering. They never change.
type tables struct {
	zones               map[string]*zone // by name on the wire, in lower case
	shallowest, deepest int              // labels of their names
	ordered             []*zone          // as configured
	chaos               map[string]string
	nsid                string // in hexadecimal
	tcp                 Limits
	jar                 jar
	keys                keys
	mirrored            *zone // the one that has a primary, if one has
	coalesce            time.Duration
	portable            bool
}

// zone is one zone made ready for answering.
type zone struct {
	name          string // as a zone file has it, in lower case
	wire          *name
	ttl, negative uint32
	order         [256]uint8  // place of a reason among those that show, from 1; 0: it does not
	tests         [256]string // what 127.0.0.N says as a test entry; empty: it is none
	reasons       *listing.Reasons
	page          string
	soa           dns.SOA          // but for the serial
	nodes         map[string]*node // names that are no addresses, by the wire before the zone's name
	longest       int              // octets of the longest of those
	parts         *parts           // of answers on the wire path
	number        uint16           // by which hits name it

	catalog    bool   // of the other zones; it does not show the list
	configured uint32 // when a catalog was, in Unix seconds

	primary    *Primary // of a mirror
	primaryKey *key     // that signs both sides; nil: none
	verbatim   bool     // texts that entries have of their own are whole

	// For transfers.
	access      access
	notify      []netip.AddrPort
	nested      wildcard.Fixed // zones inside this one and the names between, relative to it
	delegations []record       // to those
	special     []netip.Prefix // where answers change whatever the list holds, in order
}

// node is the node at a name with some labels before the zone's, nil if there
// is none.
func (z *zone) node(n *name, labels int) *node {
	if before := n.before(labels); len(before) <= z.longest {
		return z.nodes[string(before)]
	}
	return nil
}

// node is a name in a zone that is there whatever the list holds. One without
// records only has names below it.
type node struct {
	records map[uint16][]dns.RR
}

// compile checks a configuration and makes it ready.
func (c Config) compile() (*tables, error) {
	var p problems
	t := &tables{zones: map[string]*zone{}, shallowest: maxLabels, chaos: c.Chaos.names(), nsid: hex.EncodeToString([]byte(c.NSID)),
		tcp: c.TCP.orDefault(), coalesce: c.Coalesce, portable: c.Portable}
	p.text("chaos: version", c.Chaos.Version, maxText)
	p.text("chaos: hostname", c.Chaos.Hostname, maxText)
	p.text("chaos: id", c.Chaos.ID, maxText)
	p.Unless(len(c.NSID) <= maxNSID, "nsid: up to %d octets", maxNSID)
	p.Add(t.tcp.validate())
	t.jar = c.Cookies.compile(&p)
	p.Unless(c.Coalesce >= 0 && c.Coalesce <= maxCoalesce, "coalesce = %s: up to %s", c.Coalesce, maxCoalesce)
	p.Unless(c.Reasons != nil, "there is no catalogue of reasons")
	p.Unless(len(c.Lists()) > 0, "there is no zone to serve")
	if c.Reasons != nil {
		t.keys = compileKeys(c.Keys, &p)
		t.compileZones(c, &p)
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return t, nil
}

func compileKeys(all []Key, p *problems) keys {
	known := keys{}
	for _, k := range all {
		ready, err := k.compile()
		if err != nil {
			p.Add(err)
			continue
		}
		p.Unless(known[ready.name] == nil, "key %s is there twice", k.Name)
		known[ready.name] = ready
	}
	return known
}

// compileZones makes the zones ready, first each for itself, then what they say
// of each other.
func (t *tables) compileZones(c Config, p *problems) {
	mirror := c.mirrors(p)
	for _, z := range c.Zones {
		ready, err := z.compile(c.Reasons, t.keys, mirror)
		if err != nil {
			p.Addf("zone %s: %w", listing.Quote(z.Name), err)
			continue
		}
		p.Add(t.add(ready))
		if ready.primary != nil {
			t.mirrored = ready
		}
	}
	var members []*zone
	for _, z := range t.ordered {
		if t.delegate(z); !z.catalog {
			members = append(members, z)
		}
	}
	for _, z := range t.ordered {
		if z.catalog {
			p.Add(z.addMembers(members))
		}
		z.compileSpecial()
	}
}

func (t *tables) add(z *zone) error {
	key := string(z.wire.from(0))
	if t.zones[key] != nil {
		return fmt.Errorf("zone %s is there twice", z.name)
	}
	t.zones[key] = z
	t.ordered = append(t.ordered, z)
	t.shallowest, t.deepest = min(t.shallowest, z.wire.labels), max(t.deepest, z.wire.labels)
	return nil
}

// delegate makes a zone's name, and those between it and the zone around it,
// exist in that one: a resolver that walks down must not be told that there is
// nothing below (RFC 8020).
func (t *tables) delegate(z *zone) {
	parent, labels := t.match(z.wire, 1)
	if parent == nil {
		return
	}
	for i := range labels {
		parent.exist(string(z.wire.wire[z.wire.starts[i]:z.wire.starts[labels]]))
		name := strings.TrimSuffix(z.wire.textFrom(i), "."+parent.name)
		parent.nested[name] = parent.nested[name] || i == 0
	}
	parent.refer(z, string(z.wire.before(labels)))
}

// match finds the zone that a name lies in, the one with the longest name, and
// how many labels stand before it. The first labels of the name do not count.
func (t *tables) match(n *name, skip int) (z *zone, labels int) {
	for i := max(skip, n.labels-t.deepest); i <= n.labels-t.shallowest; i++ {
		if z := t.zones[string(n.from(i))]; z != nil {
			return z, i
		}
	}
	return nil, 0
}

// compile checks a zone and makes it ready.
func (z Zone) compile(reasons *listing.Reasons, known keys, mirror bool) (*zone, error) {
	var p problems
	if z.Catalog && len(z.NS) == 0 {
		z.NS = []NameServer{{Name: catalogServer}}
	}
	presentation, wire, err := wireName(z.Name)
	if err != nil {
		return nil, err
	}
	p.Unless(wire.length <= maxZoneName, "its name is too long: IPv6 addresses do not fit before it")
	p.Add(z.validate(reasons))
	ready := &zone{name: presentation, wire: wire, reasons: reasons, page: z.Page, catalog: z.Catalog, verbatim: mirror,
		ttl: ttlSeconds(z.TTL), negative: ttlSeconds(z.NegativeTTL), nodes: map[string]*node{"": {records: map[uint16][]dns.RR{}}}, nested: wildcard.Fixed{}}
	switch {
	case z.Primary != nil:
		ready.showAll()
	case !z.Catalog:
		ready.show(z.Reasons)
	}
	ready.compileAccess(z, known, &p)
	if z.Primary != nil {
		ready.mirror(z, known, &p)
	} else {
		p.Add(ready.addApex(z))
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return ready, ready.compileParts()
}

func ttlSeconds(d time.Duration) uint32 {
	return uint32(cmp.Or(d, DefaultTTL) / time.Second)
}

// show sets which reasons the zone answers, and in which order.
func (z *zone) show(only []listing.Reason) {
	place := uint8(0)
	for _, i := range z.reasons.All() {
		if i.AnsweredBy(only) {
			place++
			z.order[i.Code] = place
		}
		if i.Published || z.order[i.Code] > 0 {
			z.addPoint(i.Code)
		}
	}
	z.addPoint(testReason)
}

func (z *zone) addPoint(r listing.Reason) {
	z.tests[r] = "is the test entry of this list for " + z.reasons.Symbol(r)
	if z.verbatim {
		at := listing.Subject{Prefix: netip.PrefixFrom(code(r), 32)}
		z.tests[r] = wildcard.Shrink(z.reasons.TXT(r, at, z.tests[r], z.page), at.Text())
	}
}

// Digest stands for all that zones say beside the list itself: with another
// digest they need another serial.
func (c Config) Digest() string {
	var reasons []listing.ReasonInfo
	if c.Reasons != nil {
		reasons = c.Reasons.All()
	}
	zones := slices.Clone(c.Zones)
	slices.SortFunc(zones, func(a, b Zone) int { return strings.Compare(a.Name, b.Name) })
	raw, err := json.Marshal(struct {
		Zones   []Zone
		Reasons []listing.ReasonInfo
	}{zones, reasons})
	if err != nil { // there is nothing in it that could not be written
		raw = fmt.Append(nil, zones, reasons)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
