package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/helo"
	"dnsbld/listing/index"
	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// house is a daemon without DNS: a store, the view that follows it, a Book, a
// desk, and a Server on real sockets.
type house struct {
	t      testing.TB
	store  *db.DB
	live   *index.Live
	book   *listing.Book
	desk   *counter
	server *Server
	base   string // "http://127.0.0.1:…"
	client *http.Client

	mu  sync.Mutex
	now time.Time
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// testConfig is what the daemon would make of its configuration.
func testConfig(t testing.TB) Config {
	t.Helper()
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		t.Fatal(err)
	}
	zones := []desk.Zone{{Name: "bl.example", TTL: 5 * time.Minute}, {Name: "strict.bl.example", TTL: time.Minute, Reasons: []listing.Reason{3, 4, 5}}}
	return Config{Settings: desk.Settings{Zones: zones, Page: "https://bl.example/", Mail: "desk@bl.example", Probe: "probe.bl.example", Texts: true, PerWeek: 3, SourceCap: 50},
		Reasons: reasons, Policy: listing.DefaultPolicy(), Thresholds: sighting.DefaultThresholds(),
		Limits:         Limits{WebPerMinute: 1000, APIPerMinute: 1000},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
}

func newHouse(t testing.TB, change ...func(*Config)) *house {
	t.Helper()
	h := &house{t: t, live: index.NewLive(), now: noon, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	c := testConfig(t)
	for _, f := range change {
		f(&c)
	}
	var err error
	if h.store, err = db.Open(filepath.Join(t.TempDir(), "listings.db"), db.Options{NoSync: true, InitialMmap: 64 << 20}); err != nil {
		t.Fatal(err)
	}
	if err := h.live.Load(t.Context(), h.store); err != nil {
		t.Fatal(err)
	}
	h.live.Protect(c.Policy.NeverList())
	h.book = listing.NewBook(h.store, h.live, listing.Rules{Reasons: c.Reasons, Policy: c.Policy}, h.clock)
	h.desk = h.openDesk(c)
	h.server, err = New(c, Parts{View: h.live, Desk: h.desk, Now: h.clock, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	h.run()
	return h
}

// run lets the view follow the store, and the server answer.
func (h *house) run() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	h.base = "http://" + l.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := h.live.Follow(ctx, h.store); !errors.Is(err, context.Canceled) {
			h.t.Errorf("following: %v", err)
		}
	})
	parts.Go(func() {
		if err := h.server.Serve(ctx, l); err != nil {
			h.t.Errorf("serving: %v", err)
		}
	})
	h.t.Cleanup(func() {
		stop()
		h.client.CloseIdleConnections()
		parts.Wait()
		if err := h.store.Close(); err != nil {
			h.t.Error(err)
		}
	})
}

// counter is the support desk as the house has it: the real one, over counters
// and DNS that a test fills in, and in the test's way where it has to be.
type counter struct {
	*desk.Desk

	mu       sync.Mutex
	counted  map[netip.Addr]sighting.Facts
	txt      []string
	nameless bool // addresses have no name in reverse DNS
	asked    []desk.Request
	done     []removal.Reply
	failure  error // of About
	slow     bool  // pretend that the view lags behind
}

func (d *counter) Facts(s listing.Subject) (sighting.Facts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counted[s.Addr()], nil
}

// know sets what was counted of an address.
func (d *counter) know(a string, f sighting.Facts) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counted[netip.MustParseAddr(a)] = f
}

func (d *counter) About(ctx context.Context, a netip.Addr) (desk.About, error) {
	if d.failure != nil {
		return desk.About{}, d.failure
	}
	return d.Desk.About(ctx, a)
}

func (d *counter) Reverse(context.Context, netip.Addr) ([]string, bool, helo.Status) {
	if d.nameless {
		return nil, false, helo.NXDomain
	}
	return []string{"mail.sender.example"}, true, helo.OK
}

func (d *counter) Texts(context.Context, string) ([]string, helo.Status) {
	if d.txt == nil {
		return nil, helo.TempError
	}
	return d.txt, helo.OK
}

func (d *counter) Request(ctx context.Context, r desk.Request) (removal.Reply, error) {
	done, err := d.Desk.Request(ctx, r)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked, d.done = append(d.asked, r), append(d.done, done)
	if d.slow {
		done.Revision += 1000
	}
	return done, err
}

