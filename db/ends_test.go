package db

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"dnsbld/listing"
)

// Ends that came by themselves in the last week of the log are counted by the hour, and
// when the list was last changed is what its log says.
func TestEnds(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	defer d.Close()
	if last, err := d.LastChange(t.Context()); err != nil || !last.IsZero() {
		t.Errorf("an empty list was changed at %v, %v", last, err)
	}
	if ends, err := d.Ends(t.Context()); err != nil || *ends != (listing.Hourly{}) {
		t.Errorf("in an empty list ended %+v, %v", ends, err)
	}
	begin := time.Date(2026, 11, 2, 10, 30, 0, 0, time.UTC)
	apply := func(at time.Time, edits ...listing.Edit) {
		t.Helper()
		h := listing.Header{ID: fmt.Sprint(at), Time: at, Actor: "test"}
		if _, err := d.Apply(t.Context(), listing.Request{Header: h, Edits: edits}); err != nil {
			t.Fatal(err)
		}
	}
	key := func(n uint32) listing.Key {
		return listing.Key{Subject: hostSubject(0xc0000200 + n), Reason: listing.Manual}
	}
	for n, at := range []time.Time{begin, begin.Add(9 * listing.Day), begin.Add(9*listing.Day + time.Hour)} {
		var list, sweep []listing.Edit
		for i := range uint32(n + 1) {
			list = append(list, listing.Edit{Op: listing.OpList, Key: key(i), Until: at.Add(time.Second)})
			sweep = append(sweep, listing.Edit{Op: listing.OpSweep, Key: key(i)})
		}
		apply(at, list...)
		apply(at.Add(2*time.Second), sweep...)
	}
	end := begin.Add(9*listing.Day + time.Hour + 2*time.Second)
	if last, err := d.LastChange(t.Context()); err != nil || !last.Equal(end) {
		t.Errorf("last changed at %v, want %v, %v", last, end, err)
	}
	ends, err := d.Ends(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ends.Turn(end.Add(time.Hour))
	sum := ends.Count
	for _, n := range ends.Before {
		sum += n
	}
	if sum != 2+3 || ends.Before[(end.Unix()/3600)%(7*24)] != 3 {
		t.Errorf("%d ended, want 5, 3 of them in the last hour: %+v", sum, ends)
	}
}
