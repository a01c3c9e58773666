package sighting

import (
	"cmp"
	"encoding/binary"
	"net/netip"

	"dnsbld/listing"
)

// place is where sessions are counted together: an IPv4 address, or
// an IPv6 /64. It holds no pointer.
type place struct {
	bits uint64 // the IPv4 address, or the high half of the IPv6 one
	six  bool
}

// locate finds an address's place and its host there: 0 in IPv4, else the low
// half. Mapped and 6to4 addresses are the IPv4 addresses they embed.
func locate(a netip.Addr) (place, uint64) {
	a = listing.Canonical(a)
	if a.Is4() {
		b := a.As4()
		return place{bits: uint64(binary.BigEndian.Uint32(b[:]))}, 0
	}
	b := a.As16()
	return place{binary.BigEndian.Uint64(b[:8]), true}, binary.BigEndian.Uint64(b[8:])
}

// compare orders places as their keys are ordered.
func (p place) compare(o place) int {
	if p.six != o.six {
		if o.six {
			return -1
		}
		return 1
	}
	return cmp.Compare(p.bits, o.bits)
}

// placeOf finds the place of a subject that is a unit of listing: an address,
// with its host, or a whole /64.
func placeOf(s listing.Subject) (p place, u unit, ok bool) {
	if !s.IsValid() {
		return place{}, unit{}, false
	}
	p, host := locate(s.Addr())
	switch {
	case s.IsHost():
		return p, unit{host: host}, true
	case p.six && s.Bits() == listing.ClientBits:
		return p, unit{all: true}, true
	}
	return place{}, unit{}, false
}

// unit is what is listed of a place: one host, or all of it.
type unit struct {
	host uint64
	all  bool // of IPv6: the whole /64
}

// number stands for the unit where hosts are to be looked at.
func (u unit) number() uint64 {
	if u.all {
		return manyHosts
	}
	return u.host
}

func (u unit) has(c *cell) bool { return u.all || c.host == u.host }

func (p place) subject(u unit) listing.Subject {
	if !p.six {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(p.bits))
		return listing.HostSubject(netip.AddrFrom4(b))
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], p.bits)
	if u.all {
		return listing.Subject{Prefix: netip.PrefixFrom(netip.AddrFrom16(b), 64)}
	}
	binary.BigEndian.PutUint64(b[8:], u.host)
	return listing.Subject{Prefix: netip.PrefixFrom(netip.AddrFrom16(b), 128)}
}
