package main

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/ctl"
	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/index"
)

// The end of a source is logged a day before, when it has come, and after a start
// that found it; each once, and again when it was imported meanwhile.
func TestWarnOfSources(t *testing.T) {
	store, err := db.Open(filepath.Join(t.TempDir(), "listings.db"), db.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		t.Fatal(err)
	}
	now, live := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), index.NewLive()
	if err := live.Load(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	go func() { _ = live.Follow(t.Context(), store) }() // ends with the test
	var log bytes.Buffer
	d := &dnsbld{store: store, live: live, log: slog.New(slog.NewTextHandler(&log, nil))}
	d.book = listing.NewBook(store, live, listing.Rules{Reasons: reasons, Policy: listing.DefaultPolicy()}, func() time.Time { return now })
	d.cfg.Store(&config.Config{WarnSources: listing.Day})
	who := listing.Caller{Name: "alice", Role: listing.Operator}
	feed := func() {
		t.Helper()
		entries := func(yield func(listing.Entry, error) bool) {
			for _, a := range []string{"203.0.113.7", "203.0.113.8"} {
				s, err := listing.ParseSubject(a)
				if !yield(listing.Entry{Key: listing.Key{Subject: s, Reason: listing.Imported}}, err) {
					return
				}
			}
		}
		_, err := d.book.Import(t.Context(), who, listing.Import{Source: "feed", Replace: true, For: listing.Life(3 * listing.Day)}, entries,
			func(_ listing.Entry, err error) error { return err })
		if err != nil {
			t.Fatal(err)
		}
	}
	warned := map[string]bool{}
	for _, step := range []struct {
		after     time.Duration
		imported  bool
		restarted bool
		want      string
		expires   float64
	}{
		{0, true, false, "", 3 * 86400},
		{49 * time.Hour, false, false, "source feed ends on 2026-11-26T12:00:00Z unless it is imported again", 23 * 3600},
		{time.Hour, false, false, "", 22 * 3600},
		{22 * time.Hour, false, false, "source feed ended on 2026-11-26T12:00:00Z, and its 2 entries with it", 0},
		{time.Hour, false, false, "", -3600},
		{time.Hour, false, true, "source feed ended on 2026-11-26T12:00:00Z", -2 * 3600},
		{time.Hour, true, false, "", 3 * 86400},
		{49 * time.Hour, false, false, "source feed ends on 2026-11-29T15:00:00Z", 23 * 3600},
	} {
		if now = now.Add(step.after); step.imported {
			feed()
		}
		if step.restarted {
			warned = map[string]bool{}
		}
		log.Reset()
		warned = d.warnOfSources(t.Context(), warned)
		if got := log.String(); !strings.Contains(got, step.want) || (step.want == "") != (got == "") || step.want != "" && !strings.Contains(got, "level=WARN") {
			t.Errorf("%s: %q, want %q", now, got, step.want)
		}
		if got := metricOf(t, d, "dnsbld_source_expires_seconds"); got != step.expires {
			t.Errorf("%s: it expires in %v, want %v", now, got, step.expires)
		}
	}
}

// metricOf is the value of a metric that one source has.
func metricOf(t *testing.T, d *dnsbld, name string) float64 {
	t.Helper()
	d.last.Store(&ctl.Reload{})
	registry := prometheus.NewRegistry()
	registry.MustRegister(daemonMetrics{d})
	all, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range all {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}
