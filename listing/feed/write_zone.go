package feed

import (
	"net/netip"
	"strconv"
	"strings"

	"dnsbld/listing"
)

// zoneWriter writes a master file (RFC 1035, section 5) that any name server
// loads. A wildcard answers only names below which nothing else stands (RFC
// 4592, section 3.3.1), so prefixes are cut into blocks that hold nothing else:
// whole octets, or nibbles, which become wildcards, and hosts. Hence nothing
// has to be closed, and an address answers exactly as here.
//
// Names of IPv4 and of IPv6 begin alike: *.0.6.2 would answer for 2.6.0.0/24
// and for all of 2600::/12. An IPv4 block whose octets could be nibbles is
// written host by host, an IPv6 block is never wider than a /16.
type zoneWriter struct{ out *output }

func newZoneWriter(o *output) (encoder, error) {
	if o.Zone == "" || len(o.NS) == 0 {
		return nil, &listing.Error{Kind: listing.ErrInvalid, Code: "no-zone",
			Message: "a zone needs its name and a name server", Hint: "give --zone, and the name servers of the zone in the configuration"}
	}
	o.origin(o.NS[0])
	for _, ns := range o.NS {
		o.printf("@ NS %s\n", absolute(ns))
		o.glue(ns)
	}
	for _, name := range testPoints() {
		o.printf("%s A 127.0.0.2\n%s TXT %s\n", name, name, quoted(testText))
	}
	o.Hide = append([]listing.Subject{loopback()}, o.Hide...)
	return newSweep(o, newPieces((&zoneWriter{o}).piece, nil)), nil
}

// origin begins a master file.
func (o *output) origin(server string) {
	ttl := int(o.TTL.Seconds())
	o.printf("$ORIGIN %s\n$TTL %d\n@ SOA %s %s %d 60 15 1209600 %d\n", absolute(o.Zone), ttl, absolute(server), absolute(o.mail()), o.Serial, ttl)
}

// glue writes the addresses of a name server that is in the zone. Without them
// some servers, BIND among them, do not load it.
func (o *output) glue(server string) {
	name := absolute(server)
	found := !strings.HasSuffix("."+name, "."+absolute(o.Zone))
	for _, g := range o.Glue {
		if !strings.EqualFold(absolute(g.Name), name) {
			continue
		}
		kind := "A"
		if g.Address.Is6() {
			kind = "AAAA"
		}
		o.printf("%s %s %s\n", name, kind, g.Address)
		found = true
	}
	if !found {
		o.printf("; the addresses of %s belong here: it is in this zone\n", name)
	}
}

// mail is who is responsible, as SOA has it.
func (o *output) mail() string {
	if o.Mail != "" {
		return o.Mail
	}
	return strings.TrimSuffix("hostmaster."+o.Zone, ".")
}

func absolute(name string) string { return strings.TrimSuffix(name, ".") + "." }

func (w *zoneWriter) piece(lo, hi netip.Addr, n *node) error {
	step := 4
	if lo.Is4() {
		step = 8
	}
	for p := range blocks(lo, hi, step, mayBeWildcard) {
		owner := reverse(p.Addr(), p.Bits())
		if !p.IsSingleIP() {
			owner = "*." + owner
		}
		for i := range n.wins {
			win := &n.wins[i]
			w.out.printf("%s A 127.0.0.%d\n%s TXT %s\n", owner, win.Reason, owner, quoted(w.out.txt(win.Reason, win.Subject, win.Text)))
		}
	}
	return nil
}

func mayBeWildcard(p netip.Prefix) bool {
	if p.Addr().Is6() {
		return p.Bits() >= 16
	}
	quad := p.Addr().As4()
	for _, octet := range quad[:p.Bits()/8] {
		if octet > 9 {
			return true
		}
	}
	return false
}

// reverse is the owner name of the first bits of an address: octets or
// nibbles, the last one first.
func reverse(a netip.Addr, bits int) string {
	b := a.AsSlice()
	var labels []string
	if a.Is4() {
		for n := bits/8 - 1; n >= 0; n-- {
			labels = append(labels, strconv.Itoa(int(b[n])))
		}
		return strings.Join(labels, ".")
	}
	for n := bits/4 - 1; n >= 0; n-- {
		labels = append(labels, strconv.FormatInt(int64(b[n/2]>>(4*(1-n%2))&15), 16))
	}
	return strings.Join(labels, ".")
}

// quoted is a text as it stands in a master file.
func quoted(text string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), `"`, `\"`) + `"`
}
