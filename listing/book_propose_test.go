package listing_test

import (
	"testing"
	"time"

	"dnsbld/listing"
)

var (
	alice = listing.Caller{Name: "alice", UID: 1000, Role: listing.Operator}
	bob   = listing.Caller{Name: "bob", UID: 1001, Role: listing.Operator}
	root  = listing.Caller{Name: "root", UID: 0, Role: listing.Operator}
)

func (d *desk) propose(command any) listing.Proposal {
	d.t.Helper()
	return *d.must(d.proposeAs(alice, command, "please")).Proposal
}

// proposeAs gives a command, with Propose among its options.
func (d *desk) proposeAs(who listing.Caller, command any, note string) (listing.Result, error) {
	switch c := command.(type) {
	case listing.Add:
		c.Propose, c.ProposalNote = true, note
		return d.Add(d.t.Context(), who, c)
	case listing.Delist:
		c.Propose, c.ProposalNote = true, note
		return d.Delist(d.t.Context(), who, c)
	case listing.Expire:
		c.Propose, c.ProposalNote = true, note
		return d.Expire(d.t.Context(), who, c)
	case listing.Permit:
		c.Propose, c.ProposalNote = true, note
		return d.Permit(d.t.Context(), who, c)
	}
	panic("no command")
}

func (d *desk) approve(by listing.Caller, id string) error {
	_, err := d.Approve(d.t.Context(), by, id, listing.Options{})
	return err
}

// Each command that can be proposed does, when another person approves it, what
// it does by itself; not before.
func TestPropose(t *testing.T) {
	for name, tt := range map[string]struct {
		before        func(*desk)
		command       any
		without, with string
	}{
		"wide range": {nil, listing.Add{Subject: subject("192.0.0.0/17"), Reason: "manual", Force: true, Note: "all of it"}, "", " 20"},
		"network":    {nil, listing.Add{Subject: subject("192.0.2.7"), Reason: "network"}, "", " 21"},
		"delist": {func(d *desk) { d.add("192.0.2.7", "manual") },
			listing.Delist{Subject: subject("192.0.2.7"), Because: listing.OurError}, " 20", ""},
		"delist from a feed": {func(d *desk) { d.feed("ipsum", true, "192.0.2.7") },
			listing.Delist{Subject: subject("192.0.2.7"), Because: listing.OurError}, " 23", ""},
		"expire": {func(d *desk) { d.add("192.0.2.7", "manual") }, listing.Expire{Subject: subject("192.0.2.7")}, " 20", ""},
		"allow": {func(d *desk) { d.add("192.0.2.7", "manual") },
			listing.Permit{Subject: subject("192.0.2.0/24"), Owner: "postmaster", Force: true, Note: "ours"}, " 20", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			if tt.before != nil {
				tt.before(d)
			}
			p := d.propose(tt.command)
			d.wantAnswers("192.0.2.7", tt.without)
			isKind(t, d.approve(alice, p.ID), listing.ErrPolicy, "same-person")
			isKind(t, d.approve(listing.Caller{Name: "alice", UID: 7, Role: listing.Operator}, p.ID), listing.ErrPolicy, "same-person")
			isKind(t, d.approve(root, p.ID), listing.ErrPolicy, "root-approves")
			if _, err := d.Approve(t.Context(), bob, p.ID, listing.Options{DryRun: true}); err != nil {
				t.Fatal(err)
			}
			d.wantAnswers("192.0.2.7", tt.without)
			res, err := d.Approve(t.Context(), bob, p.ID, listing.Options{})
			if err != nil || res.Proposal.State != listing.ProposalApproved || res.Proposal.DecidedBy != "bob" || res.Changes[0].Header.Actor != "alice+bob" {
				t.Fatalf("%+v %v", res, err)
			}
			d.wantAnswers("192.0.2.7", tt.with)
			isKind(t, d.approve(bob, p.ID), listing.ErrConflict, "settled")
			d.undo(res.Revision)
			d.wantAnswers("192.0.2.7", tt.without)
		})
	}
}

