package server

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"dnsbld/ctl"
	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/index"
)

// BenchmarkAdd measures durable adds over the socket, each served when it is
// answered, by one client and by 64 at once.
func BenchmarkAdd(b *testing.B) {
	client := benchClient(b)
	var n atomic.Uint32
	add := func(b *testing.B) {
		i := n.Add(1)
		s := listing.HostSubject(netip.AddrFrom4([4]byte{20, byte(i >> 16), byte(i >> 8), byte(i)}))
		if _, err := client.Add(b.Context(), listing.Add{Subject: s, Reason: "manual"}); err != nil {
			b.Error(err)
		}
	}
	b.Run("clients=1", func(b *testing.B) {
		for b.Loop() {
			add(b)
		}
	})
	b.Run("clients=64", func(b *testing.B) {
		b.SetParallelism(64)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				add(b)
			}
		})
	})
}

// BenchmarkAddMany measures 5,000 addresses in one command, as from standard input.
func BenchmarkAddMany(b *testing.B) {
	const many = 5000
	client := benchClient(b)
	next := uint32(0)
	for _, shown := range []int{0, 20} {
		b.Run(fmt.Sprint("shown=", shown), func(b *testing.B) {
			for b.Loop() {
				c := listing.Add{Reason: "manual", Options: listing.Options{Shown: shown}}
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
		})
	}
}

// benchClient is a client of a server over a store on disk.
func benchClient(b *testing.B) *ctl.Client {
	b.Helper()
	dir := b.TempDir()
	store, err := db.Open(filepath.Join(dir, "listings.db"), db.Options{})
	if err != nil {
		b.Fatal(err)
	}
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		b.Fatal(err)
	}
	live := index.NewLive()
	book := listing.NewBook(store, live, listing.Rules{Reasons: reasons, Policy: listing.DefaultPolicy()}, time.Now)
	l, err := Listen(filepath.Join(dir, "s"))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- live.Follow(ctx, store) }()
	go func() { ended <- New(Config{Book: book, Live: live}).Serve(ctx, l) }()
	b.Cleanup(func() {
		cancel()
		<-ended
		<-ended
		if err := store.Close(); err != nil {
			b.Error(fmt.Errorf("closing: %w", err))
		}
	})
	return ctl.NewClient(filepath.Join(dir, "s"))
}
