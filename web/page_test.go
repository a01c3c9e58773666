package web

import (
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

var update = flag.Bool("update", false, "write the golden pages anew")

// golden holds an answer that is the same every time.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s (write it anew with -update):\n%s", path, got)
	}
}

// varying is the part of a page that changes with the style sheet.
var varying = regexp.MustCompile(`/static/[0-9a-f]{16}/`)

// situations are the pages that matter, each made by what brings it about.
var situations = []struct {
	name, path, from string
	make             func(h *house)
}{
	{"home", "/", "198.51.100.9", func(*house) {}},
	{"criteria", "/criteria", "", func(*house) {}},
	{"clear", "/192.0.2.9", "", func(*house) {}},
	{"private", "/10.1.2.3", "", func(*house) {}},
	{"was-listed", "/192.0.2.9", "", func(h *house) {
		h.add("192.0.2.9", "helo-bare-ip")
		h.advance(listing.Day)
		if _, err := h.book.Delist(h.t.Context(), operator("thresholds"), listing.Delist{Subject: listing.HostSubject(netip.MustParseAddr("192.0.2.9")), Because: listing.AutoHeal}); err != nil {
			h.t.Fatal(err)
		}
	}},
	{"listed", "/192.0.2.7", "", (*house).busySender},
	{"listed-from-there", "/192.0.2.7", "192.0.2.7", (*house).busySender},
	{"no-proof", "/192.0.2.7", "", func(h *house) { h.withoutProof("192.0.2.7") }},
	{"still-offending", "/192.0.2.7", "", func(h *house) { h.stillOffending("192.0.2.7") }},
	{"manual", "/192.0.2.7", "", func(h *house) {
		h.add("192.0.2.7", "manual", func(a *listing.Add) { a.PublicNote = "sells <lists> of addresses" })
	}},
	{"range", "/2001:db8::7", "", func(h *house) { h.add("2001:db8::/64", "helo-bare-ip"); h.add("2001:db8::7", "helo-our-name") }},
	{"mixed-traffic", "/192.0.2.7", "", func(h *house) { h.mixedTraffic("192.0.2.7") }},
	{"network", "/192.0.2.7", "", (*house).network},
	{"lockout", "/192.0.2.7", "", func(h *house) {
		h.relist("192.0.2.7", "helo-rcpt-domain", 3, listing.OperatorChoice)
		h.evident("192.0.2.7", "helo-rcpt-domain", "rcpt.example")
	}},
	{"expires-soon", "/192.0.2.7", "", func(h *house) {
		h.add("192.0.2.7", "helo-bare-ip", func(a *listing.Add) { a.For = listing.Life(5 * time.Hour) })
		h.evident("192.0.2.7", "helo-bare-ip", "192.0.2.7")
	}},
	{"support", "/192.0.2.7", "", func(h *house) {
		h.relist("192.0.2.7", "helo-bare-ip", 2, listing.OperatorChoice)
		h.evident("192.0.2.7", "helo-bare-ip", "192.0.2.7")
	}},
	{"excepted", "/192.0.2.7", "", func(h *house) {
		h.add("192.0.2.0/24", "helo-bare-ip")
		h.add("192.0.2.7", "helo-bare-ip", func(a *listing.Add) { a.Except = true })
	}},
	{"allowed", "/192.0.2.7", "", func(h *house) {
		h.add("192.0.2.7", "helo-bare-ip")
		permit := listing.Permit{Subject: listing.HostSubject(netip.MustParseAddr("192.0.2.7")), Owner: "carol@example.test", Note: "a customer", Until: noon.Add(30 * listing.Day)}
		if _, err := h.book.Permit(h.t.Context(), operator("alice"), permit); err != nil {
			h.t.Fatal(err)
		}
	}},
	{"expired", "/192.0.2.7", "", func(h *house) { h.add("192.0.2.7", "helo-bare-ip"); h.advance(4 * listing.Day); h.sweep() }},
	{"not-an-address", "/192.0.2.300", "", func(*house) {}},
	{"prefix", "/192.0.2.0/24", "", func(*house) {}},
}

