package feed

import (
	"encoding/binary"
	"net/netip"

	"dnsbld/listing"
)

// early are the entries of ip4tsets and ip6tsets that stand before the first
// default line of their data set, which counts for them too. Where what they
// are listed for follows from it, they wait for the end of the file, packed.
type early struct {
	sets []earlySet
	n    int
}

type earlySet struct {
	scope    scope // as it was at the end of the data set
	set      int   // which one
	six      bool
	entries  []uint64 // IPv4 address, or the network half of an IPv6 one
	lines    []uint32
	released int
}

// mostEarly bounds the memory: twelve bytes each.
const mostEarly = 1 << 22

// trivial reports whether all entries of the data set have one value.
func (p *rbldnsd) trivial() bool { return p.kind == "ip4tset" || p.kind == "ip6tset" }

// waits reports whether it is not known yet what an entry is listed for.
func (p *rbldnsd) waits() bool {
	o := p.options
	return !p.scope.fixed && (o.Reason == 0 || len(o.Map) > 0 || o.DefaultTexts)
}

// hold keeps an entry for the end of the file.
func (p *rbldnsd) hold(s listing.Subject) error {
	e := &p.early
	if e.n == mostEarly {
		return fatal{complain("no-default", "write the default line, such as :127.0.0.2:text, first; or give --reason without --map",
			"the file has more than %d entries before the first default line, which says what they are listed for", mostEarly)}
	}
	if len(e.sets) == 0 || e.sets[len(e.sets)-1].set != p.set {
		e.sets = append(e.sets, earlySet{set: p.set, six: p.kind == "ip6tset"})
	}
	set := &e.sets[len(e.sets)-1]
	entry := uint64(0)
	if set.six {
		b := s.Addr().As16()
		entry = binary.BigEndian.Uint64(b[:])
	} else {
		entry = uint64(s.V4())
	}
	set.entries, set.lines = append(set.entries, entry), append(set.lines, uint32(p.n))
	e.n++
	return nil
}

// endSet notes what has become of the default of a data set that ends.
func (p *rbldnsd) endSet() {
	if sets := p.early.sets; len(sets) > 0 && sets[len(sets)-1].set == p.set {
		sets[len(sets)-1].scope = p.scope
	}
}

// release lists entries that waited, some at a time.
func (p *rbldnsd) release() error {
	const atOnce = 1024
	for len(p.early.sets) > 0 && len(p.items) < atOnce {
		set := &p.early.sets[0]
		if set.released == len(set.entries) {
			p.early.sets = p.early.sets[1:]
			continue
		}
		p.scope, p.set = set.scope, set.set
		at, subject := int(set.lines[set.released]), set.subject(set.released)
		switch err := p.add(subject, set.scope.value); {
		case err != nil && len(p.items) > 0: // those first
			return nil
		case err != nil:
			set.released++
			return late{err, at, subject.Text()}
		}
		p.items[len(p.items)-1].at = at
		set.released++
	}
	return nil
}

func (s *earlySet) subject(n int) listing.Subject {
	if s.six {
		var b [16]byte
		binary.BigEndian.PutUint64(b[:], s.entries[n])
		return listing.Subject{Prefix: netip.PrefixFrom(netip.AddrFrom16(b), 64)}
	}
	return listing.HostSubject(addr4(uint32(s.entries[n])))
}
