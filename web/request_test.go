package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

func TestRequestRemoves(t *testing.T) {
	h := newHouse(t)
	h.busySender()
	a := h.ask("192.0.2.7", "198.51.100.9", func(f url.Values) { f.Set("mail", "postmaster@sender.example"); f.Set("note", "the name is set") })
	a.has(t, 200, "The listing is removed", "Your ticket", "OK_SELF", "2026-11-23 12:05:01 UTC", "7 days")
	wellFormed(t, a.body)
	if r := h.desk.asked[0]; r.From != "postmaster@sender.example" || r.Note != "the name is set" || r.Offered.Kind != "" {
		t.Errorf("%+v", r)
	}
	h.get("/192.0.2.7", "").has(t, 200, "Not listed")
	h.post("/192.0.2.7", "", "").has(t, 200, "Nothing to remove")
}

// A removal that the served view does not have yet is not shown as done.
func TestRemovalShowsOnlyWhenServed(t *testing.T) {
	h := newHouse(t)
	h.busySender()
	h.desk.slow = true
	h.ask("192.0.2.7", "").has(t, 200, "is being removed")
}

// A range is not the sender's alone: he may ask, and a person decides.
func TestRequestForARange(t *testing.T) {
	h := newHouse(t)
	h.add("192.0.2.0/24", "helo-forged-literal")
	h.evident("192.0.2.7", "helo-forged-literal", "[198.51.100.1]")
	h.ask("192.0.2.7", "192.0.2.7").has(t, 200, "with our support", "OK_SUPPORT")
	h.get("/192.0.2.8", "").has(t, 200, ">Listed<")
}

// Without evidence nothing is upheld, and nobody is delisted by a stranger's click:
// a person decides.
func TestRequestWithoutEvidence(t *testing.T) {
	h := newHouse(t)
	h.add("192.0.2.7", "helo-our-ip")
	h.ask("192.0.2.7", "").has(t, 200, "with our support", "OK_SUPPORT")
	h.get("/192.0.2.7", "").has(t, 200, ">Listed<")
}

func TestProofs(t *testing.T) {
	for name, c := range map[string]struct {
		from  string
		texts func(token string) []string
		want  removal.ProofKind
		says  string
	}{
		"none":                      {"198.51.100.9", nil, "", "The listing stands for now"},
		"from the address":          {"192.0.2.7", nil, removal.ProofWeb, "The listing is removed"},
		"from the address, mapped":  {"::ffff:192.0.2.7", nil, removal.ProofWeb, "The listing is removed"},
		"from the address, hearsay": {"192.0.2.7, 198.51.100.9", nil, "", "The listing stands for now"},
		"from 6to4":                 {"2002:c000:207::1", nil, "", "The listing stands for now"},
		"text":                      {"198.51.100.9", func(token string) []string { return []string{"v=spf1 -all", " helo+" + strings.ToUpper(token) + " "} }, removal.ProofTXT, "The listing is removed"},
		"bare text":                 {"198.51.100.9", func(token string) []string { return []string{token} }, removal.ProofTXT, "The listing is removed"},
		"forged text": {"198.51.100.9", func(token string) []string {
			return []string{"helo+" + token[:20] + "aaaaaaaaaaaaaaaaaaa", "helo+", ""}
		}, "", "The listing stands for now"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.withoutProof("192.0.2.7")
			if c.texts != nil {
				token := h.token("192.0.2.7")
				h.desk.txt = c.texts(token)
			}
			h.ask("192.0.2.7", c.from).has(t, 200, c.says)
			if got := h.desk.done[0].Proof; got != c.want {
				t.Errorf("offered %q, want %q", got, c.want)
			}
		})
	}
}