func TestPages(t *testing.T) {
	for _, c := range situations {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			c.make(h)
			a := h.get(c.path, c.from)
			a.has(t, 200+200*b2i(c.name == "not-an-address"))
			wellFormed(t, a.body)
			golden(t, c.name+".html", varying.ReplaceAllString(a.body, "/static/0/"))
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// wellFormed holds what every page has: landmarks, one first heading, a label
// for every field, no script, no style of its own, nothing from elsewhere.
func wellFormed(t testing.TB, body string) {
	t.Helper()
	for _, once := range []string{"<main ", "</html>", "<h1", `<html lang="en">`, "<title>"} {
		if n := strings.Count(body, once); n != 1 {
			t.Errorf("%d times %s:\n%s", n, once, body)
		}
	}
	body = strings.ReplaceAll(body, `<a href="https://list.example/" rel="noreferrer">`, "") // a link that a visitor follows
	if m := regexp.MustCompile(`(?i)<script|style=|<style|javascript:|\son[a-z]+="|src=|(href|action)="(//|https?:)`).FindString(body); m != "" {
		t.Errorf("has %q:\n%s", m, body)
	}
	for _, id := range regexp.MustCompile(`<(?:input|textarea) id="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if !strings.Contains(body, `for="`+id[1]+`"`) {
			t.Errorf("field %s has no label", id[1])
		}
	}
	for _, id := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if strings.Count(body, ` id="`+id[1]+`"`) != 1 {
			t.Errorf("id %s is there twice", id[1])
		}
	}
}

func TestHeaders(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/", "/criteria", "/192.0.2.7", "/api/v1/ip/192.0.2.7", "/nonsense", "/robots.txt", "/192.0.2.0/24"} {
		a := h.get(path, "")
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Set-Cookie": "",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

// The style sheet has a name that changes with it, and may be kept.
func TestStatic(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{h.server.pages.styleURL, h.server.pages.iconURL} {
		a := h.get(path, "")
		a.has(t, http.StatusOK)
		if !strings.Contains(a.header.Get("Cache-Control"), "immutable") || !strings.Contains(h.get("/", "").body, path) {
			t.Errorf("%s: %v", path, a.header)
		}
	}
	h.get("/static/0000000000000000/style.css", "").has(t, http.StatusNotFound)
	h.get("/static/../web.go", "").has(t, http.StatusTemporaryRedirect)
}

func TestAddressesInPaths(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		path     string
		status   int
		location string
	}{
		{"/192.0.2.7", 200, ""},
		{"/2001:db8::7", 200, ""},
		{"/::ffff:192.0.2.7", 301, "/192.0.2.7"},
		{"/::FFFF:c000:207", 301, "/192.0.2.7"},
		{"/2002:c000:0207::1", 301, "/192.0.2.7"},
		{"/2001:DB8:0:0::7", 301, "/2001:db8::7"},
		{"/[2001:db8::7]", 301, "/2001:db8::7"},
		{"/192.0.2.7/32", 301, "/192.0.2.7"},
		{"/%20192.0.2.7", 301, "/192.0.2.7"},
		{"/192.0.2.0/24", 200, ""},
		{"/192.0.2.007", 400, ""},
		{"/192.0.2.7:25", 400, ""},
		{"/fe80::1%25eth0", 400, ""},
		{"/nonsense", 404, ""},
		{"/favicon.ico", 400, ""},
		{"/%3Cscript%3Ealert(1)%3C/script%3E", 404, ""},
		{"/%0d%0aSet-Cookie:%20a=b", 400, ""},
		{"/%ff%fe", 404, ""},
		{"/" + strings.Repeat("9", 5000), 404, ""},
		{"/?q=192.0.2.7", 303, "/192.0.2.7"},
		{"/?q=%20%5B2001:DB8::7%5D%0d%0a", 303, "/2001:db8::7"},
		{"/?q=//evil.example", 400, ""},
		{"/?q=%22%3E%3Cscript%3E", 400, ""},
		{"/?q=", 200, ""},
		{"/api/v1/nonsense", 404, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.base, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Opaque = c.path
		a := h.do(r)
		if a.status != c.status || a.header.Get("Location") != c.location || strings.Contains(a.body, "<script") || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %q, want %d %q\n%s", c.path, a.status, a.header.Get("Location"), c.status, c.location, a.body)
		}
	}
	if a := h.get("//evil.example/", ""); a.status/100 != 3 || a.header.Get("Location") != "/evil.example/" {
		t.Errorf("a path that looks like a host: %d %v", a.status, a.header)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, "TRACE"} {
		r, err := http.NewRequestWithContext(t.Context(), method, h.base+"/192.0.2.7", nil)
		if err != nil {
			t.Fatal(err)
		}
		h.do(r).has(t, http.StatusMethodNotAllowed)
	}
}

// A listing that rests on reverse DNS ends when that is fixed: the page needs no proof,
// and says after a request that it looked.
func TestUnmended(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Zones[0].Reasons = []listing.Reason{2, 12} })
	h.add("192.0.2.7", "rdns-missing")
	h.desk.know("192.0.2.7", sighting.Facts{Samples: []listing.Sample{{Time: noon.Add(-time.Hour), Receiver: "mx1", DNS: "nxdomain", Verdict: "rdns-missing"}}})
	a := h.get("/192.0.2.7", "")
	a.has(t, 200, "Look whether it is fixed")
	wellFormed(t, a.body)
	golden(t, "unmended.html", varying.ReplaceAllString(a.body, "/static/0/"))
	h.desk.nameless = true
	asked := h.ask("192.0.2.7", "198.51.100.9")
	asked.has(t, 200, "stands for now", "We looked just now, and what 192.0.2.7 is listed for can still be seen")
	if strings.Contains(asked.body, "For the proof by") {
		t.Errorf("it asks for proof, and needs none:\n%s", asked.body)
	}
	h.desk.nameless = false
	h.ask("192.0.2.7", "198.51.100.9").has(t, 200, "The listing is removed")
}

// Greetings of strangers are shown, and do nothing.
func TestHostileGreetings(t *testing.T) {
	h := newHouse(t)
	const evil = `<img src=x onerror=alert(1)>"'&lt;{{.}}`
	h.add("192.0.2.7", "helo-bare-ip", func(a *listing.Add) { a.PublicNote = evil })
	f := countsOf("helo-bare-ip", some(1), some(1), evil, "")
	f.Samples[0].Receiver, f.Samples[0].DNS = evil, evil
	h.desk.know("192.0.2.7", f)
	a := h.get("/192.0.2.7", "")
	a.has(t, 200, "&lt;img src=x onerror=alert(1)&gt;")
	if strings.Contains(a.body, "<img") {
		t.Error(a.body)
	}
	var out Looked
	if err := json.Unmarshal([]byte(h.get("/api/v1/ip/192.0.2.7", "").body), &out); err != nil || out.Entries[0].HELO[0] != evil {
		t.Errorf("%+v, %v", out, err)
	}
}

// The page and DNS cannot disagree: what the desk knows beyond the served view
// is not in effect.
func TestServedViewDecides(t *testing.T) {
	h := newHouse(t)
	h.add("192.0.2.0/24", "helo-bare-ip")
	h.add("192.0.2.7", "helo-bare-ip", func(a *listing.Add) { a.Except = true })
	h.get("/192.0.2.7", "").has(t, 200, "Not listed")
	h.get("/192.0.2.8", "").has(t, 200, ">Listed<", "192.0.2.0/24")
	h.add("192.0.2.9", "helo-localhost") // a shadow reason that no zone names
	h.get("/198.51.100.7", "").has(t, 200, "Not listed")
	h.advance(4 * listing.Day) // nothing sweeps here, and still nothing is listed beyond its end
	h.get("/192.0.2.8", "").has(t, 200, "Not listed")
}

func TestShadowReasonsAreNotShown(t *testing.T) {
	h := newHouse(t)
	h.add("192.0.2.9", "helo-localhost")
	h.get("/192.0.2.9", "").has(t, 200, "Not listed")
	h.get("/api/v1/ip/192.0.2.9", "").has(t, 200, `"listed":false`, `"NOT_LISTED"`)
}

func TestUnavailable(t *testing.T) {
	h := newHouse(t)
	for err, status := range map[error]int{
		&listing.Error{Kind: listing.ErrUnavailable, Code: "busy", Message: "the store is <busy>", Hint: "wait"}: 503,
		listing.ErrUnavailable:              503,
		errors.New("a secret of the store"): 500,
	} {
		h.desk.failure = err
		for _, path := range []string{"/192.0.2.7", "/api/v1/ip/192.0.2.7"} {
			a := h.get(path, "")
			a.has(t, status)
			if strings.Contains(a.body, "secret") || strings.Contains(a.body, "<busy>") || (status == 503) != (a.header.Get("Retry-After") != "") {
				t.Errorf("%s: %v\n%s", path, a.header, a.body)
			}
		}
	}
}

// A new catalogue shows at once, and a bad configuration changes nothing.
func TestConfigure(t *testing.T) {
	h := newHouse(t)
	c := testConfig(t)
	c.Zones = nil
	if err := h.server.Configure(c); err == nil || !strings.Contains(err.Error(), "zone") {
		t.Errorf("a configuration without zones: %v", err)
	}
	h.get("/", "").has(t, 200, "bl.example")
	c = testConfig(t)
	c.Zones[0].Name, c.Page = "other.example", ""
	c.Thresholds[listing.BareIP] = c.Thresholds[listing.RcptName]
	if err := h.server.Configure(c); err != nil {
		t.Fatal(err)
	}
	h.get("/criteria", "").has(t, 200, "other.example")
}

func TestValidate(t *testing.T) {
	err := Config{Limits: Limits{Connections: -1, PerClient: -1}, TLS: Files{Cert: "x"},
		Settings: desk.Settings{Page: "https://bl.example/x", Mail: "a@b.example\r\nBcc: x@y.example", Probe: "a b"}}.Validate()
	for _, want := range []string{"zone", "reason", "requests_per_week", "web_per_minute", "api_per_minute", "web_connections =", "web_connections_per_client", "certificate", "desk.page", "desk.mail", "desk.probe"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("does not say %q: %v", want, err)
		}
	}
	if _, err := New(testConfig(t), Parts{}); err == nil {
		t.Error("a server without parts")
	}
}

// There are steps only for greetings that can be shown, whatever else lists the address.
func TestStepsOnlyForWhatIsShown(t *testing.T) {
	h := newHouse(t)
	h.network()
	h.get("/192.0.2.7", "").has(t, 200, ">Listed<")
	h.add("192.0.2.7", "helo-bare-ip")
	if a := h.get("/192.0.2.7", ""); strings.Contains(a.body, "What it most likely means") || strings.Contains(a.body, "/fix") {
		t.Errorf("steps for a greeting that nobody can show:\n%s", a.body)
	}
	h.evident("192.0.2.7", "helo-bare-ip", "192.0.2.7")
	h.get("/192.0.2.7", "").has(t, 200, "What it most likely means", "/fix")
}

func TestEveryCodeHasWords(t *testing.T) {
	for _, c := range removal.Codes() {
		if codeWords[c] == "" {
			t.Errorf("the criteria do not say what %s is", c)
		}
	}
	for _, i := range listing.DefaultReasons() {
		if i.Explanation == "" || removalWords[i.SelfDelist] == "" {
			t.Errorf("%s is not explained", i.Symbol)
		}
	}
}

func TestParseAddressNeverPanics(t *testing.T) {
	for _, text := range []string{"", "[", "[]", "]", "/", "::/0", "0.0.0.0/0", "[IPv6:2001:db8::7]", "1.2.3", "\x00", "٧", "2001:db8::7%"} {
		if a, err := parseAddress(text); err == nil && a != netip.MustParseAddr("2001:db8::7") {
			t.Errorf("%q is %s", text, a)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, c := range []string{"192.0.2.7", "::ffff:192.0.2.7", "192.0.2.0/24", "[2001:db8::7]", "2002:c000:207::", "x"} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAddress(text)
		if err != nil {
			return
		}
		if again, err := parseAddress(a.String()); err != nil || again != a {
			t.Errorf("%q is %s, and that is %s, %v", text, a, again, err)
		}
	})
}

// The search box takes what people paste.
func TestSearchBox(t *testing.T) {
	h := newHouse(t)
	for text, want := range map[string]string{
		" 192.0.2.7 ": "/192.0.2.7", "192.0.2.7:25": "/192.0.2.7", "[2001:db8::7]:25": "/2001:db8::7", "[IPv6:2001:db8::7]": "/2001:db8::7",
		"7.2.0.192.in-addr.arpa": "/192.0.2.7", "7.2.0.192.bl.example.": "/192.0.2.7",
		"7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": "/2001:db8::7",
		"https://bl.example/192.0.2.7":                                             "/192.0.2.7", "see http://bl.example/2001:db8::7.": "/2001:db8::7", "bl.example/192.0.2.0/24": "/192.0.2.0/24",
		"192.0.2.0/24": "/192.0.2.0/24",
		"554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using bl.example; 192.0.2.7 greeted our servers; https://bl.example/192.0.2.7": "/192.0.2.7",
	} {
		a := h.get("/?q="+url.QueryEscape(text), "")
		if a.status != http.StatusSeeOther || a.header.Get("Location") != want {
			t.Errorf("%q: %d to %q, want %s", text, a.status, a.header.Get("Location"), want)
		}
	}
	for text, says := range map[string]string{
		"sender.example": "is a domain, and this list holds IP addresses", "joe@sender.example": "is a domain", "999.1.1.1": "is not an IP address",
		"Client host [192.0.2.7] and client host [192.0.2.8] blocked using bl.example": "names 2 addresses", "hello": "is not an IP address",
	} {
		h.get("/?q="+url.QueryEscape(text), "").has(t, http.StatusBadRequest, says)
	}
}

// The link in the refusal of an address inside a listed range works.
func TestPageOfARange(t *testing.T) {
	h := newHouse(t)
	h.add("192.0.2.0/24", "manual", func(a *listing.Add) { a.PublicNote = "sells lists of addresses" })
	a := h.get("/192.0.2.0/24", "")
	a.has(t, 200, "Listed as a whole", "sells lists of addresses", "Which address is yours?")
	wellFormed(t, a.body)
	golden(t, "of-a-range.html", varying.ReplaceAllString(a.body, "/static/0/"))
	if a := h.get("/192.0.2.0/24?ip=192.0.2.9", ""); a.status != http.StatusSeeOther || a.header.Get("Location") != "/192.0.2.9" {
		t.Errorf("with an address: %d to %q", a.status, a.header.Get("Location"))
	}
	h.get("/198.51.100.0/24", "").has(t, 200, "Not listed as a whole")
	h.get("/192.0.2.1/24", "").has(t, http.StatusBadRequest, "That is not an address")
	h.add("192.0.2.7", "manual")
	h.get("/192.0.2.7", "").has(t, 200, "A person listed it by hand", "mailto:desk@bl.example")
}
