package desk_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/listing/helo"
	"dnsbld/listing/removal"
)

// progress is what the sender sees of a ticket.
func (o *office) progress(t *testing.T, ticket string) removal.Progress {
	t.Helper()
	reference, ok := strings.CutPrefix(o.Follow(ticket), "https://bl.example/"+desk.FollowPath)
	if !ok {
		t.Fatalf("no link: %q", o.Follow(ticket))
	}
	p, err := o.Progress(t.Context(), strings.ToLower(reference))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A sender who asks for a person gets one: a request that the rules refuse is open until
// a person has looked at it; after that it is an appeal, for another; after that it is
// decided.
func TestOpenATicket(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	n := 0
	press := func() removal.Reply {
		t.Helper()
		n++
		return o.click(t, sender, fmt.Sprintf("203.0.113.%d", n), func(r *desk.Request) { r.Person = true })
	}
	first := press()
	if ticket := o.ticket(t, first.Ticket); first.State != removal.Open || ticket.State != removal.Open || ticket.Appeal || ticket.Decision != removal.ManualHold {
		t.Fatalf("%+v, %+v", first.Answer, ticket)
	}
	if p := o.progress(t, first.Ticket); p.State != removal.Open || !p.Listed || !p.ReadBy.Equal(noon.Add(removal.ReadWithin)) || !strings.Contains(p.Told.Text, "listed by a person") {
		t.Errorf("%+v", p)
	}
	// A mail, or a request that is not heard, does not take it away from us.
	if done := o.click(t, sender, "198.51.100.9"); done.State != removal.Open {
		t.Errorf("another request: %+v", done.Answer)
	}
	for range 4 {
		o.click(t, sender, "198.51.100.9", func(r *desk.Request) { r.Person = true })
	}
	if ticket := o.ticket(t, first.Ticket); ticket.State != removal.Open || ticket.Decision != removal.RateLimit {
		t.Errorf("after RATE_LIMIT: %+v", ticket)
	}
	take := func(who string, verb removal.Verb) {
		t.Helper()
		if _, _, err := o.Take(t.Context(), first.Ticket, removal.Action{By: operator(who), Verb: verb, Code: removal.ManualHold, Note: "an internal word"}); err != nil {
			t.Fatal(err)
		}
	}
	take("alice", removal.VerbDeny)
	if p := o.progress(t, first.Ticket); p.State != removal.Denied || p.Denied != removal.ManualHold || p.Told != nil {
		t.Errorf("denied: %+v", p)
	}
	press()
	if ticket := o.ticket(t, first.Ticket); ticket.State != removal.Open || !ticket.Appeal {
		t.Errorf("pressed after a person denied it: %+v", ticket)
	}
	take("bob", removal.VerbDeny)
	if last := press(); last.State != removal.Denied || o.ticket(t, first.Ticket).Appeal {
		t.Errorf("after two persons: %+v", last.Answer)
	}
}

// Nobody has to look at what ends by itself within hours, or was asked too often.
func TestNoPersonIsNeeded(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual", For: listing.Life(3 * time.Hour)})
	for range 3 {
		o.click(t, sender, "198.51.100.9")
	}
	if err := o.Tend(t.Context(), "dnsbld"); err != nil {
		t.Fatal(err)
	}
	done := o.click(t, sender, "198.51.100.9", func(r *desk.Request) { r.Person = true })
	if done.Decision.Code != removal.RateLimit || done.State != removal.Denied {
		t.Errorf("%+v", done.Answer)
	}
}

// A sender who follows his ticket sees its state, and never a note of ours.
func TestProgress(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "helo-bare-ip"})
	o.see(t, noon.Add(-3*time.Hour), 12, "192.0.2.7", helo.CodeBareIP, helo.Medium)
	done := o.request(t, desk.Request{From: "joe@sender.example", Note: "from joe"})
	if p := o.progress(t, done.Ticket); p.State != removal.Asked || !strings.Contains(p.Told.Text, "You can end the listing") || p.Told.Then == "" || !p.ReadBy.IsZero() {
		t.Errorf("%+v", p)
	}
	if _, _, err := o.Take(t.Context(), done.Ticket, removal.Action{By: operator("alice"), Verb: removal.VerbAsk, Note: "which program was it? (joe@sender.example)"}); err != nil {
		t.Fatal(err)
	}
	if p := o.progress(t, done.Ticket); p.State != removal.Asked || p.Told.Text != "which program was it? ([mail address])" {
		t.Errorf("asked: %+v", p.Told)
	}
	if done = o.request(t, desk.Request{Delist: true}); done.State != removal.Granted {
		t.Errorf("%+v", done.Answer)
	}
	if p := o.progress(t, done.Ticket); p.State != removal.Granted || p.Listed || p.Told != nil {
		t.Errorf("granted: %+v", p)
	}
	asked, err := o.Request(t.Context(), desk.Request{By: operator("desk"), Text: []byte("From: eve@sender.example\nDate: x\n\nunblock me\n")})
	if err != nil {
		t.Fatal(err)
	}
	if p := o.progress(t, asked.Ticket); p.State != removal.Asked || p.Address.IsValid() || p.Told.Text != "which address it is about" {
		t.Errorf("without an address: %+v", p)
	}
}

// The link is a secret: who knows the ticket does not know it.
func TestProgressIsNotGuessed(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	done := o.request(t, desk.Request{})
	good := strings.TrimPrefix(o.Follow(done.Ticket), "https://bl.example/"+desk.FollowPath)
	last := map[bool]string{true: "B", false: "A"}[strings.HasSuffix(good, "A")]
	for _, bad := range []string{"", "-", done.Ticket, done.Ticket + "-", good[:len(good)-1], good[:len(good)-1] + last, good + "A", "TAAAAAAAAAA" + good[11:], "\xff\x00", strings.Repeat("A", 1<<16)} {
		var e *listing.Error
		if _, err := o.Progress(t.Context(), bad); !errors.As(err, &e) || e.Code != "no-such-request" {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

// Only the requester finds the answer: others may know the key of a request, and can
// make its digest as we do.
func TestAnAnswerIsFoundBySecretAlone(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	done := o.leave(t, "joe@sender.example", func(r *desk.Request) { r.Key = "id:1" })
	var ids []string
	for r, err := range o.people.Each("answer") {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	sum := sha256.Sum256([]byte("dnsbld request id:1"))
	if id := hex.EncodeToString(sum[:16]); !slices.Equal(ids, []string{id}) {
		t.Fatalf("kept as %q, not %s", ids, id)
	}
	for _, name := range []string{ids[0], ids[0] + "-", ids[0] + "-" + strings.Repeat("A", 16), "", done.Kept + "A", done.Ticket, strings.TrimPrefix(o.Follow(done.Ticket), "https://bl.example/ticket/")} {
		if _, err := o.Kept(name); !errors.Is(err, listing.ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if kept, err := o.Kept(done.Kept); err != nil || kept.Ticket != done.Ticket || kept.Kept != done.Kept {
		t.Errorf("by its name %q: %+v, %v", done.Kept, kept, err)
	}
}
