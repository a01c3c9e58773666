package main

import (
	"math/rand/v2"
	"net/netip"
	"slices"
)

// A span is an IPv4 prefix that is listed as a whole.
type span struct {
	addr uint32
	bits uint8
}

func (s span) prefix() netip.Prefix { return netip.PrefixFrom(addr4(s.addr), int(s.bits)) }

// A dataset is a made-up list. Hosts, spans and IPv6 prefixes are each sorted and without doubles, and no host lies
// in a span: a zone file of it therefore has no wildcard that a longer name would close.
type dataset struct {
	hosts []uint32
	spans []span
	v6    []netip.Prefix // /128 and /64
	nets  bool           // made by newNets
	texts bool           // each host has a text of its own
}

// Independent streams of one seed, so that a change in how one part is drawn leaves the others alone.
const (
	streamHosts uint64 = iota + 1
	streamSpans
	streamV6
	streamBlocks
	streamQueries
	streamChange
)

func stream(seed, n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }

// newDataset draws hosts clustered in /24s and /16s, 1 % as many spans and 1 % as many IPv6 prefixes. Spans are /24s,
// and if widest is 16, one in sixteen is a /16.
func newDataset(seed uint64, hosts, widest int) *dataset {
	forHosts, forSpans := blocks(seed)
	d := &dataset{
		spans: drawSpans(stream(seed, streamSpans), forSpans, max(1, hosts/100), widest),
		v6:    drawV6(stream(seed, streamV6), max(2, hosts/100)),
	}
	d.hosts = drawHosts(stream(seed, streamHosts), forHosts, nil, hosts)
	return d
}

// unusedOctets are left out because parts of them are special (RFC 6890): a server may refuse to list those.
var unusedOctets = []uint32{100, 127, 169, 172, 192, 198, 203}

// blocks deals the /16s out: seven in eight hold hosts, the rest spans. The first octets have two digits or more, so
// that no reversed IPv4 name is also the parent of an IPv6 one.
func blocks(seed uint64) (forHosts, forSpans []uint32) {
	for octet := uint32(16); octet < 224; octet++ {
		if slices.Contains(unusedOctets, octet) {
			continue
		}
		for second := range uint32(256) {
			forHosts = append(forHosts, octet<<24|second<<16)
		}
	}
	r := stream(seed, streamBlocks)
	r.Shuffle(len(forHosts), func(i, j int) { forHosts[i], forHosts[j] = forHosts[j], forHosts[i] })
	n := len(forHosts) / 8
	return forHosts[n:], forHosts[:n]
}

// drawHosts adds clusters to have until it holds n hosts. Few /16s are crowded and many are sparse; a cluster is up to
// a dozen neighbours in one /24.
func drawHosts(r *rand.Rand, in, have []uint32, n int) []uint32 {
	in = in[:min(len(in), max(64, n/50))]
	hosts := slices.Grow(have, max(0, n-len(have)))
	for len(hosts) < n {
		for len(hosts) < n {
			u := r.Float64()
			net := in[int(u*(0.3+0.7*u)*float64(len(in)))] | r.Uint32N(256)<<8
			for k := 1 + r.IntN(12); k > 0 && len(hosts) < n; k-- {
				hosts = append(hosts, net|r.Uint32N(256))
			}
		}
		slices.Sort(hosts)
		hosts = slices.Compact(hosts)
	}
	return hosts
}

func drawSpans(r *rand.Rand, in []uint32, n, widest int) []span {
	var spans []span
	if widest <= 16 {
		for _, net := range in[:min(n/16, len(in)/4)] {
			spans = append(spans, span{net, 16})
		}
		in = in[len(spans):]
	}
	for len(spans) < n {
		for len(spans) < n {
			spans = append(spans, span{in[r.IntN(len(in))] | r.Uint32N(256)<<8, 24})
		}
		slices.SortFunc(spans, func(a, b span) int { return int(int64(a.addr) - int64(b.addr)) })
		spans = slices.Compact(spans)
	}
	return spans
}

// drawV6 draws single addresses in even /48s of 2001:db8::/32 and whole /64s in odd ones; subnets from 0x8000 on stay
// free, which is where missing addresses come from.
func drawV6(r *rand.Rand, n int) []netip.Prefix {
	var out []netip.Prefix
	for len(out) < n {
		for len(out) < n {
			site := uint16(r.UintN(1 << 12))
			subnet := uint16(r.UintN(1 << 15))
			if len(out)%2 == 0 {
				out = append(out, netip.PrefixFrom(addr6(site&^1, subnet, uint64(1+r.UintN(1<<16))), 128))
			} else {
				out = append(out, netip.PrefixFrom(addr6(site|1, subnet, 0), 64))
			}
		}
		slices.SortFunc(out, netip.Prefix.Compare)
		out = slices.Compact(out)
	}
	return out
}

// churned replaces one host in a hundred: as many leave as are new.
func (d *dataset) churned(seed uint64) *dataset {
	r := stream(seed, streamChange)
	forHosts, _ := blocks(seed)
	n := len(d.hosts)
	kept := make([]uint32, 0, n)
	for i, h := range d.hosts {
		if i%100 != 17 {
			kept = append(kept, h)
		}
	}
	next := *d
	next.hosts = drawHosts(r, forHosts, kept, n)
	if d.nets {
		next.spans, next.v6 = churnedNets(r, d)
	}
	return &next
}

// listed4 says whether the list holds an IPv4 address, by itself or within a span.
func (d *dataset) listed4(a uint32) bool {
	if _, ok := slices.BinarySearch(d.hosts, a); ok {
		return true
	}
	i, ok := slices.BinarySearchFunc(d.spans, a, func(s span, a uint32) int { return int(int64(s.addr) - int64(a)) })
	if ok {
		return true
	}
	return i > 0 && (d.spans[i-1].addr^a)>>(32-d.spans[i-1].bits) == 0
}

func addr4(a uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
}

func addr6(site, subnet uint16, host uint64) netip.Addr {
	b := [16]byte{0x20, 0x01, 0x0d, 0xb8, byte(site >> 8), byte(site), byte(subnet >> 8), byte(subnet)}
	for i := range 8 {
		b[15-i] = byte(host >> (8 * i))
	}
	return netip.AddrFrom16(b)
}
