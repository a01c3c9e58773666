package desk_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/helo"
	"dnsbld/listing/removal"
)

// unproven is an office where the sender delisted himself once, and is back.
func unproven(t *testing.T) *office {
	t.Helper()
	o := newOffice(t)
	for n := range 2 {
		o.see(t, o.now().Add(-3*time.Hour), 12, "192.0.2.25", helo.CodeOurIP, helo.Strong)
		o.add(t, listing.Add{Reason: "helo-our-ip"})
		if n == 0 {
			o.request(t, desk.Request{Delist: true})
			o.advance(listing.Day)
		}
	}
	o.advance(7 * time.Hour)
	return o
}

func (o *office) ways(t *testing.T) *removal.Ways {
	t.Helper()
	w, err := o.Ways(t.Context(), sender)
	if err != nil || w == nil {
		t.Fatalf("ways: %v, %v", w, err)
	}
	return w
}

func TestProofInDNS(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(o *office, text string)
		from string
		want removal.Code
		kind removal.ProofKind
	}{
		"the token at the confirmed name": {func(o *office, text string) {
			o.dns.texts["mail.sender.example"] = []string{"v=spf1 -all", " " + strings.ToUpper(text)}
		}, "", removal.OKSelf, removal.ProofTXT},
		"at a name that does not lead back": {func(o *office, text string) {
			o.dns.confirmed, o.dns.texts["mail.sender.example"] = false, []string{text}
		}, "", removal.NoProof, ""},
		"at another name": {func(o *office, text string) { o.dns.texts["sender.example"] = []string{text} }, "", removal.NoProof, ""},
		"a forged one": {func(o *office, text string) {
			o.dns.texts["mail.sender.example"] = []string{text[:20] + "aaaa" + text[24:]}
		}, "", removal.NoProof, ""},
		"no name at all":                {func(o *office, _ string) { o.dns.names = nil }, "", removal.NoProof, ""},
		"a mail from the name's domain": {func(*office, string) {}, "postmaster@sender.example", removal.OKSelf, removal.ProofName},
		"a mail from the name itself":   {func(*office, string) {}, "root@mail.sender.example", removal.OKSelf, removal.ProofName},
		"a mail from another domain":    {func(*office, string) {}, "joe@nder.example", removal.NoProof, ""},
		"a mail from a whole registry":  {func(*office, string) {}, "joe@example", removal.NoProof, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := unproven(t)
			o.dns = records{names: []string{"mail.sender.example"}, confirmed: true, texts: map[string][]string{}}
			c.set(o, o.ways(t).Text)
			done := o.request(t, desk.Request{From: c.from})
			if done.Decision.Code != c.want || done.Proof != c.kind {
				t.Errorf("%s with proof %q, want %s with %q", done.Decision.Code, done.Proof, c.want, c.kind)
			}
		})
	}
}

// A page that somebody looks at asks nobody.
func TestDNSIsAskedOnRequestOnly(t *testing.T) {
	o := unproven(t)
	if _, err := o.About(t.Context(), sender); err != nil || o.dns.asked != 0 {
		t.Errorf("asked %d times, %v", o.dns.asked, err)
	}
	o.request(t, desk.Request{})
	if o.dns.asked != 1 {
		t.Errorf("a request asked %d times", o.dns.asked)
	}
	if done := o.request(t, desk.Request{Offered: delist.Proof{Kind: removal.ProofWeb, Address: sender, Time: o.now()}}); !done.Decision.Code.OK() || o.dns.asked != 1 {
		t.Errorf("with proof: %s, asked %d times", done.Decision.Code, o.dns.asked)
	}
}

// Strangers cannot use up the requests of who has the address.
func TestStrangersDoNotLockOutTheSender(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "helo-bare-ip", HELO: "192.0.2.7"})
	o.see(t, noon.Add(-3*time.Hour), 12, "192.0.2.7", helo.CodeBareIP, helo.Medium)
	for n := range 5 {
		done := o.request(t, desk.Request{Key: fmt.Sprint(n)})
		if limited := done.Decision.Code == removal.RateLimit; limited != (n >= 3) {
			t.Errorf("a stranger's request %d: %s", n+1, done.Decision.Code)
		}
	}
	own := delist.Proof{Kind: removal.ProofWeb, Address: sender, Time: o.now()}
	foreign := delist.Proof{Kind: removal.ProofWeb, Address: sender.Next(), Time: o.now()}
	if done := o.request(t, desk.Request{Key: "x", Offered: foreign}); done.Decision.Code != removal.RateLimit {
		t.Errorf("with proof for another address: %s", done.Decision.Code)
	}
	if done := o.request(t, desk.Request{Key: "y", Offered: own, Delist: true}); done.Outcome != removal.Removed || o.listed() {
		t.Errorf("who has the address: %s", done.Decision.Code)
	}
}

