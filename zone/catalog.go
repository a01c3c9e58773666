package zone

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"dnsbld/listing/index"

	"github.com/miekg/dns"
)

// catalogServer is the name server of a catalog zone: nobody asks it anything
// but for transfers (RFC 9432, section 4.1).
const catalogServer = "invalid"

// addMembers makes the zone a catalog of others (RFC 9432).
func (z *zone) addMembers(others []*zone) error {
	const label = "zones"
	z.put("\x07version", z.txt("version."+z.name, "2"))
	members := slices.SortedFunc(slices.Values(others), func(a, b *zone) int { return cmp.Compare(a.name, b.name) })
	for _, m := range members {
		id := memberID(m.name)
		at := string(rune(len(id))) + id + string(rune(len(label))) + label
		z.put(at, &dns.PTR{Hdr: z.header(id+"."+label+"."+z.name, dns.TypePTR), Ptr: m.name})
	}
	return z.checkRecords()
}

// memberID is the label of a member: another zone of the same name is another
// member only if the catalog's owner wants it, and this one never does.
func memberID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}

// serial is the zone's at a revision of the list: that, and for a catalog, which
// does not depend on the list, when it was configured.
func (z *zone) serial(set *index.Set) uint32 {
	if z.catalog {
		return z.configured
	}
	return serial(set.Revision())
}