func (d *counter) Kept(id string) (removal.Answer, error) {
	kept, err := d.Desk.Kept(id)
	if d.slow {
		kept.Revision += 1000
	}
	return kept, err
}

// openDesk is a desk over the house's Book.
func (h *house) openDesk(c Config) *counter {
	h.t.Helper()
	signer, err := delist.NewSigner([]byte("a key that only this test has"))
	if err != nil {
		h.t.Fatal(err)
	}
	settings := c.Settings
	if settings.Letters, err = delist.NewLetters(nil); err != nil {
		h.t.Fatal(err)
	}
	people, err := db.OpenPeople(filepath.Join(h.t.TempDir(), "people.db"), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { people.Close() })
	d := &counter{counted: map[netip.Addr]sighting.Facts{}}
	if d.Desk, err = desk.New(desk.Config{Book: h.book, Counters: d, DNS: d, People: people, Signer: signer,
		Settings: func() desk.Settings { return settings }}); err != nil {
		h.t.Fatal(err)
	}
	return d
}

// add lists an address or prefix.
func (h *house) add(prefix, reason string, change ...func(*listing.Add)) {
	h.t.Helper()
	s, err := listing.ParseSubject(prefix)
	if err != nil {
		h.t.Fatal(err)
	}
	c := listing.Add{Subject: s, Reason: reason, Note: "test", Force: true}
	for _, f := range change {
		f(&c)
	}
	if _, err := h.book.Add(h.t.Context(), operator("alice"), c); err != nil {
		h.t.Fatal(err)
	}
}

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	body   string
}

func (h *house) do(r *http.Request) answer {
	h.t.Helper()
	resp, err := h.client.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// get asks as somebody from an address, through a trusted proxy; from nowhere
// if it is empty.
func (h *house) get(path, from string) answer {
	h.t.Helper()
	return h.do(h.request(http.MethodGet, path, from))
}

// request is one that somebody at an address makes.
func (h *house) request(method, path, from string) *http.Request {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.base+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if from != "" {
		r.Header.Set("X-Forwarded-For", from)
	}
	return r
}

// body is that of a request.
func body(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }

var tokenField = regexp.MustCompile(`name="token" value="([^"]*)"`)

// token is the one in the form of an address's page.
func (h *house) token(address string) string {
	h.t.Helper()
	m := tokenField.FindStringSubmatch(h.get("/"+address, "").body)
	if m == nil {
		h.t.Fatalf("the page of %s has no form", address)
	}
	return m[1]
}

// ask sends the form of an address's page.
func (h *house) ask(address, from string, change ...func(url.Values)) answer {
	h.t.Helper()
	form := url.Values{"token": {h.token(address)}, "mail": {""}, "note": {""}}
	for _, f := range change {
		f(form)
	}
	return h.post("/"+address, from, form.Encode())
}

func (h *house) post(path, from, body string, change ...func(*http.Request)) answer {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.base+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if from != "" {
		r.Header.Set("X-Forwarded-For", from)
	}
	for _, f := range change {
		f(r)
	}
	a := h.do(r)
	if a.status == http.StatusSeeOther { // to the page of the result
		return h.get(a.header.Get("Location"), from)
	}
	return a
}

// has fails unless the body says everything.
func (a answer) has(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d:\n%s", a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("does not say %q:\n%s", text, a.body)
		}
	}
}

// relist lists an address that was listed and delisted before.
func (h *house) relist(a, reason string, times int, because listing.DelistReason) {
	h.t.Helper()
	for range times {
		h.add(a, reason)
		if _, err := h.book.Delist(h.t.Context(), operator("alice"), listing.Delist{Subject: listing.HostSubject(netip.MustParseAddr(a)), Because: because}); err != nil {
			h.t.Fatal(err)
		}
	}
	h.add(a, reason)
}