// Reverse DNS that is fixed ends the listing at once, on request.
func TestMendedReverseDNS(t *testing.T) {
	for reason, mend := range map[string]func(*records){
		"rdns-missing":     func(r *records) { r.names = []string{"mail.sender.example"} },
		"rdns-unconfirmed": func(r *records) { r.names, r.confirmed = []string{"mail.sender.example"}, true },
	} {
		t.Run(reason, func(t *testing.T) {
			o := newOffice(t)
			o.zone(desk.Zone{Name: "strict.bl.test", TTL: time.Minute, Reasons: []listing.Reason{12, 13}})
			code := map[string]listing.Reason{"rdns-missing": 12, "rdns-unconfirmed": 13}[reason]
			seen := &listing.Evidence{Samples: []listing.Sample{{Time: noon.Add(-time.Hour), Receiver: "mx1", Verdict: reason, DNS: "PTR nxdomain"}}}
			list := listing.Edit{Op: listing.OpList, Key: listing.Key{Subject: listing.HostSubject(sender), Reason: code}, Origin: listing.ByThreshold,
				Life: listing.Lifetime{Base: listing.Life(3 * listing.Day), Longest: listing.Life(3 * listing.Day), Repeat: 1}, Evidence: seen}
			if _, err := o.book.Do(t.Context(), daemon("sensor"), "", []listing.Edit{list}); err != nil {
				t.Fatal(err)
			}
			if reason == "rdns-unconfirmed" {
				o.dns.names = []string{"mail.sender.example"}
			}
			if d, err := o.Eligibility(t.Context(), operator("alice"), sender); err != nil || d.Code != removal.NoProof || !strings.Contains(d.Sentence, "looked just now") {
				t.Errorf("before: %+v, %v", d, err)
			}
			done := o.request(t, desk.Request{Delist: true})
			if done.Decision.Code != removal.NoProof || !o.listed() {
				t.Errorf("a request too early: %+v", done.Decision)
			}
			mend(&o.dns)
			if done = o.request(t, desk.Request{Delist: true}); done.Outcome != removal.Removed || o.listed() {
				t.Errorf("mended: %+v, %s", done.Decision, done.Outcome)
			}
		})
	}
}

// The ticket shows the way to prove it, what came of it, and moves on by itself.
func TestTicketFollowsTheProbe(t *testing.T) {
	o := unproven(t)
	opened, _, err := o.Open(t.Context(), operator("alice"), sender, "rt:1", "they called")
	if err != nil {
		t.Fatal(err)
	}
	done := o.request(t, desk.Request{})
	if ticket := o.ticket(t, done.Ticket); ticket.State != removal.Asked || opened.ID != done.Ticket {
		t.Fatalf("the ticket %s is %s, %s was opened", ticket.ID, ticket.State, opened.ID)
	}
	w := o.ways(t)
	if w.Known != removal.NoProof || w.Came != nil || !strings.HasPrefix(w.Probe, "helo+") || w.Until.Sub(o.now()) != 14*listing.Day {
		t.Errorf("%+v", w)
	}
	mail := func(at time.Time, code helo.Code, strength helo.Strength) {
		t.Helper()
		p := desk.Probe{Time: at, Client: sender, Recipient: "<" + w.Probe + ">", Verdict: helo.Verdict{Code: code, Strength: strength, Name: "mail.sender.example"}}
		if _, err := o.Probe(t.Context(), "sensor", p); err != nil {
			t.Fatal(err)
		}
	}
	mail(o.now().Add(time.Hour), helo.CodeOK, helo.StrengthOK)
	mail(o.now(), helo.CodeOK, helo.Exempt)
	if came := o.ways(t).Came; came != nil {
		t.Errorf("a mail from the future, or a user's: %+v", came)
	}
	mail(o.now(), helo.CodeBareIP, helo.Medium)
	if came := o.ways(t).Came; came == nil || came.Proof || came.Code != helo.CodeBareIP || o.ticket(t, done.Ticket).State != removal.Asked {
		t.Errorf("a bogus one: %+v", came)
	}
	o.advance(time.Second)
	mail(o.now(), helo.CodeIPMismatch, helo.Note)
	if came := o.ways(t).Came; !came.Proof || came.Clean {
		t.Errorf("one that is not clean: %+v", came)
	}
	o.advance(time.Second)
	mail(o.now(), helo.CodeOK, helo.StrengthOK)
	if w := o.ways(t); !w.Came.Proof || !w.Came.Clean || w.Known != removal.OKSelf || w.Came.HELO != "mail.sender.example" {
		t.Errorf("a clean one: %+v", w)
	}
	if ticket := o.ticket(t, done.Ticket); ticket.State != removal.Asked {
		t.Errorf("the ticket is %s", ticket.State)
	}
	before := o.revision()
	for range 20 {
		mail(o.now(), helo.CodeOK, helo.StrengthOK)
		o.advance(time.Second)
	}
	if o.revision() != before {
		t.Error("a flood of probes is written down one by one")
	}
	if got := o.request(t, desk.Request{Delist: true}); got.Outcome != removal.Removed {
		t.Errorf("%+v", got.Decision)
	}
	if w, err := o.Ways(t.Context(), sender); w != nil || err != nil {
		t.Errorf("not listed any more: %+v, %v", w, err)
	}
}

