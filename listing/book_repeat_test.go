package listing_test

import (
	"slices"
	"testing"
	"time"

	"dnsbld/listing"
)

// A listing that comes again with the same evidence changes nothing; other evidence is
// taken.
func TestSameEvidenceAgain(t *testing.T) {
	d := newDesk(t)
	d.withRoles()
	operator := listing.Caller{Name: "olga", Role: listing.Operator}
	seen := d.now().Add(-time.Hour)
	first := listing.Add{Subject: subject("192.0.2.7"), Reason: "helo-bare-ip", HELO: "192.0.2.7", Receiver: "mx1", Seen: seen, Sessions: 3}
	for _, step := range []struct {
		name   string
		edit   func(*listing.Add)
		change bool
	}{
		{"new", func(*listing.Add) {}, true},
		{"the same", func(*listing.Add) {}, false},
		{"without a time", func(a *listing.Add) { a.Seen = time.Time{} }, false},
		{"another greeting", func(a *listing.Add) { a.HELO = "localhost" }, true},
		{"back again", func(*listing.Add) {}, true},
		{"another receiver", func(a *listing.Add) { a.Receiver = "mx2" }, true},
		{"another time", func(a *listing.Add) { a.Seen = seen.Add(time.Minute) }, true},
		{"more sessions", func(a *listing.Add) { a.Sessions = 4 }, true},
		{"no evidence", func(a *listing.Add) { a.HELO, a.Receiver, a.Seen, a.Sessions = "", "", time.Time{}, 0 }, false},
	} {
		add := first
		step.edit(&add)
		res, err := d.Add(t.Context(), operator, add)
		if err != nil || res.Changed() != step.change {
			t.Errorf("%s: changed %t, %v", step.name, res.Changed(), err)
		}
	}
}

// A delisting names the subjects that were not listed: one of several may be a slip.
func TestDelistNamesWhatIsNotListed(t *testing.T) {
	d := newDesk(t)
	d.withRoles()
	operator := listing.Caller{Name: "olga", Role: listing.Operator}
	if _, err := d.Add(t.Context(), operator, listing.Add{Subject: subject("192.0.2.7"), Reason: "manual"}); err != nil {
		t.Fatal(err)
	}
	end := listing.Delist{Subject: subject("192.0.2.7"), More: []listing.Subject{subject("192.0.2.8")}, Reason: "manual", Because: listing.FixedClaimed}
	for _, want := range [][]string{
		{"192.0.2.8 is not listed as manual"},
		{"192.0.2.7 is not listed as manual", "192.0.2.8 is not listed as manual"},
	} {
		res, err := d.Delist(t.Context(), operator, end)
		if err != nil || !slices.Equal(res.Warnings, want) {
			t.Errorf("warnings %q, want %q; %v", res.Warnings, want, err)
		}
	}
}