// One IPv6 customer has a /64: where that is what is listed, any address of it
// speaks for it.
func TestProofFromTheSame64(t *testing.T) {
	for prefix, want := range map[string]removal.ProofKind{"2001:db8::/64": removal.ProofWeb, "2001:db8::7": "", "2001:db8::/56": ""} {
		h := newHouse(t)
		h.add(prefix, "helo-forged-literal")
		h.ask("2001:db8::7", "2001:db8::99")
		if got := h.desk.asked[0].Offered.Kind; got != want {
			t.Errorf("%s: offered %q, want %q", prefix, got, want)
		}
	}
}

// A token is for an address, a listing and a time.
func TestTokens(t *testing.T) {
	h := newHouse(t)
	h.busySender()
	h.add("192.0.2.8", "helo-bare-ip")
	old, foreign := h.token("192.0.2.7"), h.token("192.0.2.8")
	for token, code := range map[string]string{
		"": "not made by our page", "forged": "not made by our page", foreign: "not made by our page", strings.Repeat("a", 39): "not made by our page",
		old[:38] + "!": "not made by our page", "<script>": "not made by our page", "\xff\xfe": "not made by our page",
	} {
		h.post("/192.0.2.7", "", url.Values{"token": {token}}.Encode()).has(t, http.StatusForbidden, code)
	}
	h.post("/192.0.2.7?token="+old, "", "").has(t, http.StatusForbidden) // the query is not the form
	if len(h.desk.asked) != 0 {
		t.Fatalf("%d requests were counted", len(h.desk.asked))
	}
	form := url.Values{"token": {old}}.Encode()
	first := h.post("/192.0.2.7", "", form)
	first.has(t, 200, "The listing is removed")
	h.advance(time.Second)
	h.add("192.0.2.7", "helo-bare-ip")
	h.post("/192.0.2.7", "", form).has(t, http.StatusForbidden, "earlier state of the listing")
	fresh := h.token("192.0.2.7")
	h.advance(14 * listing.Day)
	h.add("192.0.2.7", "helo-bare-ip")
	h.post("/192.0.2.7", "", url.Values{"token": {fresh}}.Encode()).has(t, http.StatusForbidden, "earlier state of the listing")
}

// The same form sent twice is one request.
func TestDoubleClick(t *testing.T) {
	h := newHouse(t)
	h.stillOffending("192.0.2.7")
	form := url.Values{"token": {h.token("192.0.2.7")}, "note": {"x"}}.Encode()
	for range 5 {
		h.post("/192.0.2.7", "", form).has(t, 200, "stands for now", "STILL_OFFENDING")
	}
	if about, err := h.desk.About(t.Context(), netip.MustParseAddr("192.0.2.7")); err != nil || len(about.Facts.Crowd) != 1 {
		t.Errorf("%d requests were counted, %v", len(about.Facts.Crowd), err)
	}
}

// The same form sent again once there is proof, or the wait is over, is judged
// anew: senders go back in their browser.
func TestTheSameFormLater(t *testing.T) {
	for name, c := range map[string]struct {
		make    func(*house, string)
		refused string
		mend    func(h *house, token string)
	}{
		"a proof has come": {(*house).withoutProof, "NO_PROOF", func(h *house, token string) { h.desk.txt = []string{"helo+" + token} }},
		"the wait is over": {(*house).stillOffending, "STILL_OFFENDING", func(h *house, _ string) { h.advance(6 * time.Hour) }},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			c.make(h, "192.0.2.7")
			token := h.token("192.0.2.7")
			form := url.Values{"token": {token}}.Encode()
			for range 2 {
				h.post("/192.0.2.7", "", form).has(t, 200, "stands for now", c.refused)
			}
			c.mend(h, token)
			h.post("/192.0.2.7", "", form).has(t, 200, "The listing is removed")
			if about, err := h.desk.About(t.Context(), netip.MustParseAddr("192.0.2.7")); err != nil || len(about.Facts.Crowd) > 2 {
				t.Errorf("%d requests were counted, %v", len(about.Facts.Crowd), err)
			}
		})
	}
}

