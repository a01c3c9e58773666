package feed

import (
	"net/netip"
	"strconv"
	"strings"

	"dnsbld/listing"
)

// rpzWriter writes a response policy zone: answers that hold a listed address
// become NXDOMAIN. The longest prefix counts, so an exception is a prefix that
// passes.
type rpzWriter struct{ out *output }

func newRPZWriter(o *output) (encoder, error) {
	if o.Zone == "" {
		o.Zone = "rpz.invalid"
	}
	o.origin("localhost") // nobody asks who serves it
	o.printf("@ NS localhost.\n")
	return newSweep(o, visitor{enter: (&rpzWriter{o}).enter}), nil
}

func (w *rpzWriter) enter(n, parent *node) error {
	switch listed := n.isListed(); {
	case listed && !parent.isListed():
		w.out.printf("%s CNAME .\n", rpzName(n.subject))
	case !listed && parent.isListed():
		w.out.printf("%s CNAME rpz-passthru.\n", rpzName(n.subject))
	}
	return nil
}

// rpzName is how a prefix is written in a response policy zone: its length,
// then its parts in reverse, zz for "::".
func rpzName(s listing.Subject) string {
	name := strconv.Itoa(s.Bits())
	if s.Addr().Is4() {
		return name + "." + reverse(s.Addr(), 32) + ".rpz-ip"
	}
	groups := strings.Split(strings.ReplaceAll(s.Addr().String(), "::", ":zz:"), ":")
	for n := len(groups) - 1; n >= 0; n-- {
		if groups[n] != "" {
			name += "." + groups[n]
		}
	}
	return name + ".rpz-ip"
}

// origin begins a master file. It names no $ORIGIN, so that the zone has whatever name
// the server that loads it gives it.
func (o *output) origin(server string) {
	ttl := int(o.TTL.Seconds())
	o.printf("$TTL %d\n@ SOA %s %s %d 60 15 1209600 %d\n", ttl, absolute(server), absolute(o.mail()), o.Serial, ttl)
}

// mail is who is responsible, as SOA has it.
func (o *output) mail() string {
	if o.Mail != "" {
		return o.Mail
	}
	return strings.TrimSuffix("hostmaster."+o.Zone, ".")
}

func absolute(name string) string { return strings.TrimSuffix(name, ".") + "." }

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
