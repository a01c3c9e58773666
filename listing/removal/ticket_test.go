package removal

import (
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"

	"pgregory.net/rapid"
)

var (
	noon   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	sender = netip.MustParseAddr("192.0.2.7")
)

func step(actor, note string) Step { return Step{Time: noon, Actor: actor, Person: true, Note: note} }

func opened(t testing.TB) Ticket {
	t.Helper()
	tk, err := NewTicket(sender, Step{Time: noon, Actor: "web", Note: "came by mail"})
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

// at is a ticket that is in a state.
func at(t testing.TB, s State) Ticket {
	tk := opened(t)
	tk.State, tk.People, tk.WatchUntil = s, []string{"anna"}, noon
	return tk
}

func TestTicketWays(t *testing.T) {
	t.Run("granted and watched", func(t *testing.T) {
		tk := opened(t)
		do := func(next Ticket, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			tk = next
		}
		do(tk.Ask(step("anna", "which address?")))
		do(tk.Judged(Decision{Code: NoProof}, step("anna", "")))
		do(tk.Judged(Decision{Code: OKSelf}, step("anna", "")))
		do(tk.Grant(listing.FixedVerified, step("anna", "")))
		if want := noon.Add(Watch); !tk.WatchUntil.Equal(want) {
			t.Fatalf("watched until %v, want %v", tk.WatchUntil, want)
		}
		if _, err := tk.Close(Step{Time: noon.Add(Watch - time.Second), Actor: "sweep"}); !errors.Is(err, listing.ErrConflict) {
			t.Errorf("closed while watched: %v", err)
		}
		do(tk.Close(Step{Time: noon.Add(Watch), Actor: "sweep"}))
		if tk.Because != listing.FixedVerified || tk.Decision != OKSelf {
			t.Errorf("ended as %+v", tk)
		}
	})
	t.Run("asked again", func(t *testing.T) {
		tk := opened(t)
		for _, c := range []struct {
			code Code
			want State
		}{{StillOffending, Denied}, {RateLimit, Denied}, {NoProof, Asked}, {NoProof, Asked}, {OKSupport, Open}, {OKSelf, Asked}, {Identity, Asked}, {NotListed, Closed}} {
			var err error
			if tk, err = tk.Judged(Decision{Code: c.code}, step("anna", "")); err != nil || tk.State != c.want || tk.Decision != c.code {
				t.Fatalf("%s: %+v, %v", c.code, tk, err)
			}
		}
		if closed, err := tk.Judged(Decision{Code: OKSelf}, step("anna", "")); !errors.Is(err, listing.ErrConflict) || closed.Decision != NotListed {
			t.Errorf("a closed ticket: %+v, %v", closed, err)
		}
	})
}

// An appeal is decided by another person than all who filed or decided before. A
// program is no person, and what it does makes nobody forget who decided.
func TestAppealIsForAnother(t *testing.T) {
	program := Step{Time: noon, Actor: "web"}
	do := func(next Ticket, err error) Ticket {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	denied := do(opened(t).Deny(StillOffending, step("anna", "")))
	denied = do(denied.Judged(Decision{Code: MixedTraffic}, program)) // the sender posts the form again
	appealed := do(denied.Contest(step("bert", "the sender disagrees")))
	if appealed.State != Open || !appealed.Appeal {
		t.Fatalf("%+v", appealed)
	}
	if judged := do(appealed.Judged(Decision{Code: MixedTraffic}, program)); judged.State != Open || !judged.Appeal {
		t.Errorf("the rules decided an appeal: %+v", judged)
	}
	for who, by := range map[string]Step{"who denied": step("anna", ""), "who filed the appeal": step("bert", ""), "a program": program} {
		if _, err := appealed.Grant(listing.AppealUpheld, by); !errors.Is(err, listing.ErrPolicy) {
			t.Errorf("%s granted: %v", who, err)
		}
		if _, err := appealed.Deny(StillOffending, by); !errors.Is(err, listing.ErrPolicy) {
			t.Errorf("%s upheld: %v", who, err)
		}
	}
	upheld := do(appealed.Deny(StillOffending, step("carl", "")))
	if upheld.State != Denied || upheld.Appeal {
		t.Errorf("upheld: %+v", upheld)
	}
	again := do(upheld.Contest(step("anna", "")))
	if _, err := again.Grant(listing.FalsePositive, step("carl", "")); !errors.Is(err, listing.ErrPolicy) {
		t.Errorf("who decided the first appeal decides the second: %v", err)
	}
	if granted := do(again.Grant(listing.FalsePositive, step("dora", ""))); granted.State != Granted || granted.Appeal {
		t.Errorf("granted: %+v", granted)
	}
}

// Lists and backups hold tickets as they were written until 2026.
func TestOldTickets(t *testing.T) {
	for was, want := range map[string]State{"new": Open, "need_info": Asked, "need_proof": Asked, "eligible": Open, "delisted": Granted,
		"monitoring": Granted, "denied": Denied, "appealed": Open, "upheld": Denied, "overturned": Open, "closed": Closed} {
		var tk Ticket
		raw := `{"id":"T1","address":"192.0.2.7","state":"` + was + `","denied_by":"anna","notes":[{"actor":"anna","state":"` + was + `"}]}`
		if err := json.Unmarshal([]byte(raw), &tk); err != nil {
			t.Fatal(err)
		}
		if tk.State != want || tk.Notes[0].State != want || tk.Appeal != (was == "appealed") || !slices.Equal(tk.People, []string{"anna"}) {
			t.Errorf("%s became %+v", was, tk)
		}
	}
}

// Every pair of states: either it is a way, or a conflict that says the ways.
func TestTicketTransitions(t *testing.T) {
	for _, from := range States() {
		for _, to := range States() {
			tk := at(t, from)
			moved, err := tk.move(to, step("bert", ""))
			var refusal *listing.Error
			switch {
			case slices.Contains(onward[from], to):
				if err != nil || moved.State != to {
					t.Errorf("%s → %s: %v", from, to, err)
				}
			case !errors.As(err, &refusal) || !errors.Is(err, listing.ErrConflict) || refusal.Hint == "":
				t.Errorf("%s → %s: %v, want a conflict with a hint", from, to, err)
			case moved.State != from:
				t.Errorf("%s → %s was refused and left the ticket %s", from, to, moved.State)
			}
		}
	}
}

func TestTicketHoldsNoMailAddress(t *testing.T) {
	tk, err := opened(t).Say(step("anna", "asked joe@sender.example (Joe <joe+x@mail.sender.example>) \x1b[31m"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(tk)
	if err != nil || strings.Contains(string(raw), "@") || !strings.Contains(string(raw), "[mail address]") {
		t.Errorf("%s, %v", raw, err)
	}
	if strings.Contains(tk.Notes[len(tk.Notes)-1].Text, "\x1b") {
		t.Error("escape byte kept")
	}
	var back Ticket
	if err := json.Unmarshal(raw, &back); err != nil || back.ID != tk.ID || back.Address != tk.Address || len(back.Notes) != 2 {
		t.Errorf("read back %+v, %v", back, err)
	}
}

func TestReferences(t *testing.T) {
	tk := opened(t)
	for _, ref := range []string{"rt:1425832", "rt:1424158", "rt:1425832"} {
		var err error
		if tk, err = tk.Refer(ref); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"rt:1425832", "rt:1424158"}; !slices.Equal(tk.References, want) {
		t.Errorf("references %v, want %v", tk.References, want)
	}
	for _, bad := range []string{"", "1425832", "rt:", "RT:1", "rt:a b", "rt:joe@sender.example", "rt:1\n"} {
		if _, err := tk.Refer(bad); !errors.Is(err, listing.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestTicketBounds(t *testing.T) {
	tk, err := opened(t), error(nil)
	for err == nil && len(tk.Notes) <= maxNotes {
		tk, err = tk.Say(step("anna", strings.Repeat("\xff", 4000)))
	}
	if !errors.Is(err, listing.ErrPolicy) || len(tk.Notes) != maxNotes {
		t.Errorf("%d notes, %v", len(tk.Notes), err)
	}
	if raw, err := json.Marshal(tk); err != nil || len(raw) > listing.MaxRequestBytes {
		t.Errorf("%d octets, %v", len(raw), err)
	}
	if _, err := opened(t).Say(Step{Time: noon}); !errors.Is(err, listing.ErrInvalid) {
		t.Errorf("a note by nobody: %v", err)
	}
	if _, err := opened(t).Deny("BECAUSE", step("anna", "")); !errors.Is(err, listing.ErrInvalid) {
		t.Errorf("an unpublished code: %v", err)
	}
	if _, err := at(t, Open).Grant("whim", step("anna", "")); !errors.Is(err, listing.ErrInvalid) {
		t.Errorf("an unknown reason: %v", err)
	}
}

// A step never alters the ticket it starts from.
func TestTicketIsAValue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tk := at(t, rapid.SampledFrom(States()).Draw(rt, "state"))
		before, err := json.Marshal(tk)
		if err != nil {
			rt.Fatal(err)
		}
		by := step(rapid.SampledFrom([]string{"anna", "bert"}).Draw(rt, "actor"), "x")
		a, _ := tk.move(rapid.SampledFrom(States()).Draw(rt, "to"), by)
		b, _ := tk.Judged(Decision{Code: rapid.SampledFrom(Codes()).Draw(rt, "code")}, by)
		if len(a.Notes) > 1 && len(b.Notes) > 1 && &a.Notes[1] == &b.Notes[1] {
			rt.Fatal("two steps share their notes")
		}
		if after, err := json.Marshal(tk); err != nil || string(after) != string(before) {
			rt.Fatalf("%s became %s", before, after)
		}
	})
}

func TestContact(t *testing.T) {
	c := Contact{ID: NewID('C'), Mail: "Joe <Joe@Sender.example>", Answered: map[string]time.Time{"T1": noon}}
	for mail, want := range map[string]bool{
		"joe@sender.example": true, " JOE@sender.EXAMPLE ": true, "<joe@sender.example>": true, "J. <joe@sender.example>": true,
		"": false, "oe@sender.example": false, "joe@sender.example.org": false, "joe": false,
	} {
		if c.Matches(mail) != want {
			t.Errorf("Matches(%q) = %t", mail, !want)
		}
	}
	if (Contact{}).Matches("") {
		t.Error("an erased contact matches nothing")
	}
	if c.MayAnswer("T1", noon.Add(AnswerPause-1)) || !c.MayAnswer("T1", noon.Add(AnswerPause)) || !c.MayAnswer("T2", noon) {
		t.Error("one automatic answer a ticket and day")
	}
	if id := NewID('T'); len(id) != 11 || strings.Trim(id[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		t.Errorf("id %q", id)
	}
}
