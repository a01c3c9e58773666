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
	for _, f := range more {
		f(&r)
	}
	done, err := o.Request(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func fromItself(r *desk.Request) {
	r.Client = r.Address
	r.Offered = delist.Proof{Kind: removal.ProofWeb, Address: r.Address}
}

// What rests on a feed's word takes proof of control; what a sender then does for
// himself is short, and for each source there is a cap a day.
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