// A token is good for its address, its listing and its time.
func TestTokensThatAreNoProof(t *testing.T) {
	o := unproven(t)
	first := o.ways(t).Probe
	o.request(t, desk.Request{Offered: delist.Proof{Kind: removal.ProofWeb, Address: sender, Time: o.now()}, Delist: true})
	o.advance(time.Hour)
	o.see(t, o.now().Add(-30*time.Minute), 12, "192.0.2.25", helo.CodeOurIP, helo.Strong)
	o.add(t, listing.Add{Reason: "helo-our-ip"})
	fresh := o.ways(t).Probe
	clean := helo.Verdict{Code: helo.CodeOK, Strength: helo.StrengthOK}
	for name, p := range map[string]desk.Probe{
		"of an earlier listing": {Recipient: first, Client: sender, Verdict: clean},
		"of another address":    {Recipient: fresh, Client: sender.Next(), Verdict: clean},
		"forged":                {Recipient: "helo+" + strings.Repeat("a", 39) + "@probe.bl.example", Client: sender, Verdict: clean},
		"at another domain":     {Recipient: strings.Replace(fresh, "probe.", "", 1), Client: sender, Verdict: clean},
	} {
		p.Time = o.now()
		if proof, _ := o.Probe(t.Context(), "sensor", p); proof {
			t.Errorf("a token %s is proof", name)
		}
	}
	o.advance(15 * listing.Day)
	if proof, err := o.Probe(t.Context(), "sensor", desk.Probe{Time: o.now(), Recipient: fresh, Client: sender, Verdict: clean}); proof || err == nil {
		t.Errorf("an old token is proof: %v", err)
	}
}

// Tickets that time alone settles are closed.
func TestTendClosesWhatIsOver(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual", For: listing.Life(listing.Day)})
	denied := o.request(t, desk.Request{}).Ticket
	tend := func() removal.State {
		t.Helper()
		if err := o.Tend(t.Context(), "dnsbld"); err != nil {
			t.Fatal(err)
		}
		return o.ticket(t, denied).State
	}
	if _, _, err := o.Take(t.Context(), denied, removal.Action{By: operator("alice"), Verb: removal.VerbAsk, Note: "x"}); err == nil {
		t.Error("a denied ticket waits for the sender")
	}
	if state := tend(); state != removal.Denied {
		t.Errorf("while listed: %s", state)
	}
	o.advance(2 * listing.Day)
	if state := tend(); state != removal.Closed {
		t.Errorf("after its listing has ended: %s", state)
	}
	other := netip.MustParseAddr("192.0.2.77")
	asked, _, err := o.Open(t.Context(), operator("alice"), other, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if asked, _, err = o.Take(t.Context(), asked.ID, removal.Action{By: operator("alice"), Verb: removal.VerbAsk, Note: "which program?"}); err != nil || asked.State != removal.Asked {
		t.Errorf("asked: %s, %v", asked.State, err)
	}
	if asked, _, err = o.Take(t.Context(), asked.ID, removal.Action{By: operator("alice"), Verb: removal.VerbClose}); err != nil || asked.State != removal.Closed {
		t.Errorf("closed: %s, %v", asked.State, err)
	}
}

// A ticket that a person has opened moves on too.
func TestProbeMovesANewTicket(t *testing.T) {
	o := unproven(t)
	opened, _, err := o.Open(t.Context(), operator("alice"), sender, "", "they called")
	if err != nil {
		t.Fatal(err)
	}
	p := desk.Probe{Time: o.now(), Client: sender, Recipient: o.ways(t).Probe, Verdict: helo.Verdict{Code: helo.CodeOK, Strength: helo.StrengthOK}}
	if proof, err := o.Probe(t.Context(), "sensor", p); !proof || err != nil {
		t.Fatalf("%t, %v", proof, err)
	}
	if ticket := o.ticket(t, opened.ID); ticket.State != removal.Asked {
		t.Errorf("the ticket is %s", ticket.State)
	}
}
