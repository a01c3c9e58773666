package server

import (
	"strings"
	"testing"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// as is a client whose requests come from a person.
func (h *house) as(who listing.Caller) *ctl.Client { return ctl.Over(&inProcess{h.server, who}) }

var (
	alice = listing.Caller{UID: 1001, Name: "alice"}
	bob   = listing.Caller{UID: 1002, Name: "bob"}
)

func TestProposeAndApprove(t *testing.T) {
	h := newHouse(t)
	wide := listing.Add{Subject: subject("192.0.0.0/17"), Reason: "manual", Force: true, Note: "all of it"}
	p, err := h.as(alice).Propose(t.Context(), ctl.Propose{Add: &wide, Note: wide.Note})
	if err != nil || !p.Changed || len(p.Changes) != 0 || p.Proposal.By.UID != alice.UID {
		t.Fatalf("%+v, %v", p, err)
	}
	_, err = h.as(alice).Approve(t.Context(), ctl.Decide{ID: p.Proposal.ID})
	isKind(t, err, listing.ErrPolicy, "same-person")
	_, err = h.as(listing.Caller{Name: "root"}).Approve(t.Context(), ctl.Decide{ID: p.Proposal.ID})
	isKind(t, err, listing.ErrPolicy, "root-approves")
	dry, err := h.as(bob).Approve(t.Context(), ctl.Decide{ID: p.Proposal.ID, Options: listing.Options{DryRun: true}})
	if err != nil || !dry.DryRun || dry.Addresses != 1<<15 || h.listed("192.0.2.7") {
		t.Fatalf("%+v, %v", dry, err)
	}
	if done, err := h.as(bob).Approve(t.Context(), ctl.Decide{ID: p.Proposal.ID}); err != nil || !h.listed("192.0.2.7") || done.Entries[0].Actor != "alice+bob" {
		t.Fatalf("%+v, %v", done, err)
	}
	if open, err := h.as(bob).Proposals(t.Context(), false); err != nil || len(open) != 0 {
		t.Errorf("%+v, %v", open, err)
	}
}

func TestHostileProposals(t *testing.T) {
	h := newHouse(t)
	path := h.serve(t)
	for _, tt := range []struct {
		name, method, endpoint, body string
		status                       int
		says                         string
	}{
		{"nothing", "POST", "/v1/proposals", `{}`, 400, "bad-request"},
		{"two commands", "POST", "/v1/proposals", `{"expire":{"prefix":"192.0.2.7/32"},"delist":{"prefix":"192.0.2.7/32","because":"test"}}`, 400, "bad-request"},
		{"host bits", "POST", "/v1/proposals", `{"delist":{"prefix":"192.0.2.7/24","because":"test"}}`, 400, "host-bits"},
		{"bad key", "POST", "/v1/proposals", `{"expire":{"prefix":"192.0.2.7/32","idempotency_key":"\u0007"}}`, 400, "bad-key"},
		{"proposer named", "POST", "/v1/proposals", `{"expire":{"prefix":"192.0.2.7/32"},"by":{"name":"bob"}}`, 400, "bad-request"},
		{"no such proposal", "POST", "/v1/proposals/p-none/approve", `{}`, 404, "no-proposal"},
		{"approver named", "POST", "/v1/proposals/p-none/approve", `{"by":"bob"}`, 400, "bad-request"},
		{"undo of nothing", "POST", "/v1/undo", `{}`, 404, "no-change"},
		{"undo of a word", "POST", "/v1/undo", `{"revision":"1"}`, 400, "bad-request"},
	} {
		if status, body := post(t, path, tt.method, tt.endpoint, tt.body); status != tt.status || !strings.Contains(body, `"code":"`+tt.says+`"`) {
			t.Errorf("%s: %d %s", tt.name, status, body)
		}
	}
}
