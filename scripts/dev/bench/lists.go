package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// The lists that can be measured, by name.
const (
	listMixed = "mixed" // hosts, 1 % prefixes and 1 % IPv6
	listNets  = "nets"  // as many random /26 as /64, and few hosts
	listTexts = "texts" // hosts with a text each
)

// newList makes up a list of some size.
func newList(kind string, seed uint64, n, widest int) *dataset {
	switch kind {
	case listNets:
		return newNets(seed, n)
	case listTexts:
		forHosts, _ := blocks(seed)
		return &dataset{hosts: drawHosts(stream(seed, streamHosts), forHosts, nil, n), texts: true}
	}
	return newDataset(seed, n, widest)
}

// newNets draws n /26 in 11.0.0.0/8 to 99.0.0.0/8, n /64 in 2a00::/12 and a host in a thousand, beyond the /26. They are
// asked for alike.
func newNets(seed uint64, n int) *dataset {
	forHosts, _ := blocks(seed)
	forHosts = slices.DeleteFunc(forHosts, func(net uint32) bool { return net>>24 < 100 })
	d := &dataset{nets: true, hosts: drawHosts(stream(seed, streamHosts), forHosts, nil, max(1, n/1000))}
	r := stream(seed, streamSpans)
	for range n {
		d.spans = append(d.spans, span{(11+r.Uint32N(89))<<24 | r.Uint32N(1<<24)&^63, 26})
	}
	r = stream(seed, streamV6)
	for range n {
		d.v6 = append(d.v6, drawNet6(r))
	}
	d.spans, d.v6 = sortNets(d.spans, d.v6)
	return d
}

// drawNet6 is a /64 anywhere in 2a00::/12: there are so many that a second one is hardly ever the same.
func drawNet6(r *rand.Rand) netip.Prefix {
	b := [16]byte{0x2a, byte(r.Uint32() & 15)}
	for i := 2; i < 8; i++ {
		b[i] = byte(r.Uint32())
	}
	return netip.PrefixFrom(netip.AddrFrom16(b), 64)
}

// size tells how much the list holds.
func (d *dataset) size() string {
	if d.nets {
		return fmt.Sprintf("%d /26, %d /64", len(d.spans), len(d.v6))
	}
	return fmt.Sprintf("%d hosts", len(d.hosts))
}

// churnedNets replaces one prefix in a hundred.
func churnedNets(r *rand.Rand, d *dataset) ([]span, []netip.Prefix) {
	next := newNets(r.Uint64(), max(1, len(d.v6)/100))
	spans, v6 := next.spans, next.v6
	for i, s := range d.spans {
		if i%100 != 17 {
			spans = append(spans, s)
		}
	}
	for i, p := range d.v6 {
		if i%100 != 17 {
			v6 = append(v6, p)
		}
	}
	return sortNets(spans, v6)
}

func sortNets(spans []span, v6 []netip.Prefix) ([]span, []netip.Prefix) {
	slices.SortFunc(spans, func(a, b span) int { return int(int64(a.addr) - int64(b.addr)) })
	slices.SortFunc(v6, netip.Prefix.Compare)
	return slices.Compact(spans), slices.Compact(v6)
}

// shares are how many queries in a hundred are about IPv6, and how many IPv4 hits about a prefix.
func (d *dataset) shares() (v6, span int) {
	if d.nets {
		return 50, 100
	}
	return shareV6, shareSpanHit
}

// coverable is what a server can hold of the list at most: a zone file has no wildcard for a /26.
func (d *dataset) coverable(c candidate) coverage {
	cover := c.cover
	cover.v6 = cover.v6 && len(d.v6) > 0
	cover.spans = cover.spans && len(d.spans) > 0 && !(d.nets && c.master)
	return cover
}
