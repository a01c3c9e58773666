package server

import (
	"net/netip"
	"testing"

	"dnsbld/listing"
)

// BenchmarkAddMany measures 5,000 addresses in one command, as from standard input.
func BenchmarkAddMany(b *testing.B) {
	const many = 5000
	client := benchClient(b)
	next := uint32(0)
	for b.Loop() {
		c := listing.Add{Reason: "manual"}
		for range many {
			next++
			c.More = append(c.More, listing.HostSubject(netip.AddrFrom4([4]byte{20, byte(next >> 16), byte(next >> 8), byte(next)})))
		}
		c.Subject, c.More = c.More[0], c.More[1:]
		if _, err := client.Add(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(many*b.N)/b.Elapsed().Seconds(), "prefixes/s")
}
