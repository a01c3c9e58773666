package listing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"dnsbld/listing"
)

// withRoles binds the callers of the tests to groups.
func (d *desk) withRoles() {
	rules := d.Rules()
	rules.Roles = listing.Roles{Operator: []string{"dns"}, Support: []string{"help"}, Reader: []string{"look"}}
	d.SetRules(rules)
}

// roles are all there are, least first.
var roles = []listing.Role{listing.Nobody, listing.Reader, listing.Support, listing.Operator, listing.Daemon}

// codeOf is the code of a refusal.
func codeOf(err error) string {
	if e, ok := errors.AsType[*listing.Error](err); ok {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// Every command, for every role: the writer itself refuses whose role is too
// small, and names the groups that may.
func TestCommandsByRole(t *testing.T) {
	host := subject("192.0.2.7")
	manual := listing.Add{Subject: host, Reason: "manual"}
	propose := listing.Options{Propose: true}
	list := listing.Edit{Op: listing.OpList, Key: listing.Key{Subject: host, Reason: listing.BareIP}, Origin: listing.ByThreshold,
		Life: listing.Lifetime{Base: listing.Life(listing.Day), Longest: listing.Life(listing.Day), Repeat: 1}}
	for name, tt := range map[string]struct {
		least listing.Role
		do    func(*desk, listing.Caller) (listing.Result, error)
	}{
		"add": {listing.Operator, func(d *desk, who listing.Caller) (listing.Result, error) { return d.Add(t.Context(), who, manual) }},
		"except": {listing.Operator, func(d *desk, who listing.Caller) (listing.Result, error) {
			return d.Add(t.Context(), who, listing.Add{Subject: host, Reason: "manual", Except: true})
		}},
		"expire": {listing.Operator, func(d *desk, who listing.Caller) (listing.Result, error) {
			return d.Expire(t.Context(), who, listing.Expire{Subject: subject("192.0.2.8")})
		}},
		"delist": {listing.Support, func(d *desk, who listing.Caller) (listing.Result, error) {
			return d.Delist(t.Context(), who, listing.Delist{Subject: subject("192.0.2.8"), Because: listing.FixedClaimed})
		}},
		"grant": {listing.Support, func(d *desk, who listing.Caller) (listing.Result, error) {
			c := listing.Delist{Subject: subject("192.0.2.8"), Because: listing.AppealUpheld}
			return d.Grant(t.Context(), who, c, func(listing.Snapshot) ([]listing.Edit, error) { return nil, nil })
		}},
		"allow": {listing.Operator, func(d *desk, who listing.Caller) (listing.Result, error) {
			return d.Permit(t.Context(), who, listing.Permit{Subject: host, Owner: "postmaster"})
		}},
		"import": {listing.Operator, func(d *desk, who listing.Caller) (listing.Result, error) {
			return d.Import(t.Context(), who, listing.Import{Source: "ipsum"}, lines("192.0.2.7"), nil)
		}},
		"source drop": {listing.Operator, func(d *desk, who listing.Caller) (listing.Result, error) {
			return d.DropSource(t.Context(), who, "feed", "", listing.Options{})
		}},
		"undo": {listing.Operator, func(d *desk, who listing.Caller) (listing.Result, error) {
			return d.Undo(t.Context(), who, 1, "", listing.Options{})
		}},
		"propose add": {listing.Operator, func(d *desk, who listing.Caller) (listing.Result, error) {
			c := manual
			c.Options = propose
			return d.Add(t.Context(), who, c)
		}},
		"propose delist": {listing.Operator, func(d *desk, who listing.Caller) (listing.Result, error) {
			return d.Delist(t.Context(), who, listing.Delist{Subject: subject("192.0.2.8"), Because: listing.FixedClaimed, Options: propose})
		}},
		"propose expire": {listing.Operator, func(d *desk, who listing.Caller) (listing.Result, error) {
			return d.Expire(t.Context(), who, listing.Expire{Subject: subject("192.0.2.8"), Options: propose})
		}},
		"propose allow": {listing.Operator, func(d *desk, who listing.Caller) (listing.Result, error) {
			return d.Permit(t.Context(), who, listing.Permit{Subject: host, Owner: "postmaster", Options: propose})
		}},
		"approve": {listing.Operator, func(d *desk, who listing.Caller) (listing.Result, error) {
			p := d.propose(listing.Add{Subject: host, Reason: "network"})
			return d.Approve(t.Context(), who, p.ID, listing.Options{})
		}},
		"withdraw": {listing.Operator, func(d *desk, who listing.Caller) (listing.Result, error) {
			p := d.propose(listing.Add{Subject: host, Reason: "network"})
			return d.Withdraw(t.Context(), who, p.ID, listing.Options{})
		}},
		"do": {listing.Daemon, func(d *desk, who listing.Caller) (listing.Result, error) {
			return d.Do(t.Context(), who, "", []listing.Edit{list})
		}},
		"sweep": {listing.Daemon, func(d *desk, who listing.Caller) (listing.Result, error) {
			return listing.Result{}, d.Sweep(t.Context(), who, nil)
		}},
		"configure": {listing.Daemon, func(d *desk, who listing.Caller) (listing.Result, error) {
			return listing.Result{}, d.Configure(t.Context(), who, "hash")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.withRoles()
			d.add("192.0.2.8", "helo-bare-ip") // revision 1
			for _, role := range roles {
				d.feed("feed", true, "198.51.100.7")
				_, err := tt.do(d, listing.Caller{Name: "carol", UID: 1007, Role: role})
				switch refused := codeOf(err) == "role"; {
				case refused != (role < tt.least):
					t.Errorf("by %s: %v", role, err)
				case refused && (!errors.Is(err, listing.ErrPolicy) || tt.least != listing.Daemon && !strings.Contains(err.Error(), "dns")):
					t.Errorf("by %s it is refused as %v", role, err)
				case !refused && err != nil && role == tt.least:
					t.Errorf("by %s: %v", role, err)
				}
			}
		})
	}
}

// Support ends listings of single hosts that senders can mend, and no others;
// what it may is looked at on the list that it writes to.
func TestWhatSupportMayEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		c    listing.Delist
		code string
	}{
		"a range":                 {listing.Delist{Subject: subject("192.0.2.0/24"), Because: listing.FixedClaimed}, "role"},
		"within":                  {listing.Delist{Subject: subject("192.0.2.7"), Within: true, Because: listing.FixedClaimed}, "role"},
		"many":                    {listing.Delist{Subject: subject("192.0.2.7"), Because: listing.FixedClaimed, Options: listing.Options{MaxChanges: 500}}, "role"},
		"appeal":                  {listing.Delist{Subject: subject("192.0.2.7"), Because: listing.AppealUpheld}, "role"},
		"operator":                {listing.Delist{Subject: subject("192.0.2.7"), Because: listing.OperatorChoice}, "role"},
		"manual":                  {listing.Delist{Subject: subject("192.0.2.8"), Because: listing.FixedClaimed}, "role"},
		"manual, named":           {listing.Delist{Subject: subject("192.0.2.8"), Reason: "127.0.0.20", Because: listing.FixedClaimed}, "role"},
		"nonsense":                {listing.Delist{Subject: subject("192.0.2.7"), Because: "nonsense"}, "unknown-delist-reason"},
		"a host":                  {listing.Delist{Subject: subject("192.0.2.7"), Because: listing.FixedVerified}, ""},
		"one of two":              {listing.Delist{Subject: subject("192.0.2.8"), Reason: "helo-bare-ip", Because: listing.FalsePositive}, ""},
		"what the judge lets him": {listing.Delist{Subject: subject("192.0.2.9"), Because: listing.SharedIP}, ""},
		"what he does not":        {listing.Delist{Subject: subject("192.0.2.9"), Because: listing.FixedClaimed}, "by-the-rules"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.withRoles()
			for _, host := range []string{"192.0.2.7", "192.0.2.8", "192.0.2.9", "192.0.2.0/24"} {
				d.add(host, "helo-bare-ip")
			}
			d.add("192.0.2.8", "manual")
			d.SetJudge(&strict{})
			_, err := d.Delist(t.Context(), listing.Caller{Name: "sam", UID: 1002, Role: listing.Support}, tt.c)
			if codeOf(err) != tt.code {
				t.Errorf("support: %v", err)
			}
			if tt.code != "role" && tt.code != "by-the-rules" {
				return
			}
			d.must(d.Delist(t.Context(), operator("olga"), listing.Delist{Subject: tt.c.Subject, Because: listing.OperatorChoice}))
		})
	}
}

