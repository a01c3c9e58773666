package listing_test

import (
	"errors"
	"testing"

	"dnsbld/listing"
)

// A command about several subjects is one change: all of it is done, or none.
func TestCommandAboutSeveral(t *testing.T) {
	d := newDesk(t)
	d.withRoles()
	operator, support := listing.Caller{Name: "olga", Role: listing.Operator}, listing.Caller{Name: "sam", Role: listing.Support}
	a, b, never := subject("192.0.2.7"), subject("192.0.2.8"), subject("10.0.0.1")
	res, err := d.Add(t.Context(), operator, listing.Add{Subject: a, More: []listing.Subject{b, never}, Reason: "manual"})
	if !errors.Is(err, listing.ErrPolicy) || res.Changed() {
		t.Fatalf("%+v, %v", res, err)
	}
	res, err = d.Add(t.Context(), operator, listing.Add{Subject: a, More: []listing.Subject{b, a}, Reason: "manual"})
	if err != nil || len(res.Changes) != 2 || res.Changes[0].Revision != res.Changes[1].Revision {
		t.Fatalf("%+v, %v", res, err)
	}
	end := listing.Delist{Subject: a, More: []listing.Subject{b}, Because: listing.FixedClaimed}
	if _, err := d.Delist(t.Context(), support, end); codeOf(err) != "role" {
		t.Errorf("support ends several: %v", err)
	}
	end.MaxChanges = 1
	if _, err := d.Delist(t.Context(), operator, end); codeOf(err) != "too-many-changes" {
		t.Errorf("past a bound that was given: %v", err)
	}
	end.MaxChanges, end.Propose = 0, true
	res, err = d.Delist(t.Context(), operator, end)
	if err != nil {
		t.Fatal(err)
	}
	res, err = d.Approve(t.Context(), listing.Caller{Name: "otto", UID: 7, Role: listing.Operator}, res.Proposal.ID, listing.Options{})
	if ended := 0; err == nil {
		for _, c := range res.Changes {
			if c.Kind == listing.EntryChange && c.After == nil {
				ended++
			}
		}
		if ended != 2 {
			t.Errorf("%d ended", ended)
		}
	} else {
		t.Error(err)
	}
}
