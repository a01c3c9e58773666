package delist

import (
	"net/netip"
	"testing"
	"time"

	"dnsbld/listing"
)

var (
	noon   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	sender = netip.MustParseAddr("192.0.2.7")
	other  = netip.MustParseAddr("198.51.100.9")
)

func ago(d time.Duration) time.Time { return noon.Add(-d) }
func in(d time.Duration) time.Time  { return noon.Add(d) }

func catalogue(t testing.TB) *listing.Reasons {
	t.Helper()
	c, err := listing.NewReasons(append(listing.DefaultReasons(), listing.ReasonInfo{Code: 100, Symbol: "trap",
		Text: "wrote to an address that nobody has", Published: true, Base: listing.Life(listing.Day),
		Longest: listing.Life(listing.Day), Repeat: 1, SelfDelist: listing.SelfNo, Rank: 50}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// listed is an entry for the sender: three days to go, level 1.
func listed(t testing.TB, r listing.Reason, change ...func(*Listing)) Listing {
	t.Helper()
	info, ok := catalogue(t).Info(r)
	if !ok {
		t.Fatalf("no reason %d", r)
	}
	l := Listing{Info: info, Entry: listing.Entry{Key: listing.Key{Subject: listing.HostSubject(sender), Reason: r},
		Since: ago(48 * time.Hour), Until: in(72 * time.Hour), Level: 1, Origin: listing.ByThreshold}}
	for _, c := range change {
		c(&l)
	}
	return l
}

func level(n int) func(*Listing)       { return func(l *Listing) { l.Level = n } }
func until(t time.Time) func(*Listing) { return func(l *Listing) { l.Until = t } }
func selfAt(t time.Time) func(*Listing) {
	return func(l *Listing) { l.SelfDelisted = append(l.SelfDelisted, t) }
}
func subject(p string) func(*Listing) {
	return func(l *Listing) { l.Subject = listing.Subject{Prefix: netip.MustParsePrefix(p)} }
}
