package desk_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
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

var (
	noon   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	sender = netip.MustParseAddr("192.0.2.7")
)

// office is a desk over a real store, the view that follows it, and counters.
type office struct {
	*desk.Desk
	book   *listing.Book
	live   *index.Live
	engine *sighting.Engine
	people *db.People

	sent []string // mails that the desk handed over
	send func(ctx context.Context, program string, mail []byte) error

	forgetful *forgetful
	dns       records
	ns        atomic.Int64

	settings *desk.Settings
}

func (o *office) zone(z desk.Zone) { o.settings.Zones = append(o.settings.Zones, z) }

func (o *office) revision() listing.Revision { return o.live.Set().Revision() }

// records is what DNS says of senders.
type records struct {
	names     []string // of the sender; none: it has none
	confirmed bool
	texts     map[string][]string
	asked     int
}

func (r *records) Reverse(context.Context, netip.Addr) ([]string, bool, helo.Status) {
	r.asked++
	if len(r.names) == 0 {
		return nil, false, helo.NXDomain
	}
	return r.names, r.confirmed, helo.OK
}

func (r *records) Texts(_ context.Context, name string) ([]string, helo.Status) {
	return r.texts[name], helo.OK
}

func (o *office) now() time.Time          { return time.Unix(0, o.ns.Load()).UTC() }
func (o *office) advance(d time.Duration) { o.ns.Add(int64(d)) }

// nothing is an archive that keeps nothing: the counters stay in memory.
type nothing struct{}

func (nothing) Scan(_, _ []byte) iter.Seq2[sighting.Item, error] {
	return func(func(sighting.Item, error) bool) {}
}
func (nothing) Save([]sighting.Item) error { return nil }

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{live: index.NewLive()}
	o.ns.Store(noon.UnixNano())
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	store, err := db.Open(filepath.Join(t.TempDir(), "listings.db"), db.Options{NoSync: true})
	must(err)
	o.people, err = db.OpenPeople(filepath.Join(t.TempDir(), "people.db"), nil)
	must(err)
	o.forgetful = &forgetful{People: o.people}
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	must(err)
	rules := listing.Rules{Reasons: reasons, Policy: listing.DefaultPolicy()}
	must(o.live.Load(t.Context(), store))
	o.book = listing.NewBook(store, o.live, rules, o.now)
	o.engine, err = sighting.New(sighting.Options{Now: o.now, Rules: o.book.Rules, Thresholds: sighting.DefaultThresholds(), Archive: nothing{}})
	must(err)
	letters, err := delist.NewLetters(nil)
	must(err)
	signer, err := delist.NewSigner([]byte("0123456789abcdef"))
	must(err)
	settings := desk.Settings{Zones: []desk.Zone{{Name: "bl.test", TTL: 5 * time.Minute}}, Letters: letters, Page: "https://bl.example/",
		Mail: "desk@bl.example", Probe: "probe.bl.example", Texts: true, Sendmail: "sendmail"}
	o.settings = &settings
	o.Desk, err = desk.New(desk.Config{Book: o.book, Counters: o.engine, DNS: &o.dns, People: o.forgetful, Signer: signer,
		Settings: func() desk.Settings { return settings }, Send: func(ctx context.Context, program string, mail []byte) error { return o.send(ctx, program, mail) }})
	must(err)
	o.send = func(_ context.Context, _ string, mail []byte) error {
		o.sent = append(o.sent, string(mail))
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	followed := make(chan error, 1)
	go func() { followed <- o.live.Follow(ctx, store) }()
	t.Cleanup(func() {
		cancel()
		if err := <-followed; !errors.Is(err, context.Canceled) {
			t.Errorf("following: %v", err)
		}
		must(errors.Join(store.Close(), o.people.Close()))
	})
	return o
}

func (o *office) add(t *testing.T, c listing.Add) {
	t.Helper()
	c.Subject = listing.HostSubject(sender)
	if _, err := o.book.Add(t.Context(), operator("alice"), c); err != nil {
		t.Fatal(err)
	}
}

