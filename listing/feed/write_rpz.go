package feed

import (
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
