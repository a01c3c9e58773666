// Command compare asks two blocklist servers the same random questions and says
// where they answer differently: in the rcode, or in the addresses answered.
//
//	compare [-copy] OURS THEIRS ZONE COUNT SEED FILE ...
//
// It asks for addresses around those in the files; one question in ten is for a name
// that is nobody's address. Two differences are none: we answer a name that has listed
// ones below it with no data (RFC 8020), they with NXDOMAIN. And they take an octet with
// leading zeros for an octet.
//
// With -copy the other one has the zone from us: it is asked for addresses alone,
// for A and TXT of each, and texts count too. One difference is none: an address
// taken out of a wider listing exists in a copy, without records.
package main

import (
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

func main() {
	log.SetFlags(0)
	copied := flag.Bool("copy", false, "the other server has the zone from us")
	flag.Parse()
	args := flag.Args()
	if len(args) < 6 {
		log.Fatal("usage: compare [-copy] OURS THEIRS ZONE COUNT SEED FILE ...")
	}
	count, err := strconv.Atoi(args[3])
	if err != nil {
		log.Fatal(err)
	}
	seed, err := strconv.ParseUint(args[4], 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	bases, err := addresses(args[5:])
	if err != nil {
		log.Fatal(err)
	}
	own, err := ownAddresses()
	if err != nil {
		log.Fatal(err)
	}
	ours, theirs := dial(args[0]), dial(args[1])
	n := namer{rand.New(rand.NewPCG(seed, 0)), bases, own}
	t := tally{copied: *copied}
	for range count {
		if *copied {
			labels := n.address()
			t.compare(ours, theirs, labels, dnsmessage.TypeA, args[2])
			t.compare(ours, theirs, labels, dnsmessage.TypeTXT, args[2])
			continue
		}
		t.compare(ours, theirs, n.labels(), n.kind(), args[2])
	}
	fmt.Printf("%d names: %d listed, %d not, %d above listed ones, %d with leading zeros, %d taken out of a wider listing, %d answered differently\n",
		count, t.listed, t.absent, t.above, t.zeros, t.holes, t.different)
	if t.different > 0 || t.listed < count/10 || t.absent < count/10 {
		os.Exit(1)
	}
}

func dial(server string) net.Conn {
	c, err := net.Dial("udp", server)
	if err != nil {
		log.Fatal(err)
	}
	return c
}

// tally counts what was answered.
type tally struct {
	copied                                         bool // texts count
	listed, absent, above, zeros, holes, different int
}

func (t *tally) compare(ours, theirs net.Conn, labels []string, kind dnsmessage.Type, zone string) {
	name := strings.Join(labels, ".") + "." + zone + "."
	a, err := ask(ours, name, kind)
	if err != nil {
		log.Fatalf("asking us for %s: %v", name, err)
	}
	b, err := ask(theirs, name, kind)
	if err != nil {
		log.Fatalf("asking them for %s: %v", name, err)
	}
	if !t.copied {
		a.texts, b.texts = nil, nil
	}
	nothing, none := reply{rcode: dnsmessage.RCodeSuccess}, reply{rcode: dnsmessage.RCodeNameError}
	switch {
	case a.equal(b) && a.rcode == dnsmessage.RCodeSuccess:
		t.listed++
	case a.equal(b):
		t.absent++
	case t.copied && a.equal(none) && b.equal(nothing):
		t.holes++
	case !t.copied && isAbove(labels) && a.equal(nothing) && b.equal(none):
		t.above++
	case !t.copied && a.equal(none) && slices.ContainsFunc(labels, hasLeadingZero):
		t.zeros++
	default:
		t.different++
		fmt.Printf("%s %v: we say %v, they %v\n", name, kind, a, b)
	}
}

// isAbove reports whether addresses may lie below a name. Four labels that are
// single digits are an IPv4 address and above IPv6 ones.
func isAbove(labels []string) bool {
	long := slices.ContainsFunc(labels, func(l string) bool { return len(l) > 1 })
	return len(labels) < 4 || len(labels) < 32 && !long
}

func hasLeadingZero(label string) bool { return len(label) > 1 && label[0] == '0' }

// reply is what counts of an answer.
type reply struct {
	rcode     dnsmessage.RCode
	addresses []string // sorted, each once
	texts     []string // likewise
}

func (r reply) equal(o reply) bool {
	return r.rcode == o.rcode && slices.Equal(r.addresses, o.addresses) && slices.Equal(r.texts, o.texts)
}

func (r reply) String() string {
	return strings.TrimSpace(strings.TrimPrefix(r.rcode.String(), "RCode") + " " + strings.Join(slices.Concat(r.addresses, r.texts), " "))
}
