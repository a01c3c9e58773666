package sensor

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/helo"
	"dnsbld/listing/index"
	"dnsbld/listing/sighting"
)

var ourIP = netip.MustParseAddr("198.51.100.25")

// start runs a sensor on a list and an archive of their own.
func start(t *testing.T, change ...func(*Config)) *Sensor {
	t.Helper()
	dir := t.TempDir()
	store, err := db.Open(filepath.Join(dir, "listings.db"), db.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	archive, err := db.OpenSightings(filepath.Join(dir, "sightings.db"), db.Options{NoSync: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		t.Fatal(err)
	}
	live := index.NewLive()
	c := Config{Book: listing.NewBook(store, live, listing.Rules{Reasons: reasons, Policy: listing.DefaultPolicy()}, time.Now),
		Archive: archive, Log: slog.New(slog.DiscardHandler), Settings: Settings{Thresholds: sighting.DefaultThresholds(), Own: "mx1", Collected: []string{"mx9"}},
		Complete: func(_ context.Context, r Report) Report { r.OurIPs = []netip.Addr{ourIP}; return r }}
	for _, f := range change {
		f(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{}, 2)
	go func() { _ = live.Follow(ctx, store); ended <- struct{}{} }()
	go func() { s.Run(ctx); ended <- struct{}{} }()
	t.Cleanup(func() {
		cancel()
		<-ended
		<-ended
		if err := errors.Join(s.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// offends is n sessions of a client that greets with our address.
func offends(client string, n int) (all []Report) {
	for i := range n {
		all = append(all, Report{Time: time.Now().Add(-time.Minute), Receiver: "mx2", ID: fmt.Sprint(client, i),
			Session: helo.Session{Client: netip.MustParseAddr(client), HELO: ourIP.String()}})
	}
	return all
}

func (s *Sensor) countAll(t *testing.T, reports []Report) Observed {
	t.Helper()
	got, err := s.Count(t.Context(), func(yield func(Report) error) (int64, error) {
		for _, r := range reports {
			if err := yield(r); err != nil {
				return 1, err
			}
		}
		return 1, nil
	})
	if err != nil {
		t.Error(err)
	}
	return got
}

// A batch is told what became of its sessions, and of no others.
func TestCount(t *testing.T) {
	s := start(t)
	reports := offends("203.0.113.7", 12)
	got := s.countAll(t, reports)
	if got.Sessions != 12 || got.Bogus != 12 || got.Skipped != 1 || got.Outcomes[sighting.Counted] != 12 ||
		!slices.Equal(got.Listed, []Listing{{listing.HostSubject(netip.MustParseAddr("203.0.113.7")), "helo-our-ip"}}) {
		t.Errorf("%+v", got)
	}
	again := s.countAll(t, append(reports, offends("203.0.113.8", 1)...))
	if again.Duplicates != 12 || again.Bogus != 1 || len(again.Listed) != 0 {
		t.Errorf("told again: %+v", again)
	}
	if s.Status().Totals[sighting.Duplicate] != 12 {
		t.Errorf("%+v", s.Status())
	}
}

// A receiver on probation lists nobody until it is accepted; then what it told
// is listed when Accept returns.
func TestAccept(t *testing.T) {
	s := start(t, func(c *Config) { c.Probation = time.Hour })
	if got := s.countAll(t, offends("203.0.113.7", 12)); got.Bogus != 12 || len(got.Listed) > 0 {
		t.Errorf("%+v", got)
	}
	if r := s.Receivers(); len(r) != 1 || r[0].Total != 1 {
		t.Errorf("%+v", r)
	}
	for _, first := range []bool{true, false} {
		if was, err := s.Accept(t.Context(), "operator", "mx2"); was != first || err != nil {
			t.Error(was, err)
		}
	}
	if b := s.Status().Breaker; b.Listed != 1 {
		t.Errorf("%+v", b)
	}
	if _, err := s.Accept(t.Context(), "operator", "mx3"); !errors.Is(err, listing.ErrNotFound) {
		t.Error(err)
	}
}

// A receiver has one source.
func TestTakesLog(t *testing.T) {
	s := start(t)
	for receiver, takes := range map[string]bool{"mx1": false, "mx9": false, "mx2": true, "": true} {
		if err := s.TakesLog(receiver); (err == nil) != takes || err != nil && !errors.Is(err, listing.ErrPolicy) {
			t.Errorf("%q: %v", receiver, err)
		}
	}
}

// A probe is taken as proof once, and one that is not good is counted.
func TestProbes(t *testing.T) {
	s := start(t, func(c *Config) {
		c.Probe = func(_ context.Context, r Report, _ helo.Verdict) (bool, error) {
			if r.Probe == "good" {
				return true, nil
			}
			return false, &listing.Error{Kind: listing.ErrPolicy, Code: "bad-token"}
		}
	})
	reports := offends("203.0.113.7", 3)
	reports[1].Probe, reports[2].Probe = "good", "bad"
	s.countAll(t, append(reports, reports[1])) // told twice: no proof once more
	if p := s.Status().Probes; p != (Probes{Taken: 1, Refused: 1}) {
		t.Errorf("%+v", p)
	}
}

// torn is an archive with a value that nobody understands.
type torn struct {
	Archive
	renewed int
}

func (a *torn) Scan(prefix, after []byte) iter.Seq2[sighting.Item, error] {
	if a.renewed > 0 {
		return a.Archive.Scan(prefix, after)
	}
	return func(yield func(sighting.Item, error) bool) {
		yield(sighting.Item{}, fmt.Errorf("a value: %w", listing.ErrCorrupt))
	}
}

func (a *torn) Renew(why error) error { a.renewed++; return a.Archive.Renew(why) }

// Damaged counters are begun again, and the sensor starts.
func TestDamagedArchive(t *testing.T) {
	var archive *torn
	s := start(t, func(c *Config) { archive = &torn{Archive: c.Archive}; c.Archive = archive })
	if got := s.countAll(t, offends("203.0.113.7", 2)); archive.renewed != 1 || got.Bogus != 2 {
		t.Errorf("renewed %d times, %+v", archive.renewed, got)
	}
}
