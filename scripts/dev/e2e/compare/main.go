// Command compare asks two blocklist servers the same random questions and says
// where they answer differently: in the rcode, or in the addresses answered.
//
//	compare OURS THEIRS ZONE COUNT SEED FILE ...
//
// What it asks for lies around the addresses in the files; one question in ten
// is for a name that is nobody's address. Two differences are none: we
// answer a name that has listed ones below it with no data (RFC 8020), they
// with NXDOMAIN. And they take an octet with leading zeros for an octet.
package main

import (
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
	if len(os.Args) < 7 {
		log.Fatal("usage: compare OURS THEIRS ZONE COUNT SEED FILE ...")
	}
	count, err := strconv.Atoi(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	seed, err := strconv.ParseUint(os.Args[5], 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	bases, err := addresses(os.Args[6:])
	if err != nil {
		log.Fatal(err)
	}
	own, err := ownAddresses()
	if err != nil {
		log.Fatal(err)
	}
	ours, theirs := dial(os.Args[1]), dial(os.Args[2])
	n := namer{rand.New(rand.NewPCG(seed, 0)), bases, own}
	var t tally
	for range count {
		t.compare(ours, theirs, n.labels(), n.kind(), os.Args[3])
	}
	fmt.Printf("%d questions: %d listed, %d not, %d above listed ones, %d with leading zeros, %d answered differently\n",
		count, t.listed, t.absent, t.above, t.zeros, t.different)
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
type tally struct{ listed, absent, above, zeros, different int }

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
	switch {
	case a.equal(b) && a.rcode == dnsmessage.RCodeSuccess:
		t.listed++
	case a.equal(b):
		t.absent++
	case isAbove(labels) && a.equal(reply{rcode: dnsmessage.RCodeSuccess}) && b.equal(reply{rcode: dnsmessage.RCodeNameError}):
		t.above++
	case a.equal(reply{rcode: dnsmessage.RCodeNameError}) && slices.ContainsFunc(labels, hasLeadingZero):
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
}

func (r reply) equal(o reply) bool {
	return r.rcode == o.rcode && slices.Equal(r.addresses, o.addresses)
}

func (r reply) String() string {
	return strings.TrimSpace(strings.TrimPrefix(r.rcode.String(), "RCode") + " " + strings.Join(r.addresses, " "))
}
