package mirror

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/wildcard"
)

// BenchmarkChanges takes IXFRs of ten changes into a list of a million hosts and ten
// thousand ranges.
func BenchmarkChanges(b *testing.B) {
	store, err := db.Open(filepath.Join(b.TempDir(), "listings.db"), db.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	book := listing.NewBook(store, served{}, listing.Rules{Primary: "192.0.2.53"}, time.Now)
	c := &Copy{Form: Whole, SOA: "soa", List: newTaken(), Refresh: time.Minute, Expire: time.Hour}
	m := New(Config{Zone: "bl.example", Primary: func() string { return "192.0.2.53" }, Digest: func() string { return "digest" },
		Take: func(context.Context, *uint32) (*Copy, error) { c.Serial++; return c, nil },
		Use:  func(State) error { return nil }, Save: func([]byte) error { return nil }, Log: slog.New(slog.DiscardHandler), Now: time.Now}, nil)
	r := rand.New(rand.NewPCG(1, 2))
	net := func() string { return fmt.Sprintf("*.%d.%d.%d", r.IntN(64), r.IntN(64), 20+r.IntN(100)) }
	host := func() string { return fmt.Sprintf("%d.%d.%d.%d", r.IntN(256), r.IntN(64), r.IntN(64), 20+r.IntN(100)) }
	listed := wildcard.Owned{Reasons: []listing.Reason{3}}
	for n := range 1_010_000 {
		name := host()
		if n%101 == 0 {
			name = net()
		}
		if err := c.List.Put(name, listed); err != nil {
			b.Fatal(err)
		}
	}
	if err := m.look(b.Context(), book); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c = &Copy{Form: Changed, Serial: c.Serial, SOA: "soa", List: newTaken(), Refresh: time.Minute, Expire: time.Hour}
		for n := range 10 {
			name := host()
			if n == 0 {
				name = net()
			}
			if err := c.List.Change(name, false, listed); err != nil {
				b.Fatal(err)
			}
		}
		if err := m.look(b.Context(), book); err != nil {
			b.Fatal(err)
		}
	}
}