// Requests are counted by who asks. The page of the address says what is decided for
// everybody else, and proof is always heard.
func TestRequestsAreLimitedByRequester(t *testing.T) {
	h := newHouse(t)
	h.stillOffending("192.0.2.7")
	token := h.token("192.0.2.7")
	var a answer
	for _, note := range []string{"a", "b", "c", "d"} {
		a = h.post("/192.0.2.7", "", url.Values{"token": {token}, "note": {note}}.Encode())
	}
	a.has(t, http.StatusTooManyRequests, "RATE_LIMIT")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	a.has(t, http.StatusTooManyRequests, "If you show that the address is yours, you are heard at once", "@probe.bl.example")
	h.get("/192.0.2.7", "").has(t, 200, "STILL_OFFENDING")
	h.post("/192.0.2.7", "198.51.100.77", url.Values{"token": {token}, "note": {"another"}}.Encode()).has(t, 200, "STILL_OFFENDING")
	h.post("/192.0.2.7", "192.0.2.7", url.Values{"token": {token}, "note": {"mine"}}.Encode()).has(t, 200, "STILL_OFFENDING")
}

// Browsers say where a form stands; one on another site changes nothing.
func TestCrossOrigin(t *testing.T) {
	h := newHouse(t)
	h.busySender()
	form := url.Values{"token": {h.token("192.0.2.7")}}.Encode()
	for _, header := range [][2]string{{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
		h.post("/192.0.2.7", "", form, func(r *http.Request) { r.Header.Set(header[0], header[1]) }).has(t, http.StatusForbidden, "another site")
	}
	h.post("/192.0.2.7", "", form, func(r *http.Request) { r.Header.Set("Origin", "https://bl.example") }).has(t, 200, "removed")
}

func TestHostileForms(t *testing.T) {
	h := newHouse(t)
	h.busySender()
	token := h.token("192.0.2.7")
	for name, c := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"huge":           {"token=" + token + "&note=" + strings.Repeat("x", 1<<20), http.StatusRequestEntityTooLarge, "more than we read"},
		"bad escapes":    {"token=%zz", http.StatusBadRequest, "cannot be read"},
		"header in mail": {url.Values{"token": {token}, "mail": {"a@b.example\r\nBcc: c@d.example"}}.Encode(), http.StatusUnprocessableEntity, "not a mail address"},
		"two mails":      {url.Values{"token": {token}, "mail": {"a@b.example, c@d.example"}}.Encode(), http.StatusUnprocessableEntity, "not a mail address"},
		"named mail":     {url.Values{"token": {token}, "mail": {"X <a@b.example>"}}.Encode(), http.StatusUnprocessableEntity, "not a mail address"},
		"long mail":      {url.Values{"token": {token}, "mail": {strings.Repeat("a", 300) + "@b.example"}}.Encode(), http.StatusUnprocessableEntity, "not a mail address"},
		"html in mail":   {url.Values{"token": {token}, "mail": {`"><script>`}}.Encode(), http.StatusUnprocessableEntity, "&lt;script&gt;"},
	} {
		t.Run(name, func(t *testing.T) {
			a := h.post("/192.0.2.7", "", c.body)
			a.has(t, c.status, c.says)
			if strings.Contains(a.body, "<script") {
				t.Error(a.body)
			}
		})
	}
	if len(h.desk.asked) != 0 {
		t.Errorf("%d requests were counted", len(h.desk.asked))
	}
	h.post("/192.0.2.7", "", url.Values{"token": {token}, "note": {"a\xff\x00\x1b[31m\r\nb\u0085c" + strings.Repeat("ü", 3000)}}.Encode()).has(t, 200)
	if note := h.desk.asked[0].Note; !strings.HasPrefix(note, "a�[31m\nbcü") || len([]rune(note)) != maxNote {
		t.Errorf("%q", note[:40])
	}
	h.post("/192.0.2.0/24", "", "").has(t, http.StatusBadRequest)
	h.post("/nonsense", "", "").has(t, http.StatusNotFound)
	h.post("/", "", "").has(t, http.StatusNotFound)
}
