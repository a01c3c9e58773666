package web

import (
	"net/netip"
	"strings"
	"testing"

	"dnsbld/listing"
)

// feed imports addresses as the list "partner", with its page.
func (h *house) feed(addresses ...string) {
	h.t.Helper()
	lines := func(yield func(listing.Entry, error) bool) {
		for _, a := range addresses {
			e := listing.Entry{Key: listing.Key{Subject: listing.HostSubject(netip.MustParseAddr(a)), Reason: listing.Imported, Source: "partner"}}
			if !yield(e, nil) {
				return
			}
		}
	}
	page, contact := "https://list.example/", "removals@list.example"
	_, err := h.book.Import(h.t.Context(), operator("alice"), listing.Import{Source: "partner"}, lines, nil)
	if err == nil {
		_, err = h.book.SetSource(h.t.Context(), operator("alice"), listing.SetSource{Name: "partner", URL: &page, Contact: &contact})
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// An imported entry names its list and where to ask there, and no cause of ours;
// afterwards the page says who had it taken out.
func TestImported(t *testing.T) {
	h := newHouse(t)
	h.feed("192.0.2.7")
	a := h.get("/192.0.2.7", "192.0.2.7")
	a.has(t, 200, "on the list “partner”", "we know no cause of our own", `href="https://list.example/"`, "removals@list.example")
	for _, never := range []string{"listed again, and longer", "/fix", "What it most likely means"} {
		if strings.Contains(a.body, never) {
			t.Errorf("says %q:\n%s", never, a.body)
		}
	}
	wellFormed(t, a.body)
	golden(t, "imported.html", varying.ReplaceAllString(a.body, "/static/0/"))
	done := h.ask("192.0.2.7", "192.0.2.7")
	done.has(t, 200, "The listing is removed", "You had it taken out", "We watch the address for 7 days.</li>")
	if strings.Contains(done.body, "listed again") {
		t.Errorf("it threatens, and knows no cause:\n%s", done.body)
	}
	a = h.get("/192.0.2.7", "")
	a.has(t, 200, "Not listed", "You had it taken out: the list “partner”", `href="https://list.example/"`)
	wellFormed(t, a.body)
}

// Every page is small, and in the visitor's language.
func TestPagesInLanguages(t *testing.T) {
	const most = 15_000
	for _, c := range situations {
		h := newHouse(t)
		c.make(h)
		for accept, want := range map[string]string{"": "en", "de-AT,de;q=0.9,en;q=0.1": "de", "fr,es-MX;q=0.8,en;q=0.5": "es", "fr": "en", "xx;q=b,,": "en", "de;q=0": "en"} {
			r := h.request("GET", c.path, c.from)
			r.Header.Set("Accept-Language", accept)
			a := h.do(r)
			if !strings.Contains(a.body, `<html lang="`+want+`">`) || a.header.Get("Content-Language") != want || a.header.Get("Vary") != "Accept-Language" {
				t.Errorf("%s for %q is not in %s: %v", c.name, accept, want, a.header)
			}
			if strings.Contains(a.body, "%!") {
				t.Errorf("%s in %s:\n%s", c.name, want, a.body)
			}
			if len(a.body) > most {
				t.Errorf("%s in %s has %d octets", c.name, want, len(a.body))
			}
			for _, english := range []string{" the ", " is ", "Listed", ": listed", ": not listed"} {
				if at := strings.Index(a.body, english); at > 0 && want != "en" {
					t.Errorf("%s in %s says %q: %s", c.name, want, english, a.body[max(0, at-60):min(len(a.body), at+60)])
				}
			}
		}
	}
}

// Programs read English.
func TestProgramsReadEnglish(t *testing.T) {
	h := newHouse(t)
	h.busySender()
	r := h.request("GET", "/api/v1/ip/192.0.2.7", "")
	r.Header.Set("Accept-Language", "de")
	h.do(r).has(t, 200, "You can end the listing of 192.0.2.7 now")
}

// The result of a request is a page of its own: to load it again sends nothing.
func TestResultSurvivesReload(t *testing.T) {
	h := newHouse(t)
	h.busySender()
	form := "token=" + h.token("192.0.2.7")
	r := h.request("POST", "/192.0.2.7", "")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Body = body(form)
	a := h.do(r)
	to := a.header.Get("Location")
	if a.status != 303 || !strings.HasPrefix(to, "/result/") || len(to) < 40 {
		t.Fatalf("%d to %q", a.status, to)
	}
	for range 2 {
		kept := h.get(to, "")
		kept.has(t, 200, "The listing is removed")
		if kept.header.Get("Referrer-Policy") != "no-referrer" || kept.header.Get("X-Robots-Tag") != "noindex" {
			t.Errorf("a secret page leads on: %v", kept.header)
		}
	}
	h.get(to, "").has(t, 200, "All will have dropped it by")
	h.advance(listing.Day)
	if a := h.get(to, ""); a.status != 200 || strings.Contains(a.body, "dropped it by") {
		t.Errorf("it names a time that is past: %d\n%s", a.status, a.body)
	}
	if len(h.desk.asked) != 1 {
		t.Errorf("%d requests", len(h.desk.asked))
	}
	h.get(to+"x", "").has(t, 404, "no such result")
	h.get("/result/", "").has(t, 404)
	h.get("/fix", "").has(t, 200, "postconf", "Exchange")
}
