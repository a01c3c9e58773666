package server

import (
	"os/user"
	"slices"
	"testing"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

func TestAddIsServedAndNamesItsActor(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	out, err := c.Add(t.Context(), listing.Add{Subject: subject("192.0.2.7"), Reason: "helo-bare-ip", HELO: "192.0.2.7", Note: "seen"})
	if err != nil {
		t.Fatal(err)
	}
	if !h.listed("192.0.2.7") {
		t.Error("the answer came before the listing was served")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if !out.Changed || len(out.Entries) != 1 || out.Addresses != 1 {
		t.Fatalf("outcome %+v", out)
	}
	if got := out.Entries[0]; got.Actor != me.Username || got.Reason != "helo-bare-ip" || got.Note != "seen" || !got.Until.Equal(noon.Add(3*listing.Day)) {
		t.Errorf("entry %+v", got)
	}
	if want := noon.Add(time.Minute + time.Second); !out.EffectiveBy.Equal(want) {
		t.Errorf("effective by %s, wanted the negative TTL later: %s", out.EffectiveBy, want)
	}
}

func TestDelist(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	h.add(t, listing.Add{Subject: subject("192.0.2.7"), Reason: "helo-bare-ip"})
	dry, err := c.Delist(t.Context(), listing.Delist{Subject: subject("192.0.2.7"), Because: listing.FixedClaimed, Options: listing.Options{DryRun: true}})
	if err != nil || !dry.Changed || !dry.DryRun || !dry.EffectiveBy.IsZero() || !h.listed("192.0.2.7") {
		t.Fatalf("dry run: %+v, %v", dry, err)
	}
	out, err := c.Delist(t.Context(), listing.Delist{Subject: subject("192.0.2.7"), Because: listing.FixedClaimed})
	if err != nil || !out.Changed || h.listed("192.0.2.7") {
		t.Fatalf("%+v, %v", out, err)
	}
	if want := noon.Add(5*time.Minute + time.Second); !out.EffectiveBy.Equal(want) {
		t.Errorf("effective by %s, wanted the TTL later: %s", out.EffectiveBy, want)
	}
	if e := out.Changes[0]; e.Action != report.Delisted || e.Because != listing.FixedClaimed || e.Before == nil || e.After != nil {
		t.Errorf("change %+v", e)
	}
	again, err := c.Delist(t.Context(), listing.Delist{Subject: subject("192.0.2.7"), Because: listing.FixedClaimed})
	if err != nil || again.Changed {
		t.Errorf("again: %+v, %v", again, err)
	}
}

// A failure comes out of the client as it went into the server.
func TestFailures(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	h.add(t, listing.Add{Subject: subject("198.51.100.0/24"), Reason: "manual", Force: true, Note: "all of it"})
	host := subject("192.0.2.7")
	revision := listing.Revision(77)
	for _, tt := range []struct {
		name string
		call func() error
		kind error
		code string
	}{
		{"reason", func() error {
			_, err := c.Add(t.Context(), listing.Add{Subject: host, Reason: "nonsense"})
			return err
		}, listing.ErrInvalid, "unknown-reason"},
		{"never-list", func() error {
			_, err := c.Add(t.Context(), listing.Add{Subject: subject("10.0.0.1"), Reason: "manual"})
			return err
		}, listing.ErrPolicy, "never-list"},
		{"revision", func() error {
			_, err := c.Add(t.Context(), listing.Add{Subject: host, Reason: "manual", Options: listing.Options{IfRevision: &revision}})
			return err
		}, listing.ErrConflict, "revision"},
		{"not listed", func() error {
			_, err := c.Expire(t.Context(), listing.Expire{Subject: host})
			return err
		}, listing.ErrNotFound, "not-listed"},
		{"covered", func() error {
			_, err := c.Delist(t.Context(), listing.Delist{Subject: subject("198.51.100.9"), Because: listing.Test})
			return err
		}, listing.ErrNotFound, "covered"},
		{"owner", func() error {
			_, err := c.Permit(t.Context(), listing.Permit{Subject: host})
			return err
		}, listing.ErrInvalid, "no-owner"},
		{"source", func() error {
			_, err := c.DropSource(t.Context(), ctl.DropSource{Name: "ghost/..", Note: ""})
			return err
		}, listing.ErrNotFound, "no-source"},
		{"key", func() error {
			_, err := c.Add(t.Context(), listing.Add{Subject: host, Reason: "manual", Options: listing.Options{IdempotencyKey: "a\nb"}})
			return err
		}, listing.ErrInvalid, "bad-key"},
		{"future", func() error {
			_, err := c.HistoryAt(t.Context(), ctl.At{Subject: host, Time: noon.Add(time.Hour)})
			return err
		}, listing.ErrInvalid, "future"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call()
			isKind(t, err, tt.kind, tt.code)
			worded := []string{"unknown-reason", "revision", "not-listed", "covered", "no-source", "sourced"} // by blctl, from the code
			if e := err.(*listing.Error); e.Hint == "" && !slices.Contains(worded, e.Code) {
				t.Error("no hint")
			}
		})
	}
	if n := len(listAll(t, c, report.Query{})); n != 1 {
		t.Errorf("%d entries after nothing but refusals, wanted 1", n)
	}
}

func listAll(t testing.TB, c *ctl.Client, q report.Query) []report.Row {
	t.Helper()
	var all []report.Row
	for row, err := range c.List(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

func TestPermitHides(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	h.add(t, listing.Add{Subject: subject("192.0.2.7"), Reason: "manual"})
	out, err := c.Permit(t.Context(), listing.Permit{Subject: subject("192.0.2.0/24"), Owner: "bob", Force: true, Note: "ours"})
	if err != nil || !out.Changed || h.listed("192.0.2.7") {
		t.Fatalf("%+v, %v", out, err)
	}
	all, err := c.Allows(t.Context(), subject("192.0.2.7"))
	if err != nil || len(all) != 1 || all[0].Owner != "bob" {
		t.Fatalf("%+v, %v", all, err)
	}
	if all, err = c.Allows(t.Context(), subject("198.51.100.0/24")); err != nil || len(all) != 0 {
		t.Fatalf("%+v, %v", all, err)
	}
	if _, err := c.Permit(t.Context(), listing.Permit{Subject: subject("192.0.2.0/24"), Remove: true}); err != nil || !h.listed("192.0.2.7") {
		t.Fatalf("after removing: %v", err)
	}
}

func TestWithinTakesMaxChanges(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	for n := range 120 {
		h.add(t, listing.Add{Subject: subject("192.0.2." + itoa(n)), Reason: "manual"})
	}
	cmd := listing.Delist{Subject: subject("192.0.2.0/24"), Within: true, Because: listing.Test}
	_, err := c.Delist(t.Context(), cmd)
	isKind(t, err, listing.ErrPolicy, "too-many-changes")
	look := cmd
	look.DryRun = true // as the hint says
	if out, err := c.Delist(t.Context(), look); err != nil || len(out.Changes) != 120 || !slices.Equal(out.Warnings, []string{"it takes --max-changes 120"}) {
		t.Fatalf("a dry run: %d changes, warnings %q, %v", len(out.Changes), out.Warnings, err)
	}
	cmd.MaxChanges = 120
	out, err := c.Delist(t.Context(), cmd)
	if err != nil || len(out.Changes) != 120 || out.Addresses != 120 {
		t.Fatalf("%d changes, %v", len(out.Changes), err)
	}
	if slices.ContainsFunc(out.Changes, func(e report.Event) bool { return e.Action != report.Delisted }) {
		t.Error("something else than a delisting")
	}
}
