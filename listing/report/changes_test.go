package report_test

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

// The first revision of a time is found by halving, also where a second has
// many and where there are none.
func TestBefore(t *testing.T) {
	store, err := db.Open(filepath.Join(t.TempDir(), "listings.db"), db.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	if r, err := report.Before(t.Context(), store, noon); err != nil || r != 0 {
		t.Errorf("of an empty list: %d, %v", r, err)
	}
	for n, minute := range []int{0, 0, 1, 1, 1, 5} {
		key := listing.Key{Subject: listing.HostSubject(netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})), Reason: listing.Manual}
		edit := listing.Edit{Op: listing.OpList, Key: key, Until: noon.Add(listing.Day), Origin: listing.ByOperator}
		if _, err := store.Apply(t.Context(), listing.Request{Header: listing.Header{ID: key.Subject.String(), Time: noon.Add(time.Duration(minute) * time.Minute), Actor: "alice"},
			Edits: []listing.Edit{edit}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		minute int
		want   listing.Revision
	}{{-1, 0}, {0, 0}, {1, 2}, {2, 5}, {5, 5}, {6, 6}} {
		r, err := report.Before(t.Context(), store, noon.Add(time.Duration(c.minute)*time.Minute))
		if err != nil || r != c.want {
			t.Errorf("minute %d: %d, %v", c.minute, r, err)
		}
	}
}
