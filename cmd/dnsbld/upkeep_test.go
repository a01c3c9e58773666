package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/db"
	"dnsbld/listing"
)

// The file is compacted by itself when enough of it is older than is kept. A clock
// that is ahead forgets nothing: the age of a change is counted to the newest one.
func TestUpkeep(t *testing.T) {
	store, err := db.Open(filepath.Join(t.TempDir(), "listings.db"), db.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	begun := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	now := begun
	var log bytes.Buffer
	d := &dnsbld{store: store, log: slog.New(slog.NewTextHandler(&log, nil))}
	d.book = listing.NewBook(store, nil, listing.Rules{}, func() time.Time { return now })
	d.cfg.Store(&config.Config{Keep: 400 * listing.Day})
	for n, step := range []struct {
		changed, now int // days
		forgotten    listing.Revision
	}{{0, 0, 0}, {30, 1000, 0}, {435, 435, 0}, {450, 1000, 2}, {460, 460, 2}} {
		r := listing.Request{Header: listing.Header{ID: fmt.Sprint(n), Time: begun.Add(time.Duration(step.changed) * listing.Day), Actor: "alice"},
			Edits: []listing.Edit{{Op: listing.OpConfigure, Config: fmt.Sprint(n)}}}
		if _, err := store.Apply(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		now = begun.Add(time.Duration(step.now) * listing.Day)
		log.Reset()
		d.compactIfDue(t.Context(), worthwhile)
		st, err := store.Status(t.Context())
		if err != nil || st.Forgotten != step.forgotten {
			t.Errorf("day %d: forgotten up to %d, want %d (%v)", step.changed, st.Forgotten, step.forgotten, err)
		}
		if did := strings.Contains(log.String(), "the list was compacted"); did != (step.changed == 450) {
			t.Errorf("day %d: %q", step.changed, log.String())
		}
	}
	if c, err := d.compact(t.Context(), listing.Caller{}); err != nil || c.Forgotten != 2 {
		t.Errorf("by hand: %+v, %v", c, err)
	}
}

// The file is compacted by itself when most of it is free.
func TestUpkeepGivesBack(t *testing.T) {
	store, err := db.Open(filepath.Join(t.TempDir(), "listings.db"), db.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var log bytes.Buffer
	d := &dnsbld{store: store, log: slog.New(slog.NewTextHandler(&log, nil))}
	d.cfg.Store(&config.Config{})
	subject, err := listing.ParseSubject("192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	seen := &listing.Evidence{Salt: []byte("salt"), Samples: []listing.Sample{{HELO: strings.Repeat("x", 4<<20)}}}
	change := func(id string, e listing.Edit) {
		t.Helper()
		r := listing.Request{Header: listing.Header{ID: id, Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Actor: "alice"}, Edits: []listing.Edit{e}}
		if _, err := store.Apply(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	const threshold = 2 << 20
	for n, step := range []func() error{
		func() error {
			change("list", listing.Edit{Op: listing.OpList, Key: listing.Key{Subject: subject, Reason: listing.BareIP}, Keep: true, Origin: listing.ByOperator,
				Life: listing.Lifetime{Base: listing.Life(listing.Day), Longest: listing.Life(listing.Day)}, Evidence: seen})
			return nil
		},
		func() error { return store.EraseEvidence(t.Context(), seen.Sum()) },
		func() error { return nil },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
		change(fmt.Sprint("later", n), listing.Edit{Op: listing.OpConfigure, Config: fmt.Sprint(n)})
		log.Reset()
		d.compactIfDue(t.Context(), threshold)
		st, err := store.Status(t.Context())
		if did := strings.Contains(log.String(), "the list was compacted"); did != (n == 1) || err != nil {
			t.Errorf("step %d: %q, %+v, %v", n, log.String(), st, err)
		}
		if n > 0 && st.Bytes > threshold {
			t.Errorf("step %d: %d octets", n, st.Bytes)
		}
	}
}