// see tells the counters of sessions, a minute apart.
func (o *office) see(t *testing.T, from time.Time, n int, greeting string, code helo.Code, strength helo.Strength) {
	t.Helper()
	for i := range n {
		ob := sighting.Observation{Time: from.Add(time.Duration(i) * time.Minute), Receiver: fmt.Sprintf("mx%d", 1+i%2), ID: fmt.Sprint(greeting, from, i),
			Client: sender, HELO: greeting, Verdict: helo.Verdict{Code: code, Strength: strength, Name: greeting}}
		if _, err := o.engine.Observe(ob); err != nil {
			t.Fatal(err)
		}
	}
}

func (o *office) listed() bool {
	return len(o.live.Set().Lookup(sender, uint32(o.now().Unix()), nil)) > 0
}

func (o *office) request(t *testing.T, r desk.Request) removal.Reply {
	t.Helper()
	r.By, r.Address = operator("alice"), sender
	done, err := o.Request(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func (o *office) ticket(t *testing.T, id string) removal.Ticket {
	t.Helper()
	ticket, err := o.Ticket(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(text), " ")
	for _, w := range wanted {
		if !strings.Contains(flat, w) {
			t.Errorf("nothing of %q in:\n%s", w, text)
		}
	}
}

func TestWithoutEvidenceItIsOurError(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "helo-bare-ip"})
	if d, err := o.Eligibility(t.Context(), operator("alice"), sender); err != nil || d.Code != removal.OKSupport {
		t.Errorf("eligibility: %v, %v", d.Code, err)
	}
	var refused *listing.Error
	if _, err := o.Letter(t.Context(), operator("alice"), sender, desk.LetterWish{}); !errors.As(err, &refused) || refused.Code != "no-evidence" {
		t.Errorf("a letter that upholds it: %v", err)
	}
	if done := o.request(t, desk.Request{}); done.NoLetter == nil || done.Letter != "" || !o.listed() {
		t.Errorf("a request that delists nothing: %+v", done)
	}
	done := o.request(t, desk.Request{Delist: true, OwnUp: true, Key: "mail 1"})
	if done.Outcome != removal.Withdrawn || o.listed() {
		t.Errorf("delisted as our error: %+v", done)
	}
	contains(t, done.Letter, "we are sorry", "We apologise", "2026-11-23 12:05:01 UTC at the latest")
	if ticket := o.ticket(t, done.Ticket); ticket.State != removal.Granted || ticket.Because != listing.OurError {
		t.Errorf("the ticket is %s, for %s", ticket.State, ticket.Because)
	}
	again := o.request(t, desk.Request{Delist: true, OwnUp: true, Key: "mail 1"})
	if !again.Repeated || again.Letter != done.Letter {
		t.Errorf("the same request again: %+v", again)
	}
	o.advance(8 * listing.Day)
	if err := o.Tend(t.Context(), "dnsbld"); err != nil {
		t.Fatal(err)
	}
	if ticket := o.ticket(t, done.Ticket); ticket.State != removal.Closed {
		t.Errorf("after the watch the ticket is %s", ticket.State)
	}
}

func TestSenderDelistsItself(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "helo-bare-ip", HELO: "192.0.2.7"})
	o.see(t, noon.Add(-3*time.Hour), 12, "192.0.2.7", helo.CodeBareIP, helo.Medium)
	letter, err := o.Letter(t.Context(), operator("alice"), sender, desk.LetterWish{})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, letter.Letter, "Decision: OK_SELF", "We counted 12 such sessions", `"192.0.2.7"`, "an IP address instead of a host name")
	if ref, err := o.Verify(letter.Reference); err != nil || ref.Address != sender || ref.Code != removal.OKSelf {
		t.Errorf("its reference: %+v, %v", ref, err)
	}
	if done := o.request(t, desk.Request{Delist: true, DryRun: true}); done.Outcome != removal.Removed || !o.listed() || done.Ticket != "" {
		t.Errorf("a dry run: %+v", done)
	}
	done := o.request(t, desk.Request{Delist: true})
	if done.Outcome != removal.Removed || o.listed() || done.Revision == 0 {
		t.Errorf("delisted: %+v", done)
	}
	contains(t, done.Letter, "its listing on bl.test ended")
	about, err := o.About(t.Context(), sender)
	if err != nil || about.Last == nil || about.Last.Because != listing.SelfService {
		t.Errorf("afterwards: %+v, %v", about.Last, err)
	}
}