func TestProposalsEnd(t *testing.T) {
	d := newDesk(t)
	command := listing.Add{Subject: subject("192.0.2.7"), Reason: "network"}
	withdrawn := d.propose(command)
	if _, err := d.Withdraw(t.Context(), bob, withdrawn.ID, listing.Options{}); err != nil {
		t.Fatal(err)
	}
	isKind(t, d.approve(bob, withdrawn.ID), listing.ErrConflict, "settled")
	late := d.propose(command)
	if open, err := d.Proposals(t.Context(), false); err != nil || len(open) != 1 || open[0].ID != late.ID {
		t.Errorf("%+v %v", open, err)
	}
	d.advance(8 * listing.Day)
	isKind(t, d.approve(bob, late.ID), listing.ErrConflict, "expired")
	if open, err := d.Proposals(t.Context(), false); err != nil || len(open) != 0 {
		t.Errorf("%+v %v", open, err)
	}
	if all, err := d.Proposals(t.Context(), true); err != nil || len(all) != 2 {
		t.Errorf("%+v %v", all, err)
	}
	isKind(t, d.approve(bob, "p-nothing"), listing.ErrNotFound, "no-proposal")
	d.wantAnswers("192.0.2.7", "")
}

// A command that nobody could approve cannot be proposed.
func TestProposeRefuses(t *testing.T) {
	d := newDesk(t)
	d.must(d.Permit(t.Context(), operator("alice"), listing.Permit{Subject: subject("203.0.113.0/24"), Owner: "postmaster", Force: true, Note: "ours"}))
	for code, command := range map[string]any{
		"too-broad":             listing.Add{Subject: subject("192.0.0.0/16"), Reason: "manual", Force: true, Note: "x"},
		"range":                 listing.Add{Subject: subject("192.0.2.0/23"), Reason: "manual"},
		"never-list":            listing.Add{Subject: subject("10.0.0.1"), Reason: "manual"},
		"allowed":               listing.Add{Subject: subject("203.0.113.7"), Reason: "manual"},
		"unknown-reason":        listing.Add{Subject: subject("192.0.2.7"), Reason: "nonsense"},
		"unknown-delist-reason": listing.Delist{Subject: subject("192.0.2.7"), Because: "because"},
		"no-owner":              listing.Permit{Subject: subject("192.0.2.7")},
		"not-an-address":        listing.Expire{},
	} {
		_, err := d.proposeAs(alice, command, "")
		if e, ok := err.(*listing.Error); !ok || e.Code != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// A proposal whose object has gone stays open: nothing is settled by half.
func TestApproveThatFails(t *testing.T) {
	d := newDesk(t)
	d.add("192.0.2.7", "manual")
	p := d.propose(listing.Expire{Subject: subject("192.0.2.7"), In: listing.Life(time.Hour)})
	d.delist("192.0.2.7", listing.OurError)
	isKind(t, d.approve(bob, p.ID), listing.ErrNotFound, "not-listed")
	d.add("192.0.2.7", "manual")
	if err := d.approve(bob, p.ID); err != nil {
		t.Fatal(err)
	}
}

func TestProposeOptions(t *testing.T) {
	d := newDesk(t)
	command := listing.Add{Subject: subject("192.0.2.7"), Reason: "network", Options: listing.Options{DryRun: true}}
	d.propose(command)
	if all, err := d.Proposals(t.Context(), true); err != nil || len(all) != 0 {
		t.Errorf("a dry run proposed %+v, %v", all, err)
	}
	command.Options = listing.Options{IdempotencyKey: "mail-7"}
	first, second := d.propose(command), d.propose(command)
	if first.ID != second.ID || !first.Time.Equal(second.Time) {
		t.Errorf("one command, two proposals: %+v %+v", first, second)
	}
	if err := d.approve(bob, first.ID); err != nil {
		t.Fatal(err)
	}
	d.wantAnswers("192.0.2.7", " 21")
}