// strict is a judge who lets no claim about 192.0.2.9 pass.
type strict struct{}

func (strict) MayEnd(_ context.Context, c listing.Delist) (func(listing.Snapshot) error, error) {
	return func(s listing.Snapshot) error {
		at, err := s.Covering(c.Subject)
		if err != nil || c.Subject != subject("192.0.2.9") || c.Because != listing.FixedClaimed || len(at) == 0 {
			return err
		}
		return &listing.Error{Kind: listing.ErrPolicy, Code: "by-the-rules", Message: "it stands"}
	}, nil
}

// A grant decides on the list that its end is written to, and its
// edits are made with the end or not at all.
func TestGrantIsOneRequest(t *testing.T) {
	d := newDesk(t)
	listed := d.add("192.0.2.7", "manual").Revision
	ticket := func(body string, expect listing.Revision) listing.Edit {
		return listing.Edit{Op: listing.OpDocument, Expect: &expect, Document: &listing.Document{Kind: "ticket", ID: "T-1", Body: []byte(body)}}
	}
	d.must(d.Do(t.Context(), daemon("desk"), "", []listing.Edit{ticket(`"open"`, 0)}))
	support := listing.Caller{Name: "sam", UID: 1002, Role: listing.Support}
	c := listing.Delist{Subject: subject("192.0.2.7"), Because: listing.AppealUpheld, Ticket: "T-1"}
	refuse := errors.New("not by you")
	if _, err := d.Grant(t.Context(), support, c, func(listing.Snapshot) ([]listing.Edit, error) { return nil, refuse }); !errors.Is(err, refuse) {
		t.Errorf("refused: %v", err)
	}
	if _, err := d.Grant(t.Context(), support, c, func(listing.Snapshot) ([]listing.Edit, error) { return nil, nil }); codeOf(err) != "role" {
		t.Errorf("support ends what operators list by hand: %v", err)
	}
	d.wantAnswers("192.0.2.7", " 20")
	looks := 0
	res := d.must(d.Grant(t.Context(), operator("olga"), c, func(s listing.Snapshot) ([]listing.Edit, error) {
		looks++
		if looks == 1 { // another writes the ticket meanwhile
			return []listing.Edit{ticket(`"granted"`, listed)}, nil
		}
		doc, err := s.Document("ticket", "T-1")
		return []listing.Edit{ticket(`"granted"`, doc.Revision)}, err
	}))
	if looks != 2 || len(res.Changes) != 2 || res.Changes[0].Revision != res.Changes[1].Revision {
		t.Errorf("%d looks, %+v", looks, res.Changes)
	}
	d.wantAnswers("192.0.2.7", "")
}

