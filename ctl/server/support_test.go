package server

import (
	"errors"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"dnsbld/ctl"
	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/helo"
	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

// deskCounters are what the counters say of every address.
type deskCounters struct{ facts sighting.Facts }

func (c *deskCounters) Facts(listing.Subject) (sighting.Facts, error) { return c.facts, nil }

// codeOf is the code of an error.
func codeOf(err error) string {
	if e, ok := errors.AsType[*listing.Error](err); ok {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// withDesk is a house with a support desk.
func withDesk(t *testing.T, change ...func(*desk.Settings)) (*house, *deskCounters) {
	t.Helper()
	seen := &deskCounters{}
	h := newHouse(t, withRoles)
	people, err := db.OpenPeople(filepath.Join(t.TempDir(), "people.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { people.Close() })
	letters, err := delist.NewLetters(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := delist.NewSigner([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	settings := desk.Settings{Zones: []desk.Zone{{Name: "bl.test", TTL: time.Minute}}, Letters: letters}
	for _, f := range change {
		f(&settings)
	}
	h.server.cfg.Desk, err = desk.New(desk.Config{Book: h.book, Counters: seen, People: people, Signer: signer, Settings: func() desk.Settings { return settings }})
	if err != nil {
		t.Fatal(err)
	}
	return h, seen
}

// Support delists by the rules; against them an operator does, or another person
// on appeal.
func TestSupportIsBoundByTheDecision(t *testing.T) {
	h, seen := withDesk(t)
	support := h.as(listing.Caller{UID: 1001, Name: "alice", Groups: []uint32{supporters}})
	second := h.as(listing.Caller{UID: 1002, Name: "bob", Groups: []uint32{supporters}})
	operator := h.as(listing.Caller{UID: 1003, Name: "carol", Groups: []uint32{operators}})
	at := netip.MustParseAddr("192.0.2.7")
	list := func() {
		t.Helper()
		h.add(t, listing.Add{Subject: listing.HostSubject(at), Reason: "helo-bare-ip"})
		seen.facts = sighting.Facts{LastBogus: noon.Add(-time.Hour), Mixed: 5, Bogus: 4, Sessions: 9, Clean: 5,
			Decisions: []sighting.Decision{{Reason: listing.BareIP, Tally: sighting.Tally{Sessions: 4}}},
			Days:      []sighting.DayCount{{Day: noon.Truncate(listing.Day), Bogus: 4, Clean: 5, ByCode: map[helo.Code]int{helo.CodeBareIP: 4}}},
			Samples:   []listing.Sample{{Time: noon.Add(-time.Hour), Receiver: "mx1", HELO: "192.0.2.7", Verdict: "helo-bare-ip"}}}
	}
	end := func(c *ctl.Client, because listing.DelistReason) string {
		_, err := c.Delist(t.Context(), listing.Delist{Subject: listing.HostSubject(at), Because: because})
		return codeOf(err)
	}
	list()
	if got := end(support, listing.FixedVerified); got != "by-the-rules" || !h.listed("192.0.2.7") {
		t.Errorf("mixed traffic: %q", got)
	}
	ticket, err := support.OpenTicket(t.Context(), ctl.TicketCommand{Address: at.String()})
	if err != nil {
		t.Fatal(err)
	}
	take := func(c *ctl.Client, verb removal.Verb, denied removal.Code) string {
		_, err := c.TakeTicket(t.Context(), ctl.TicketStep{Name: ticket.Ticket.ID, Action: removal.Action{Verb: verb, Code: denied}})
		return codeOf(err)
	}
	if got := take(support, removal.VerbGrant, ""); got != "by-the-rules" {
		t.Errorf("a ticket is granted against the decision: %q", got)
	}
	override := func(c *ctl.Client, note string) string {
		_, err := c.TakeTicket(t.Context(), ctl.TicketStep{Name: ticket.Ticket.ID, Action: removal.Action{Verb: removal.VerbGrant, Override: true, Note: note}})
		return codeOf(err)
	}
	for n, step := range []struct{ got, want string }{
		{override(support, "x"), "no-appeal"}, {take(support, removal.VerbDeny, removal.MixedTraffic), ""}, {take(support, removal.VerbAppeal, ""), ""},
		{take(second, removal.VerbGrant, ""), "by-the-rules"}, {override(support, "x"), "same-person"}, {override(second, ""), "no-note"},
		{override(second, "the other host is gone"), ""},
	} {
		if step.got != step.want {
			t.Errorf("on appeal, step %d: %q, want %q", n+1, step.got, step.want)
		}
	}
	if h.listed("192.0.2.7") {
		t.Error("another person's grant of an appeal did not end it")
	}
	list()
	seen.facts.Mixed = 0
	if got := end(operator, listing.OperatorChoice); got != "" {
		t.Errorf("an operator: %q", got)
	}
	h.clock.advance(listing.Day)
	list()
	seen.facts.Mixed = 0
	if got := end(support, listing.FixedClaimed); got != "" || h.listed("192.0.2.7") {
		t.Errorf("by the rules: %q", got)
	}
}
