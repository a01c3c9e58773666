package feed

import (
	"net/netip"
	"slices"
	"sort"

	"dnsbld/listing"
)

// hidden are prefixes that are not listed whatever is: sorted, none within
// another.
type hidden []listing.Subject

func newHidden(subjects ...listing.Subject) hidden {
	subjects = slices.Clone(subjects)
	slices.SortFunc(subjects, listing.Subject.Compare)
	var h hidden
	for _, s := range subjects {
		if len(h) == 0 || !h[len(h)-1].Covers(s) {
			h = append(h, s)
		}
	}
	return h
}

// covers reports whether all of s is hidden.
func (h hidden) covers(s listing.Subject) bool {
	n := sort.Search(len(h), func(n int) bool { return h[n].Compare(s) > 0 })
	return n > 0 && h[n-1].Covers(s)
}

// loopback is where the test points are (RFC 5782, section 5): what is written
// for DNS servers has them, and nothing else there.
func loopback() listing.Subject {
	return listing.Subject{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8)}
}

// testPoints are the owner names of the addresses that every list lists.
func testPoints() []string {
	four := netip.AddrFrom4([4]byte{127, 0, 0, 2})
	return []string{reverse(four, 32), reverse(netip.AddrFrom16(four.As16()), 128)}
}

const testText = "test point of this list (RFC 5782)"