// forgetful is a file of people that fails to keep what is answered, once, and mails
// while they are full.
type forgetful struct {
	desk.People
	fails bool
	full  func() bool // nil: never
	puts  func(kind string)
}

func (f *forgetful) Put(kind, id string, value []byte) error {
	if f.puts != nil {
		f.puts(kind)
	}
	if kind == "answer" && f.fails {
		f.fails = false
		return errors.New("no room")
	}
	if kind == "mail" && f.full != nil && f.full() {
		return errors.New("no room")
	}
	return f.People.Put(kind, id, value)
}

// A request that was broken off after it ended the listing goes on when it is
// sent again: the letter is the one that it would have had.
func TestABrokenOffRequestIsTakenUp(t *testing.T) {
	for what, seen := range map[string]bool{"our-error": false, "self-service": true} {
		o := newOffice(t)
		o.forgetful.fails = true
		o.add(t, listing.Add{Reason: "helo-bare-ip", HELO: "192.0.2.7"})
		if seen {
			o.see(t, noon.Add(-3*time.Hour), 12, "192.0.2.7", helo.CodeBareIP, helo.Medium)
		}
		r := desk.Request{Delist: true, OwnUp: true, Key: "mail 1", By: operator("alice"), Address: sender}
		plan := r
		plan.DryRun = true
		wanted := o.request(t, plan)
		if _, err := o.Request(t.Context(), r); err == nil || o.listed() {
			t.Fatalf("%s: it was not broken off: %v", what, err)
		}
		done := o.request(t, r)
		if done.Outcome != wanted.Outcome || done.Decision.Code != wanted.Decision.Code || done.Decision.Sentence != wanted.Decision.Sentence || done.Revision == 0 {
			t.Errorf("%s: taken up: %+v, wanted %+v", what, done, wanted)
		}
		head := func(letter string) string {
			letter, _, _ = strings.Cut(letter, "Our ticket")
			letter, _, _ = strings.Cut(letter, "Reference of this letter")
			return letter
		}
		if head(done.Letter) != head(wanted.Letter) || done.Letter == "" {
			t.Errorf("%s: the letter:\n%s\nwanted:\n%s", what, done.Letter, wanted.Letter)
		}
		if about, err := o.About(t.Context(), sender); err != nil || len(about.Facts.Crowd) != 1 {
			t.Errorf("%s: it counts as %d requests: %v", what, len(about.Facts.Crowd), err)
		}
	}
}

func TestMixedTraffic(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "helo-bare-ip"})
	o.see(t, noon.Add(-3*time.Hour), 40, "mail.sender.example", helo.CodeOK, helo.StrengthOK)
	o.see(t, noon.Add(-2*time.Hour), 12, "192.0.2.7", helo.CodeBareIP, helo.Medium)
	done := o.request(t, desk.Request{Delist: true})
	if done.Decision.Code != removal.MixedTraffic || !o.listed() {
		t.Fatalf("decided %+v", done.Decision)
	}
	contains(t, done.Letter, "Decision: MIXED_TRAFFIC", "greeted properly in all 40 sessions", "gave an IP address instead of its name 12 times")
	if ticket := o.ticket(t, done.Ticket); ticket.State != removal.Denied || ticket.Denied != removal.MixedTraffic {
		t.Errorf("the ticket is %s (%s)", ticket.State, ticket.Denied)
	}
}

func TestRequestsAreCountedAndAttachToTheAddress(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	var tickets []string
	for n, want := range []removal.Code{removal.ManualHold, removal.ManualHold, removal.ManualHold, removal.RateLimit} {
		done := o.request(t, desk.Request{Ticket: fmt.Sprintf("rt:%d", 1425830+n)})
		if done.Decision.Code != want {
			t.Errorf("request %d: %s, wanted %s", n+1, done.Decision.Code, want)
		}
		tickets = append(tickets, done.Ticket)
	}
	if len(slices.Compact(tickets)) != 1 {
		t.Errorf("one address has the tickets %v", tickets)
	}
	if ticket := o.ticket(t, "rt:1425832"); ticket.ID != tickets[0] || len(ticket.References) != 4 {
		t.Errorf("found by reference: %+v", ticket)
	}
	o.advance(8 * listing.Day)
	if done := o.request(t, desk.Request{}); done.Decision.Code != removal.ManualHold {
		t.Errorf("a week later: %s", done.Decision.Code)
	}
}