// countsOf are sessions of an address, on each of 30 days so many that speak for
// a reason and so many clean ones, with bogus sessions as evidence.
func countsOf(reason string, bogus, clean func(day int) int, helos ...string) sighting.Facts {
	f := sighting.Facts{Diagnosis: sighting.SecondHost, LastBogus: noon.Add(-26 * time.Hour), Receivers: []string{"mx1", "mx2"}}
	today := noon.Truncate(listing.Day)
	for i := range 30 {
		d := sighting.DayCount{Day: today.AddDate(0, 0, i-29), Bogus: bogus(i), Clean: clean(i), Other: i % 7 / 6}
		d.ByCode = map[helo.Code]int{helo.Code(reason): d.Bogus, helo.CodeOK: d.Clean}
		f.Days = append(f.Days, d)
		f.Bogus, f.Clean, f.Sessions = f.Bogus+d.Bogus, f.Clean+d.Clean, f.Sessions+d.Bogus+d.Clean+d.Other
	}
	f.HELOs = []sighting.HELOCount{{HELO: "mail.sender.example", Count: f.Clean}}
	for n, h := range helos {
		f.Samples = append(f.Samples, listing.Sample{Time: noon.Add(-time.Duration(26+n) * time.Hour), Receiver: fmt.Sprintf("mx%d", n%2+1), HELO: h, Verdict: reason})
		if n == 0 {
			f.HELOs = append(f.HELOs, sighting.HELOCount{HELO: h, Count: f.Bogus, Bogus: f.Bogus})
		}
	}
	return f
}

func some(n int) func(int) int { return func(int) int { return n } }

// evident counts a few bogus sessions of an address, as evidence.
func (h *house) evident(a, reason string, helos ...string) {
	f := countsOf(reason, some(1), some(0), helos...)
	f.Diagnosis = sighting.MisSet
	h.desk.know(a, f)
}

// busySender is a listed address with a history.
func (h *house) busySender() {
	h.t.Helper()
	h.add("192.0.2.7", "helo-bare-ip")
	h.desk.know("192.0.2.7", countsOf("helo-bare-ip", func(i int) int { return max(0, (i-22)%4*2) }, func(i int) int { return 6 + i*7%9 },
		"192.0.2.7", "[192.0.2.7", "192.0.2.7"))
}

// stillOffending is a second listing, an hour after the last bogus session.
func (h *house) stillOffending(a string) {
	h.t.Helper()
	h.relist(a, "helo-rcpt-domain", 1, listing.OperatorChoice)
	f := countsOf("helo-rcpt-domain", func(i int) int { return i * i / 20 }, some(0),
		"a-very-long-recipient-domain-that-does-not-end-soon.and-has-many-labels.subdomain.recipient.example", `\xff\x00\x1b[31m`)
	f.Diagnosis, f.LastBogus = sighting.FollowsRecipient, noon.Add(-time.Hour)
	h.desk.know(a, f)
}

// withoutProof was delisted by the sender himself, and is back.
func (h *house) withoutProof(a string) {
	h.t.Helper()
	h.relist(a, "helo-our-ip", 1, listing.SelfService)
	h.evident(a, "helo-our-ip", "198.51.100.25", "198.51.100.26")
}

// mixedTraffic is a proper mail server with something else behind its address.
func (h *house) mixedTraffic(a string) {
	h.t.Helper()
	h.add(a, "helo-bare-ip")
	f := countsOf("helo-bare-ip", func(i int) int { return i % 3 * 2 }, some(9), "192.0.2.7")
	f.LastBogus, f.Mixed = noon.Add(-2*time.Hour), 9
	h.desk.know(a, f)
}

// network is listed as a whole, by two persons.
func (h *house) network() {
	h.t.Helper()
	s, err := listing.ParseSubject("192.0.2.0/24")
	if err != nil {
		h.t.Fatal(err)
	}
	res, err := h.book.Add(h.t.Context(), operator("alice"), listing.Add{Subject: s, Reason: "network", Note: "test", Force: true,
		For: listing.Life(10 * listing.Day), PublicNote: "Nobody there answers complaints.", Options: listing.Options{Propose: true}})
	if err == nil {
		_, err = h.book.Approve(h.t.Context(), listing.Caller{Name: "bob", UID: 1002, Role: listing.Operator}, res.Proposal.ID, listing.Options{})
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// sweep ends what is due.
func (h *house) sweep() {
	h.t.Helper()
	if err := h.book.Sweep(h.t.Context(), daemon("dnsbld"), h.live.Set().Due(uint32(h.clock().Unix()), 10)); err != nil {
		h.t.Fatal(err)
	}
}

// operator is a person who may everything.
func operator(name string) listing.Caller {
	return listing.Caller{Name: name, UID: 1001, Role: listing.Operator}
}

// daemon is a part of the program.
func daemon(name string) listing.Caller { return listing.Caller{Name: name, Role: listing.Daemon} }
