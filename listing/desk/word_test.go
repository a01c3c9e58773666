package desk_test

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/removal"
)

// feed imports addresses under a source.
func (o *office) feed(t *testing.T, addrs ...netip.Addr) {
	t.Helper()
	var lines iter.Seq2[listing.Entry, error] = func(yield func(listing.Entry, error) bool) {
		for _, a := range addrs {
			if !yield(listing.Entry{Key: listing.Key{Subject: listing.HostSubject(a), Reason: listing.Imported}}, nil) {
				return
			}
		}
	}
	if _, err := o.book.Import(t.Context(), operator("alice"), listing.Import{Source: "partner"}, lines, nil); err != nil {
		t.Fatal(err)
	}
}

// click is what anybody can do on the page of an address.
func (o *office) click(t *testing.T, a netip.Addr, from string, more ...func(*desk.Request)) removal.Reply {
	t.Helper()
	r := desk.Request{By: daemon("web"), Address: a, Client: netip.MustParseAddr(from), Delist: true}
	return o.ask(t, r, more)
}

func fromItself(r *desk.Request) {
	r.Client = r.Address
	r.Offered = delist.Proof{Kind: removal.ProofWeb, Address: r.Address}
}

// A listing that rests on a feed's word takes proof of control; the exception that a
// sender then makes for himself is short, and each source has a cap a day.
func TestFeedsAreNotEmptiedByClicks(t *testing.T) {
	o := newOffice(t)
	o.settings.SourceCap = 2
	addrs := []netip.Addr{sender}
	for range 4 {
		addrs = append(addrs, addrs[len(addrs)-1].Next())
	}
	o.feed(t, addrs...)
	if done := o.click(t, sender, "198.51.100.9"); done.Decision.Code != removal.NoProof || done.Outcome != removal.Stands {
		t.Errorf("a stranger's click: %+v", done.Decision)
	}
	proven := func(r *desk.Request) { fromItself(r); r.Offered.Time = o.now() }
	for n, want := range []removal.Code{removal.OKSelf, removal.OKSelf, removal.OKSupport, removal.OKSupport} {
		done := o.click(t, addrs[n], "192.0.2.250", proven)
		if done.Decision.Code != want || (done.Outcome == removal.Removed) != (want == removal.OKSelf) {
			t.Errorf("removal %d of the day: %+v %q", n+1, done.Decision, done.Outcome)
		}
	}
	all, err := o.SourceRemovals(t.Context())
	if err != nil || len(all) != 1 || all[0] != (removal.SourceRemovals{Source: "partner", Removals: 2, Cap: 2, Open: true}) {
		t.Errorf("the breaker: %+v, %v", all, err)
	}
	err = o.book.Store().View(t.Context(), func(snap listing.Snapshot) error {
		e, err := snap.Get(listing.Key{Subject: listing.HostSubject(sender), Reason: listing.Imported})
		if err == nil && (!e.Except || e.Until.Sub(o.now()) > 7*listing.Day) {
			t.Errorf("the exception lasts until %s", e.Until)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	o.advance(listing.Day)
	if done := o.click(t, addrs[4], "192.0.2.250", proven); done.Outcome != removal.Removed {
		t.Errorf("the next day: %+v", done.Decision)
	}
}

// An operator's entry for a greeting that nobody counted takes proof of control too,
// once it has evidence; without any a person decides.
func TestAnOperatorsWord(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "helo-bare-ip", HELO: "192.0.2.7"})
	if done := o.click(t, sender, "198.51.100.9"); done.Decision.Code != removal.OKSupport || done.Outcome != removal.Stands || !o.listed() {
		t.Errorf("a stranger's click ended it: %+v", done.Decision)
	}
	if ticket := o.ticket(t, o.click(t, sender, "198.51.100.9").Ticket); ticket.State != removal.Open {
		t.Errorf("nobody looks at it: %s", ticket.State)
	}
}

// Requests are counted by who asks; only a crowd makes an address wait, and proof
// is heard always.
func TestRequestsAreCountedByRequester(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	for n := range 4 {
		done := o.click(t, sender, "198.51.100.9")
		if limited := done.Decision.Code == removal.RateLimit; limited != (n == 3) {
			t.Errorf("request %d of one client: %s", n+1, done.Decision.Code)
		}
	}
	if done := o.click(t, sender, "198.51.100.10"); done.Decision.Code != removal.ManualHold {
		t.Errorf("another client: %s", done.Decision.Code)
	}
	for n := range 3 { // the same person from elsewhere
		o.click(t, sender, fmt.Sprintf("203.0.113.%d", n), func(r *desk.Request) { r.From = "Carol@sender.example" })
	}
	if done := o.click(t, sender, "203.0.113.9", func(r *desk.Request) { r.From = "carol@SENDER.example" }); done.Decision.Code != removal.RateLimit {
		t.Errorf("one correspondent, many clients: %s", done.Decision.Code)
	}
	for n := range 30 {
		o.click(t, sender, fmt.Sprintf("203.0.113.%d", 100+n))
	}
	if done := o.click(t, sender, "203.0.113.200"); done.Decision.Code != removal.RateLimit {
		t.Errorf("after a crowd: %s", done.Decision.Code)
	}
	if about, err := o.About(t.Context(), sender); err != nil || o.Judged(about, o.now()).Code != removal.ManualHold {
		t.Errorf("the page says %s, %v", o.Judged(about, o.now()).Code, err)
	}
	if done := o.click(t, sender, "192.0.2.250", fromItself, func(r *desk.Request) { r.Offered.Time = o.now() }); done.Decision.Code != removal.ManualHold {
		t.Errorf("with proof: %s", done.Decision.Code)
	}
	doc := ""
	if err := o.book.Store().View(t.Context(), func(snap listing.Snapshot) error {
		d, err := snap.Document(desk.FileKind, sender.String())
		doc = string(d.Body)
		return err
	}); err != nil || len(doc) == 0 {
		t.Fatal(err)
	}
	for _, personal := range []string{"198.51.100.9", "arol"} {
		if strings.Contains(doc, personal) {
			t.Errorf("the audit names %s", personal)
		}
	}
}

// The same id with other content is a conflict, as for changes of the list.
func TestARequestIDIsOneRequest(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	r := desk.Request{By: operator("alice"), Key: "id:1", Address: sender, From: "a@sender.example"}
	if _, err := o.Request(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if done, err := o.Request(t.Context(), r); err != nil || !done.Repeated {
		t.Errorf("the same again: %+v, %v", done, err)
	}
	r.Address = sender.Next()
	if _, err := o.Request(t.Context(), r); !errors.Is(err, listing.ErrConflict) {
		t.Errorf("about another address: %v", err)
	}
	r.Address, r.From = sender, "b@sender.example"
	if _, err := o.Request(t.Context(), r); !errors.Is(err, listing.ErrConflict) {
		t.Errorf("from somebody else: %v", err)
	}
	// A mail is told by its Message-ID; its Received lines differ each time.
	mail := "From: a@sender.example\nMessage-ID: <1@sender.example>\nDate: x\n\nPlease remove 192.0.2.7.\n"
	for _, hop := range []string{"", "Received: from a by b; " + noon.Format(time.RFC1123Z) + "\n"} {
		if done, err := o.Request(t.Context(), desk.Request{By: operator("alice"), Text: []byte(hop + mail)}); err != nil || done.Repeated != (hop != "") {
			t.Errorf("a mail: %+v, %v", done, err)
		}
	}
}

// A mail that cannot be understood is answered with what is missing, and waits in a
// ticket for the sender.
func TestWhatIsMissingIsAsked(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	mail := func(from, id, body string) removal.Reply {
		t.Helper()
		text := "From: " + from + "\nMessage-ID: <" + id + "@sender.example>\nDate: x\nSubject: blocked\n\n" + body + "\n"
		done, err := o.Request(t.Context(), desk.Request{By: operator("desk"), Text: []byte(text), Delist: true})
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	first := mail("joe@sender.example", "1", "unblock me")
	if first.Human || first.NoAnswer != "" || o.ticket(t, first.Ticket).State != removal.Asked {
		t.Fatalf("%+v", first)
	}
	contains(t, first.Letter, "Your mail names none", first.Ticket, "Reference of this letter: L-")
	if two := mail("joe@sender.example", "2", "please remove 192.0.2.7 or 192.0.2.8"); two.Ticket != first.Ticket || !strings.Contains(two.Letter, "192.0.2.7 and 192.0.2.8") || two.NoAnswer == "" {
		t.Errorf("a second mail: %+v", two)
	}
	quoted := "> " + strings.ReplaceAll(first.Letter, "\n", "\n> ")
	answered := mail("joe@sender.example", "3", "It is 192.0.2.7, please remove it.\n\n"+quoted)
	if answered.Ticket != first.Ticket || answered.Address != sender || answered.Decision.Code != removal.ManualHold {
		t.Errorf("the answer: %+v", answered)
	}
	if ticket := o.ticket(t, first.Ticket); ticket.Address != sender || ticket.State != removal.Denied {
		t.Errorf("the ticket: %+v", ticket)
	}
	if again := mail("joe@sender.example", "4", "unblock me"); again.Ticket == first.Ticket {
		t.Error("a ticket that has its address is asked for it")
	}
	if other := mail("Undisclosed <>", "5", "unblock me"); other.Letter != "" || other.NoAnswer == "" {
		t.Errorf("nobody is written to: %+v", other)
	}
	o.advance(15 * listing.Day)
	if err := o.Tend(t.Context(), "dnsbld"); err != nil {
		t.Fatal(err)
	}
	if all, err := o.Tickets(t.Context(), removal.Query{State: removal.Asked}); err != nil || len(all) != 0 {
		t.Errorf("still waiting: %+v, %v", all, err)
	}
}

// A letter names the entries that still list the address, and never says that it is off
// the list.
func TestLetterOfWhatIsStillListed(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "helo-bare-ip"})
	wide, err := listing.ParseSubject("192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.book.Add(t.Context(), operator("alice"), listing.Add{Subject: wide, Reason: "helo-our-name", Force: true, Note: "all of it"}); err != nil {
		t.Fatal(err)
	}
	done := o.request(t, desk.Request{Delist: true, OwnUp: true})
	if done.Outcome != removal.Withdrawn || !strings.Contains(done.Subject, "still listed") {
		t.Errorf("%q %s", done.Outcome, done.Subject)
	}
	contains(t, done.Letter, "192.0.2.7 is still on our list", "helo-our-name, which covers 192.0.2.0/24")
	if strings.Contains(done.Letter, "its listing on") {
		t.Error(done.Letter)
	}
}

// Evidence given by hand is evidence: the desk can stand by the entry, and control
// of the address has to be shown.
func TestEvidenceByHand(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "helo-bare-ip", HELO: "192.0.2.7", Seen: noon.Add(-time.Hour), Receiver: "mx1", Sessions: 9})
	done := o.click(t, sender, "198.51.100.9")
	if done.Decision.Code != removal.NoProof || done.Outcome != removal.Stands {
		t.Errorf("%+v", done.Decision)
	}
	contains(t, done.Letter, "9 such sessions", "mx1", "2026-11-23 11:00:00 UTC")
	if _, err := o.book.Add(t.Context(), operator("alice"), listing.Add{Subject: listing.HostSubject(sender), Reason: "2", Seen: noon.Add(time.Hour)}); !errors.Is(err, listing.ErrInvalid) {
		t.Errorf("seen in the future: %v", err)
	}
}
