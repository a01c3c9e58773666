package feed

import (
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"dnsbld/listing"
	"dnsbld/listing/wildcard"
)

// zoneWriter writes a master file (RFC 1035, section 5) that any name server
// loads, and in which an address answers as here: package wildcard says how. IPv4
// and IPv6 share names, so nothing is written before the list has come to its
// end.
type zoneWriter struct {
	out *output
	all []region // in order
}

// region is a prefix with what its addresses answer that are in no other inside
// it.
type region struct {
	netip.Prefix
	says wildcard.Answers
}

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
	o.Hide = append([]listing.Subject{loopback()}, o.Hide...)
	w := &zoneWriter{out: o}
	return newSweep(o, visitor{enter: w.enter, finish: w.finish}), nil
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

func (w *zoneWriter) enter(n, _ *node) error {
	r := region{Prefix: n.subject.Prefix}
	for _, win := range n.wins {
		r.says = append(r.says, wildcard.Answer{Reason: win.Reason, Prefix: win.Subject.Prefix, Text: win.Text})
	}
	w.all = append(w.all, r)
	return nil
}

// addFixed adds what does not depend on the list: the test points, and that IPv4
// in IPv6 spelling is not listed, because its names are left out.
func (w *zoneWriter) addFixed() {
	test := netip.AddrFrom4([4]byte{127, 0, 0, byte(listing.BareIP)})
	host := netip.PrefixFrom(test, 32)
	says := wildcard.Answers{{Reason: listing.BareIP, Prefix: host, Text: "is the test entry of this list for " + w.out.Reasons.Symbol(listing.BareIP)}}
	w.all = append(w.all, region{host, says}, region{netip.PrefixFrom(netip.AddrFrom16(test.As16()), 128), says},
		region{Prefix: netip.MustParsePrefix("::ffff:0:0/96")}, region{Prefix: netip.MustParsePrefix("2002::/16")})
	slices.SortStableFunc(w.all, func(a, b region) int {
		return listing.Subject{Prefix: a.Prefix}.Compare(listing.Subject{Prefix: b.Prefix})
	})
}

func (w *zoneWriter) finish() error {
	w.addFixed()
	names := wildcard.Names{List: w, Exact: netip.PrefixFrom(loopback().Addr(), 24)}
	for o := range names.All {
		if len(o.Says) == 0 { // it is there to keep an address out of a wildcard
			w.out.printf("%s TYPE65280 \\# 0\n", o.Name)
		}
		for _, a := range o.Says {
			text := w.out.txt(a.Reason, listing.Subject{Prefix: a.Prefix}, a.Text)
			w.out.printf("%s A 127.0.0.%d\n%s TXT %s\n", o.Name, a.Reason, o.Name, quoted(text))
		}
	}
	return nil
}

// Inside makes the writer a wildcard.List.
func (w *zoneWriter) Inside(p netip.Prefix) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		for _, r := range w.all {
			if r.Bits() >= p.Bits() && p.Contains(r.Addr()) && !yield(r.Prefix) {
				return
			}
		}
	}
}

// Says makes the writer a wildcard.List. It is asked about prefixes that Inside
// has given, and about all addresses.
func (w *zoneWriter) Says(p netip.Prefix) wildcard.Answers {
	n, found := slices.BinarySearchFunc(w.all, listing.Subject{Prefix: p}, func(r region, s listing.Subject) int {
		return listing.Subject{Prefix: r.Prefix}.Compare(s)
	})
	if !found {
		return nil
	}
	return w.all[n].says
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