func TestProbeIsProof(t *testing.T) {
	o := newOffice(t)
	for range 2 { // once at the sender's word
		o.see(t, o.now().Add(-3*time.Hour), 12, "192.0.2.25", helo.CodeOurIP, helo.Strong)
		o.add(t, listing.Add{Reason: "helo-our-ip"})
		if d, err := o.Eligibility(t.Context(), operator("alice"), sender); err != nil || d.Code == removal.NoProof {
			break
		}
		o.request(t, desk.Request{Delist: true})
		o.advance(listing.Day)
	}
	o.advance(7 * time.Hour)
	if d, _ := o.Eligibility(t.Context(), operator("alice"), sender); d.Code != removal.NoProof {
		t.Fatalf("the second time: %s", d.Code)
	}
	letter, err := o.Letter(t.Context(), operator("alice"), sender, desk.LetterWish{})
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(letter.Letter, "helo+")
	if at < 0 {
		t.Fatalf("no probe address in:\n%s", letter.Letter)
	}
	address, _, _ := strings.Cut(letter.Letter[at:], "\n")
	probe := desk.Probe{Time: o.now(), Client: sender, Recipient: strings.ToUpper(address), Verdict: helo.Verdict{Code: helo.CodeOK, Strength: helo.StrengthOK}}
	for _, bad := range []func(p *desk.Probe){
		func(p *desk.Probe) { p.Recipient = "postmaster@probe.bl.example" },
		func(p *desk.Probe) { p.Verdict.Strength = helo.Medium },
		func(p *desk.Probe) { p.Client = netip.MustParseAddr("192.0.2.8") },
		func(p *desk.Probe) { p.Recipient = "helo+abc@probe.bl.example" },
	} {
		p := probe
		bad(&p)
		if proved, _ := o.Probe(t.Context(), "sensor", p); proved {
			t.Errorf("%+v proves it", p)
		}
	}
	if proved, err := o.Probe(t.Context(), "sensor", probe); !proved || err != nil {
		t.Fatalf("the probe: %v, %v", proved, err)
	}
	if proved, err := o.Probe(t.Context(), "sensor", probe); proved || err != nil {
		t.Errorf("the same probe again: %v, %v", proved, err)
	}
	if d, _ := o.Eligibility(t.Context(), operator("alice"), sender); !d.Code.OK() {
		t.Errorf("with proof: %s", d.Code)
	}
}

func TestAppealTakesAnotherPerson(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	done := o.request(t, desk.Request{})
	take := func(actor string, verb removal.Verb) error {
		_, _, err := o.Take(t.Context(), done.Ticket, removal.Action{By: operator(actor), Verb: verb})
		return err
	}
	override := func(by listing.Caller) error {
		_, _, err := o.Take(t.Context(), done.Ticket, removal.Action{By: by, Verb: removal.VerbGrant, Override: true, Note: "they moved"})
		return err
	}
	if err := take("alice", removal.VerbAppeal); err != nil {
		t.Fatal(err)
	}
	// The sender posts the form once more: that makes nobody forget who decided.
	if _, err := o.Request(t.Context(), desk.Request{By: daemon("web"), Address: sender, Delist: true}); err != nil {
		t.Fatal(err)
	}
	if ticket := o.ticket(t, done.Ticket); !ticket.Appeal || ticket.State != removal.Open {
		t.Errorf("the form settled an appeal: %+v", ticket)
	}
	for _, by := range []listing.Caller{operator("alice"), daemon("web")} {
		if err := override(by); !errors.Is(err, listing.ErrPolicy) || !o.listed() {
			t.Errorf("%s grants it: %v", by.Name, err)
		}
	}
	if err := take("bob", removal.VerbGrant); !errors.Is(err, listing.ErrPolicy) || !o.listed() {
		t.Errorf("another person grants it against the rules without a word: %v", err)
	}
	if err := override(operator("bob")); err != nil || o.listed() {
		t.Errorf("another person grants it: %v", err)
	}
	if ticket := o.ticket(t, done.Ticket); ticket.State != removal.Granted || ticket.Because != listing.AppealUpheld {
		t.Errorf("the ticket is %s, for %s", ticket.State, ticket.Because)
	}
}

