package zone

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"
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

// BenchmarkDifference is what an IXFR of so many changes of hosts costs.
func BenchmarkDifference(b *testing.B) {
	for _, changes := range []int{1000, 30_000} {
		b.Run(fmt.Sprint(changes), func(b *testing.B) { benchmarkDifference(b, changes) })
	}
}

func benchmarkDifference(b *testing.B, changes int) {
	z := newServer(b, transferConfig(b), "")
	const before = 100_000
	var log changeLog
	for n := range before + changes {
		first, end := byte(45), time.Unix(epoch, 0).Add(listing.Day)
		if n >= before {
			first = byte(50 + n%100)
		}
		at := netip.AddrFrom4([4]byte{first, byte(n * 37), byte(n >> 8), byte(n)})
		log = append(log, listing.Change{Kind: listing.EntryChange, Revision: listing.Revision(10 + max(0, n-before+1)), Last: n >= before-1,
			After: &listing.Entry{Key: listing.Key{Subject: listing.HostSubject(at), Reason: listing.OurIP}, Until: end}})
	}
	set, err := index.NewSet().With(log)
	if err != nil {
		b.Fatal(err)
	}
	z.server.Follow(log)
	have := uint32(10)
	for b.Loop() {
		d := z.server.difference(b.Context(), &transfer{zone: z.server.tables.Load().ordered[0], set: set, have: &have})
		if d.form != incremental || len(d.gone.owners) != 0 || len(d.come.owners) != changes {
			b.Fatalf("form %d, %d and %d owners", d.form, len(d.gone.owners), len(d.come.owners))
		}
	}
}

// BenchmarkRendering is what a whole transfer of a hundred thousand hosts costs before it
// is sent.
func BenchmarkRendering(b *testing.B) {
	var list strings.Builder
	for n := range 100_000 {
		fmt.Fprintf(&list, "45.%d.%d.%d helo-bare-ip\n", n%16, n/16%128, n/16/128*5)
	}
	z := newServer(b, transferConfig(b), list.String())
	r := rendering{z.server.tables.Load().ordered[0], z.live.Set()}
	b.ReportAllocs()
	for b.Loop() {
		f := newFrames(30, 300, func([]byte) error { return nil })
		for rec := range r.listRecords() {
			f.add(&rec)
		}
	}
}
