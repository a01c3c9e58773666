package helo_test

import (
	"fmt"
	"net/netip"

	"dnsbld/listing/helo"
)

func ExampleClassify() {
	v := helo.Classify(helo.Session{
		Client: netip.MustParseAddr("203.0.113.25"),
		HELO:   "198.51.100.10",
		OurIPs: []netip.Addr{netip.MustParseAddr("198.51.100.10")},
	})
	fmt.Println(v.Code, v.Strength, v.Bogus())
	fmt.Println(v.Sentence)
	// Output:
	// helo-our-ip strong true
	// The client 203.0.113.25 greeted our server with "198.51.100.10", which is our own server's address 198.51.100.10.
}
