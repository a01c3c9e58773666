package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// addresses are those that begin a line of the files, or of its prefix or range.
func addresses(files []string) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(raw)) {
			word, _, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "!")), " ")
			word, _, _ = strings.Cut(word, "/")
			word, _, _ = strings.Cut(word, "-")
			if a, err := netip.ParseAddr(word); err == nil {
				all = append(all, a)
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no addresses in the files")
	}
	return all, nil
}

// namer makes names to ask for.
type namer struct {
	*rand.Rand
	bases []netip.Addr
	own   []netip.Addr // of this host: we never list them, so they are not asked for
}

func ownAddresses() ([]netip.Addr, error) {
	found, err := net.InterfaceAddrs()
	var own []netip.Addr
	for _, f := range found {
		if p, err := netip.ParsePrefix(f.String()); err == nil {
			own = append(own, p.Addr())
		}
	}
	return own, err
}

// labels are those of a name below the zone.
func (n namer) labels() []string {
	labels := n.address()
	if n.IntN(10) > 0 {
		return labels
	}
	at := n.IntN(len(labels))
	odd := []string{"256", "x", "-1", "00", "0x1", "g", "999", "a b", "*", "1e1", "127"}
	switch n.IntN(4) {
	case 0:
		return labels[at:]
	case 1:
		return labels[:at+1]
	case 2:
		return append([]string{odd[n.IntN(len(odd))]}, labels...)
	}
	labels[at] = odd[n.IntN(len(odd))]
	return labels
}

// address is the labels of an address near one of the bases. Of those that stand
// for an IPv4 address a copy of a zone knows nothing.
func (n namer) address() []string {
	for {
		a := n.near(n.bases[n.IntN(len(n.bases))])
		if !slices.Contains(n.own, a) && !a.Is4In6() && !netip.MustParsePrefix("2002::/16").Contains(a) {
			return reversed(a)
		}
	}
}

// near is an address that has most of its leading bits from another.
func (n namer) near(a netip.Addr) netip.Addr {
	b := a.AsSlice()
	bits := 8 * len(b)
	for range n.IntN(4) {
		at := bits - 1 - n.IntN(2+n.IntN(bits-14))
		b[at/8] ^= 0x80 >> (at % 8)
	}
	a, _ = netip.AddrFromSlice(b)
	return a
}

// kind is mostly A.
func (n namer) kind() dnsmessage.Type {
	if n.IntN(4) > 0 {
		return dnsmessage.TypeA
	}
	return []dnsmessage.Type{dnsmessage.TypeTXT, dnsmessage.TypeAAAA, dnsmessage.TypeMX}[n.IntN(3)]
}

// reversed are the labels under which an address is asked for (RFC 5782,
// sections 2.1 and 2.4).
func reversed(a netip.Addr) []string {
	var labels []string
	raw := a.AsSlice()
	for i := len(raw) - 1; i >= 0; i-- {
		if a.Is4() {
			labels = append(labels, strconv.Itoa(int(raw[i])))
		} else {
			labels = append(labels, fmt.Sprintf("%x", raw[i]&15), fmt.Sprintf("%x", raw[i]>>4))
		}
	}
	return labels
}
