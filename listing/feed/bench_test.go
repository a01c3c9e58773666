package feed_test

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"testing"

	"dnsbld/listing"
	"dnsbld/listing/feed"
)

// manyLines is a file of n lines as feeds have them.
func manyLines(n int, line func(b *bytes.Buffer, addr string, n int)) []byte {
	var b bytes.Buffer
	for i := range n {
		line(&b, fmt.Sprintf("%d.%d.%d.%d", 1+i%220, i>>3&255, i>>11&255, i>>5&255), i)
	}
	return b.Bytes()
}

func benchmarkRead(b *testing.B, format string, file []byte, lines int) {
	o := feed.Options{Format: format, Reasons: catalogue(b), Reason: listing.Imported}
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := feed.Read(bytes.NewReader(file), o)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, err := range r.Entries() {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != lines {
			b.Fatalf("%d entries of %d lines", n, lines)
		}
	}
	b.ReportMetric(float64(b.N)*float64(lines)/b.Elapsed().Seconds(), "lines/s")
}

func BenchmarkRead(b *testing.B) {
	const lines = 100_000
	for _, c := range []struct {
		name, format string
		line         func(b *bytes.Buffer, addr string, n int)
	}{
		{"plain", "plain", func(b *bytes.Buffer, a string, _ int) { b.WriteString(a + "\n") }},
		{"plain-columns", "plain", func(b *bytes.Buffer, a string, n int) { fmt.Fprintf(b, "%s\t%d\n", a, n%9) }},
		{"plain-ip6", "plain", func(b *bytes.Buffer, _ string, n int) { fmt.Fprintf(b, "2001:db8:%x::%x\n", n>>8, n&255) }},
		{"csv", "csv", func(b *bytes.Buffer, a string, _ int) { fmt.Fprintf(b, "%s,helo-bare-ip,2,false\n", a) }},
		{"ndjson", "ndjson", func(b *bytes.Buffer, a string, _ int) {
			fmt.Fprintf(b, "{\"prefix\":\"%s/32\",\"reason\":\"manual\"}\n", a)
		}},
		{"ip4trie", "rbldnsd:ip4trie", func(b *bytes.Buffer, a string, _ int) { b.WriteString(a + "\n") }},
		{"ip4trie-prefixes", "rbldnsd:ip4trie", func(b *bytes.Buffer, _ string, n int) { fmt.Fprintf(b, "192.%d.%d/24\n", n>>8&255, n&255) }},
		{"ip4trie-values", "rbldnsd:ip4trie", func(b *bytes.Buffer, a string, n int) { fmt.Fprintf(b, "%s :%d:listed, see $\n", a, 2+n%8) }},
		{"ip4tset", "rbldnsd:ip4tset", func(b *bytes.Buffer, a string, _ int) { b.WriteString(a + "\n") }},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkRead(b, c.format, manyLines(lines, c.line), lines) })
	}
}

func BenchmarkWrite(b *testing.B) {
	const n = 100_000
	for _, format := range written() {
		b.Run(format, func(b *testing.B) {
			o := options(format)
			o.Reasons = catalogue(b)
			b.ReportAllocs()
			for b.Loop() {
				w, err := feed.NewWriter(io.Discard, o)
				if err != nil {
					b.Fatal(err)
				}
				e := entry(b, "192.0.2.7 manual")
				for i := range n {
					e.Subject = hostAt(uint32(i))
					if err := w.Write(e); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// hostAt spreads hosts over the address space, in order.
func hostAt(n uint32) listing.Subject {
	v := 1<<24 + n*30_011
	return listing.HostSubject(netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}))
}