func TestPeopleAreErasedAndTheAuditStands(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	r := desk.Request{Key: "k", From: "Carol <carol@sender.example>", Note: "write to carol@sender.example"}
	done := o.request(t, r)
	if done.NoAnswer != "" {
		t.Errorf("no answer: %s", done.NoAnswer)
	}
	r.Key = "l"
	if second := o.request(t, r); !strings.Contains(second.NoAnswer, "within a day") {
		t.Errorf("a second answer within a day: %q", second.NoAnswer)
	}
	if n := o.ticket(t, done.Ticket).Notes; strings.Contains(fmt.Sprint(n), "carol") {
		t.Errorf("the ticket names her: %+v", n)
	}
	p, err := o.Export("carol@sender.example")
	if err != nil || len(p.Contacts) != 1 || len(p.Answers) != 2 || !slices.Equal(p.Contacts[0].Tickets, []string{done.Ticket}) {
		t.Errorf("export: %+v, %v", p, err)
	}
	if _, err := o.Erase("CAROL@sender.example"); err != nil {
		t.Fatal(err)
	}
	if p, err := o.Export("carol@sender.example"); err != nil || len(p.Contacts)+len(p.Answers) != 0 {
		t.Errorf("after erasing: %+v, %v", p, err)
	}
	if _, err := o.book.Store().(*db.DB).Verify(t.Context()); err != nil {
		t.Errorf("the audit: %v", err)
	}
}

// Whoever is erased while a request of his is dealt with stays erased.
func TestErasedInTheMiddleOfARequest(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	erased := make(chan error, 1)
	o.forgetful.puts = func(kind string) {
		if kind != "answer" {
			return
		}
		o.forgetful.puts = nil
		go func() {
			_, err := o.Erase("carol@sender.example")
			erased <- err
		}()
		select {
		case err := <-erased: // before the answer is written, which would be left
			erased <- err
		case <-time.After(100 * time.Millisecond): // it waits for the request
		}
	}
	o.request(t, desk.Request{Key: "k", From: "carol@sender.example"})
	if err := <-erased; err != nil {
		t.Fatal(err)
	}
	if p, err := o.Export("carol@sender.example"); err != nil || len(p.Contacts) != 0 {
		t.Errorf("after erasing: %+v, %v", p, err)
	}
	if answers(t, o.people) != 0 {
		t.Error("an answer is left")
	}
}

// answers counts what is kept of answers.
func answers(t *testing.T, p *db.People) (n int) {
	t.Helper()
	for _, err := range p.Each("answer") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// A request about one address ends nothing that is about others too.
func TestARequestLeavesRangesAlone(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "helo-bare-ip", HELO: "192.0.2.7"})
	o.see(t, noon.Add(-3*time.Hour), 12, "192.0.2.7", helo.CodeBareIP, helo.Medium)
	wide, err := listing.ParseSubject("192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.book.Add(t.Context(), operator("alice"), listing.Add{Subject: wide, Reason: "helo-our-name", Force: true, Note: "all of it"}); err != nil {
		t.Fatal(err)
	}
	for n := range 2 { // with evidence for the address, then with none left
		o.request(t, desk.Request{Delist: true, Key: fmt.Sprint(n)})
		neighbour := listing.HostSubject(sender.Next())
		if len(o.live.Set().Lookup(neighbour.Addr(), uint32(o.now().Unix()), nil)) == 0 {
			t.Fatalf("request %d ended the listing of the range", n+1)
		}
	}
}

// operator is a person who may everything.
func operator(name string) listing.Caller {
	return listing.Caller{Name: name, UID: 1001, Role: listing.Operator}
}

// daemon is a part of the program.
func daemon(name string) listing.Caller { return listing.Caller{Name: name, Role: listing.Daemon} }
