package zone

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// BenchmarkAnswer measures the message path alone, over a list of some
// thousand hosts.
func BenchmarkAnswer(b *testing.B) {
	var list strings.Builder
	for n := range 4096 {
		fmt.Fprintf(&list, "198.51.%d.%d helo-bare-ip\n", n>>8, n&0xff)
	}
	list.WriteString("2001:db8::/64 manual\n")
	s := newServer(b, config(b), list.String())
	peer := Peer{Addr: netip.MustParseAddrPort("192.0.2.1:5353")}
	for about, raw := range map[string][]byte{
		"A hit":        pack(b, query("7.3.51.198.bl.test.", "A")),
		"A hit, IPv6":  pack(b, query(reversed(netip.MustParseAddr("2001:db8::7"), "bl.test."), "A")),
		"A hit, EDNS":  ednsQuery(b, "7.3.51.198.bl.test.", "A", 1232, 1<<15),
		"A miss":       pack(b, query("7.77.51.198.bl.test.", "A")),
		"A miss, EDNS": ednsQuery(b, "7.77.51.198.bl.test.", "A", 1232, 1<<15),
		"TXT hit":      pack(b, query("7.3.51.198.bl.test.", "TXT")),
		"NODATA":       pack(b, query("3.51.198.bl.test.", "A")),
		"SOA":          pack(b, query("bl.test.", "SOA")),
		"refused":      pack(b, query("example.test.", "A")),
	} {
		b.Run(strings.ReplaceAll(about, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			out := make([]byte, 0, 4096)
			for b.Loop() {
				if message := s.server.Answer(out[:0], raw, peer); len(message) < headerSize {
					b.Fatal("no answer")
				}
			}
		})
	}
	if n := s.server.Stats().UDP["formerr"]; n != 0 {
		b.Errorf("%d of these are no queries", n)
	}
}
