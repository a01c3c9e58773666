package listing_test

import (
	"errors"
	"iter"
	"testing"

	"dnsbld/listing"
)

// A mirror is written by what its primary sends, and by nothing else.
func TestMirrorIsReadOnly(t *testing.T) {
	d := newDesk(t)
	ops := listing.Caller{Name: "ops", Role: listing.Operator, UID: 1}
	self := listing.Caller{Name: "dnsbld", Role: listing.Daemon}
	none := func(func(listing.Entry, error) bool) {}
	one := iter.Seq2[listing.Entry, error](func(yield func(listing.Entry, error) bool) {
		yield(listing.Entry{Key: listing.Key{Subject: subject("10.0.0.7"), Reason: 77}}, nil)
	})
	rules := d.Rules()
	rules.Primary = "192.0.2.53 (bl.example)"
	d.SetRules(rules)
	add := listing.Add{Subject: subject("192.0.2.7"), Reason: "manual"}
	propose := add
	propose.Propose = true
	for name, command := range map[string]func() (listing.Result, error){
		"add":     func() (listing.Result, error) { return d.Add(t.Context(), ops, add) },
		"propose": func() (listing.Result, error) { return d.Add(t.Context(), ops, propose) },
		"delist": func() (listing.Result, error) {
			return d.Delist(t.Context(), ops, listing.Delist{Subject: add.Subject, Because: listing.Test})
		},
		"expire": func() (listing.Result, error) {
			return d.Expire(t.Context(), ops, listing.Expire{Subject: add.Subject})
		},
		"allow": func() (listing.Result, error) {
			return d.Permit(t.Context(), ops, listing.Permit{Subject: add.Subject, Owner: "x"})
		},
		"import": func() (listing.Result, error) {
			return d.Import(t.Context(), ops, listing.Import{Source: "feed"}, none, nil)
		},
		"drop": func() (listing.Result, error) {
			return d.DropSource(t.Context(), ops, "feed", "", listing.Options{})
		},
		"a part of the program": func() (listing.Result, error) {
			return d.Do(t.Context(), self, "", []listing.Edit{{Op: listing.OpConfigure, Config: "x"}})
		},
	} {
		_, err := command()
		var refused *listing.Error
		if !errors.As(err, &refused) || refused.Code != "mirror" || !errors.Is(err, listing.ErrPolicy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := d.Configure(t.Context(), self, "hash"); err != nil {
		t.Errorf("noting the configuration: %v", err)
	}
	if _, err := d.Mirror(t.Context(), ops, listing.Mirrored{Zone: "bl.example", Serial: 7}, one); !errors.Is(err, listing.ErrPolicy) {
		t.Errorf("a person in the place of the primary: %v", err)
	}
	for _, step := range []struct {
		serial   uint32
		again    bool
		revision listing.Revision // 0: refused
	}{{4_000_000_000, false, 4_000_000_000}, {4_000_000_000, false, 0}, {3_999_999_999, false, 0}, {4_000_000_000, true, 1<<32 + 4_000_000_000}, {5, false, 1<<33 + 5}, {4, true, 0}} {
		res, err := d.Mirror(t.Context(), self, listing.Mirrored{Zone: "bl.example", Serial: step.serial, Again: step.again}, one)
		switch {
		case step.revision == 0 && !errors.Is(err, listing.ErrConflict), step.revision > 0 && (err != nil || res.Revision != step.revision):
			t.Errorf("serial %d: revision %d, %v", step.serial, res.Revision, err)
		}
	}
	if s := d.live.Set(); s.Revision() != 1<<33+5 || s.Stats().Hosts != 1 {
		t.Errorf("revision %d, %+v", s.Revision(), s.Stats())
	}
}