// An entry made by a part of the program is held to the policy.
func TestDoIsBoundByThePolicy(t *testing.T) {
	d := newDesk(t)
	rules := d.Rules()
	rules.Policy.Canaries = []listing.Subject{subject("203.0.113.9")}
	d.SetRules(rules)
	d.must(d.Permit(t.Context(), operator("alice"), listing.Permit{Subject: subject("198.51.100.0/24"), Owner: "postmaster", Force: true, Note: "ours"}))
	day := listing.Life(listing.Day)
	list := func(s string, r listing.Reason, life listing.Lifetime) listing.Edit {
		return listing.Edit{Op: listing.OpList, Key: listing.Key{Subject: subject(s), Reason: r}, Life: life, Origin: listing.ByThreshold}
	}
	short := listing.Lifetime{Base: day, Longest: day, Repeat: 2}
	for name, tt := range map[string]struct {
		edit listing.Edit
		code string
	}{
		"never":       {list("10.0.0.1", listing.BareIP, short), "never-list"},
		"canary":      {list("203.0.113.9", listing.BareIP, short), "canary"},
		"allowed":     {list("198.51.100.7", listing.BareIP, short), "allowed"},
		"wide":        {list("192.0.2.0/23", listing.BareIP, short), "two-persons"},
		"two persons": {list("192.0.2.7", listing.Network, short), "two-persons"},
		"for ever": {list("192.0.2.7", listing.BareIP, listing.Lifetime{Base: 400 * day, Longest: 400 * day, Repeat: 1}),
			"life-over-cap"},
		"a host":     {list("192.0.2.7", listing.BareIP, short), ""},
		"a /64":      {list("2001:db8:1:2::/64", listing.BareIP, short), ""},
		"not listed": {listing.Edit{Op: listing.OpDelist, Key: listing.Key{Subject: subject("10.0.0.1"), Reason: listing.BareIP}, Because: listing.AutoHeal}, ""},
	} {
		res, err := d.Do(t.Context(), daemon("thresholds"), "", []listing.Edit{list("192.0.2.1", listing.BareIP, short), tt.edit})
		if codeOf(err) != tt.code {
			t.Errorf("%s: %v", name, err)
		}
		if tt.code != "" && res.Changed() {
			t.Errorf("%s: refused, and yet it changed %v", name, res.Changes)
		}
	}
	unknown := list("192.0.2.7", 99, short)
	if _, err := d.Do(t.Context(), daemon("thresholds"), "", []listing.Edit{unknown}); !errors.Is(err, listing.ErrPolicy) {
		t.Errorf("a reason that nobody knows: %v", err)
	}
}

// A role includes those below it, and its groups those above.
func TestRoles(t *testing.T) {
	r := listing.Roles{Operator: []string{"dns"}, Support: []string{"help"}, Reader: []string{"look"}}
	for role, want := range map[listing.Role][]string{listing.Reader: {"dns", "help", "look"}, listing.Support: {"dns", "help"}, listing.Operator: {"dns"}, listing.Daemon: nil} {
		if got := r.Groups(role); !slices.Equal(got, want) {
			t.Errorf("%s: %v", role, got)
		}
	}
	if r.Open() || !(listing.Roles{}).Open() {
		t.Error("roles with groups are open, or those without are not")
	}
	err := r.Require(listing.Caller{Name: "rita", Role: listing.Reader}, listing.Support, "delisting a range")
	if want := "delisting a range takes the role of support, and rita is reader: ask a member of group dns or help"; fmt.Sprint(err) != want {
		t.Errorf("%v", err)
	}
	err = r.Require(listing.Caller{Name: "ned"}, listing.Reader, "")
	if want := "ned has no role here: ask a member of group dns or help or look"; fmt.Sprint(err) != want {
		t.Errorf("%v", err)
	}
}
