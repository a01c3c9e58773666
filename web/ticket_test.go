package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

var followLink = regexp.MustCompile(`href="(/ticket/[A-Z2-7]{11}-[A-Z2-7]{16})"`)

// link is that to the page of a request, in the result of it.
func (h *house) link(a answer) string {
	h.t.Helper()
	m := followLink.FindStringSubmatch(a.body)
	if m == nil {
		h.t.Fatalf("no link in\n%s", a.body)
	}
	return m[1]
}

// The page after a request says who reads it and by when, and has a link to it.
func TestOpenedTicket(t *testing.T) {
	h := newHouse(t)
	h.stillOffending("192.0.2.7")
	h.get("/192.0.2.7", "").has(t, 200, ">Open a ticket<")
	a := h.ask("192.0.2.7", "", func(f url.Values) { f.Set("note", "it was our printer") })
	a.has(t, 200, "Your request is with our support", "A person of our support reads your request, by <time datetime=\"2026-11-24T12:00:00Z\">", "without a bogus greeting")
	wellFormed(t, a.body)
	link := h.link(a)
	p := h.get(link, "203.0.113.9")
	p.has(t, 200, "With our support", "A person of our support reads it.", "The last bogus greeting from 192.0.2.7", "192.0.2.7</h1>", "<dd>listed</dd>")
	wellFormed(t, p.body)
	for _, no := range []string{"printer", "<script", "198.51.100", "STILL_OFFENDING"} {
		if strings.Contains(p.body, no) {
			t.Errorf("the page of the request says %q:\n%s", no, p.body)
		}
	}
	if p.header.Get("Set-Cookie") != "" || p.header.Get("Referrer-Policy") != "no-referrer" || p.header.Get("X-Robots-Tag") != "noindex" || p.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", p.header)
	}
	h.advance(25 * time.Hour)
	h.get(link, "").has(t, 200, "we are late, and sorry")
}

// The page of a result promises the same time when it is loaded again, none that is
// past, and nothing that is no longer so.
func TestKeptResultIsStillTrue(t *testing.T) {
	h := newHouse(t)
	h.add("192.0.2.7", "helo-our-ip")
	h.ask("192.0.2.7", "")
	result := "/result/" + h.desk.done[0].Kept
	h.advance(time.Hour)
	h.get(result, "").has(t, 200, "Your request is with our support", `by <time datetime="2026-11-24T12:00:00Z">`)
	h.advance(listing.Day)
	late := h.get(result, "")
	late.has(t, 200, "A person of our support reads your request.")
	if strings.Contains(late.body, "as a rule") {
		t.Errorf("it names a time:\n%s", late.body)
	}
	if _, _, err := h.desk.Take(t.Context(), h.desk.done[0].Ticket, removal.Action{By: operator("alice"), Verb: removal.VerbGrant, Because: listing.OurError, Note: "they moved"}); err != nil {
		t.Fatal(err)
	}
	if gone := h.get(result, ""); gone.status != http.StatusSeeOther || !strings.HasPrefix(gone.header.Get("Location"), "/ticket/") {
		t.Errorf("after the listing was ended: %d to %q", gone.status, gone.header.Get("Location"))
	}
}

// The page of a request in each state.
func TestTicketStates(t *testing.T) {
	h := newHouse(t)
	h.add("192.0.2.7", "manual")
	a := h.ask("192.0.2.7", "")
	link, ticket := h.link(a), h.desk.done[0].Ticket
	take := func(s removal.Action) {
		t.Helper()
		if _, _, err := h.desk.Take(context.Background(), ticket, s); err != nil {
			t.Fatal(err)
		}
	}
	take(removal.Action{By: operator("alice"), Verb: removal.VerbAsk, Note: `is it <b>yours</b>?`})
	h.get(link, "").has(t, 200, "It is your turn", "is it &lt;b&gt;yours&lt;/b&gt;?", "leave "+ticket+" in the subject")
	take(removal.Action{By: operator("alice"), Verb: removal.VerbDeny, Code: removal.ManualHold, Note: "internal"})
	p := h.get(link, "")
	p.has(t, 200, "The listing stands for now", "Only the operator can end that")
	take(removal.Action{By: operator("alice"), Verb: removal.VerbAppeal})
	h.get(link, "").has(t, 200, "A person who did not decide it before reads it")
	take(removal.Action{By: operator("bob"), Verb: removal.VerbGrant, Override: true, Note: "they moved"})
	h.get(link, "").has(t, 200, "The listing was ended", "<dd>not listed</dd>")
	h.advance(removal.Watch + time.Hour)
	take(removal.Action{By: operator("bob"), Verb: removal.VerbClose})
	p = h.get(link, "")
	p.has(t, 200, "This request is closed")
	wellFormed(t, p.body)
	for _, wrong := range []string{"/ticket/", "/ticket/" + ticket, "/ticket/" + ticket + "-", link + "A", link[:len(link)-1], "/ticket/x/y"} {
		if got := h.get(wrong, ""); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", wrong, got.status)
		}
	}
	h.get(link[:len(link)-1], "").has(t, http.StatusNotFound, "There is no request with this link", "Copy the whole link", "There is no such page")
}

// The page after a request says whether a mail goes to the address that was left.
func TestResultSaysOfMail(t *testing.T) {
	h := newHouse(t)
	h.add("192.0.2.7", "manual")
	h.ask("192.0.2.7", "", func(f url.Values) { f.Set("mail", "joe@sender.example") }).has(t, 200, "No mail goes to the address that you gave: no mail is sent from here. Our support can see the address.")
	if r := h.desk.asked[0]; !r.Mail || !r.Person {
		t.Errorf("%+v", r)
	}
	if a := h.ask("192.0.2.7", ""); strings.Contains(a.body, "mail goes") {
		t.Errorf("nobody left an address:\n%s", a.body)
	}
}

// A listing that ends within hours needs nobody.
func TestNoFormForWhatEndsSoon(t *testing.T) {
	h := newHouse(t)
	h.add("192.0.2.7", "helo-bare-ip", func(a *listing.Add) { a.For = listing.Life(3 * time.Hour) })
	h.evident("192.0.2.7", "helo-bare-ip", "192.0.2.7")
	p := h.get("/192.0.2.7", "")
	p.has(t, 200, "EXPIRES_SOON")
	if strings.Contains(p.body, "<form class=\"request\"") {
		t.Error("it has a form, and nobody would look at it in time")
	}
}
