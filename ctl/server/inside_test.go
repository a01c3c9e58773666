package server

import (
	"strings"
	"testing"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// A trial run names what is within reach of a change.
func TestDryRunNamesWhatIsInside(t *testing.T) {
	h := newHouse(t)
	rules := h.book.Rules()
	rules.Policy.Canaries = []listing.Subject{subject("192.0.2.128/25"), subject("198.51.100.7")}
	h.book.SetRules(rules)
	c := h.client(t)
	if _, err := c.Permit(t.Context(), listing.Permit{Subject: subject("192.0.2.25"), Owner: "postmaster"}); err != nil {
		t.Fatal(err)
	}
	wide := listing.Add{Subject: subject("192.0.2.0/24"), Reason: "manual"}
	_, err := c.Add(t.Context(), wide)
	isKind(t, err, listing.ErrPolicy, "canary")
	wide.Force, wide.Note, wide.DryRun = true, "all of it", true
	out, err := c.Add(t.Context(), wide)
	if err != nil || out.Addresses != 256 || out.Inside == nil || len(out.Inside.Allows) != 1 || len(out.Inside.Canaries) != 1 || out.Inside.Canaries[0] != subject("192.0.2.128/25") {
		t.Fatalf("%+v %+v, %v", out, out.Inside, err)
	}
	wide.DryRun = false
	if out, err := c.Add(t.Context(), wide); err != nil || out.Inside != nil {
		t.Errorf("%+v, %v", out, err)
	}

	file := ctl.Import{Reason: "imported", Import: listing.Import{Source: "feed", Options: listing.Options{DryRun: true}}}
	in, err := c.Import(t.Context(), file, strings.NewReader("192.0.2.25\n203.0.113.7\n"))
	if err != nil || in.Inside == nil || len(in.Inside.Allows) != 1 || len(in.Inside.Canaries) != 0 {
		t.Errorf("%+v, %v", in, err)
	}
	in, err = c.Import(t.Context(), file, strings.NewReader("198.51.100.7\n203.0.113.7\n"))
	isKind(t, err, listing.ErrInvalid, "bad-lines")
	if len(in.BadLines) != 1 || !strings.Contains(in.BadLines[0].Message, "canary") {
		t.Errorf("%+v", in)
	}
}
