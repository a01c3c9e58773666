package sighting

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// BenchmarkFlood has a million distinct addresses seen once each. All that is
// new is stored and decided about every 20,000 sessions. It reports the most
// that the process took of memory (bound: 200 MB), and what was in use at the
// end beside what the engine believes its networks take.
func BenchmarkFlood(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		d := newDesk(b)
		var before, m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		most := uint64(0)
		for i := range 1_000_000 {
			var a [4]byte
			binary.BigEndian.PutUint32(a[:], 0x64000000+uint32(i))
			o := d.fill([]kind{mismatch, clean, bare}[i%3])
			o.Client, o.HELO = netip.AddrFrom4(a), fmt.Sprintf("host-%d.elsewhere.example", i)
			if _, err := d.Observe(o); err != nil {
				b.Fatal(err)
			}
			if i%20_000 == 0 {
				d.flush()
				d.settle()
				runtime.ReadMemStats(&m)
				most = max(most, m.Sys-m.HeapReleased)
			}
		}
		b.ReportMetric(float64(most)/1e6, "MB-most")
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc-before.HeapAlloc)/1e6, "MB-live")
		b.ReportMetric(float64(d.Status().Bytes)/1e6, "MB-estimated")
		b.ReportMetric(float64(d.Status().Lost), "lost")
	}
}

// BenchmarkObserve is one more session of a sender with a long history.
func BenchmarkObserve(b *testing.B) {
	d := newDesk(b).reports("mx1", "mx2")
	for i := range 20_000 {
		d.see(sender, clean, at(-time.Duration(i)*2*time.Minute))
	}
	d.flush()
	b.ReportAllocs()
	for b.Loop() {
		d.see(sender, clean)
	}
}

// BenchmarkJudge is the same with a bogus session and the decision about it.
func BenchmarkJudge(b *testing.B) {
	d := newDesk(b).reports("mx1", "mx2")
	for i := range 20_000 {
		d.see(sender, clean, at(-time.Duration(i)*2*time.Minute))
	}
	b.ReportAllocs()
	for b.Loop() {
		d.see(sender, bare)
		d.settle()
	}
}
