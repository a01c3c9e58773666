package server

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/report"
)

// seen is what was answered about some addresses at an instant.
type seen struct {
	at     time.Time
	listed map[string]bool
}

// nobody is a file of people that nothing reads.
type nobody struct{ desk.People }

// desk is a support desk for a zone that answers what is published.
func (h *house) desk(t tester) *desk.Desk {
	signer, err := delist.NewSigner([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := desk.New(desk.Config{Book: h.book, People: nobody{}, Signer: signer,
		Settings: func() desk.Settings { return desk.Settings{Zones: []desk.Zone{{Name: "bl.test"}}} }})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// hits is what the served view answers of an address, in words.
func (h *house) hits(a string) (all []string) {
	for _, hit := range h.live.Set().Lookup(netip.MustParseAddr(a), uint32(h.clock.now().Unix()), nil) {
		all = append(all, fmt.Sprint(hit.Reason, hit.Prefix, hit.Source, hit.Until))
	}
	slices.Sort(all)
	return all
}

// asHit is an entry as hits has it.
func asHit(e listing.Entry) string {
	return fmt.Sprint(e.Reason, e.Subject.Prefix, e.Source, e.Until.Unix())
}

// Whatever is done to the list: at each instant show and the desk say what the
// served view answers, and later history --at says the same of that instant.
func TestShowAndThenAgreeWithWhatIsServed(t *testing.T) {
	addrs := []string{"192.0.2.7", "192.0.2.8", "192.0.2.77", "2001:db8::7"}
	prefixes := []string{"192.0.2.7", "192.0.2.8", "192.0.2.0/28", "192.0.2.0/24", "2001:db8::7", "2001:db8::/48"}
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		h := newHouseIn(rt, dir)
		about := h.desk(rt).About
		var all []seen
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			h.step(rt.Context(), rt, prefixes)
			h.clock.advance(time.Second * time.Duration(rapid.IntRange(1, 90_000).Draw(rt, "pause")))
			now := seen{at: h.clock.now(), listed: map[string]bool{}}
			for _, a := range addrs {
				now.listed[a] = h.listed(a)
				var shown report.Shown
				if err := h.store.View(t.Context(), func(snap listing.Snapshot) (err error) {
					shown, err = report.Show(snap, h.book.Rules(), subject(a), now.at, nil)
					return err
				}); err != nil {
					rt.Fatal(err)
				}
				if shown.Listed != now.listed[a] {
					rt.Fatalf("show says that %s is listed: %v; it is: %v\n%+v", a, shown.Listed, now.listed[a], shown.Entries)
				}
				known, err := about(t.Context(), netip.MustParseAddr(a))
				if err != nil {
					rt.Fatal(err)
				}
				var told []string
				for _, e := range known.Entries {
					told = append(told, asHit(e.Entry))
				}
				slices.Sort(told)
				if want := h.hits(a); !slices.Equal(told, want) {
					rt.Fatalf("the desk says of %s %v; it is %v", a, told, want)
				}
			}
			all = append(all, now)
			h.clock.advance(time.Second)
		}
		for _, was := range all {
			for _, a := range addrs {
				past, err := h.server.asOf(t.Context(), subject(a), was.at)
				if err != nil {
					rt.Fatal(err)
				}
				if past.Listed != was.listed[a] {
					rt.Fatalf("%s at %s: listed %v, reconstructed as %v\n%+v", a, was.at, was.listed[a], past.Listed, past.Entries)
				}
			}
		}
	})
}

// step does one thing to the list; refusals are no matter here.
func (h *house) step(ctx context.Context, rt *rapid.T, prefixes []string) {
	s := subject(rapid.SampledFrom(prefixes).Draw(rt, "prefix"))
	reason := rapid.SampledFrom([]string{"manual", "helo-bare-ip"}).Draw(rt, "reason")
	life := listing.Life(time.Hour * time.Duration(rapid.IntRange(1, 72).Draw(rt, "hours")))
	var err error
	switch what := rapid.SampledFrom([]string{"add", "add", "except", "delist", "expire", "allow", "disallow", "import", "replace", "drop", "sweep"}).Draw(rt, "step"); what {
	case "add", "except":
		_, err = h.book.Add(ctx, operator("alice"), listing.Add{Subject: s, Reason: reason, Except: what == "except", For: life, Force: true, Note: "why"})
	case "delist":
		_, err = h.book.Delist(ctx, operator("alice"), listing.Delist{Subject: s, Because: listing.Test})
	case "expire":
		_, err = h.book.Expire(ctx, operator("alice"), listing.Expire{Subject: s, In: life})
	case "allow":
		_, err = h.book.Permit(ctx, operator("alice"), listing.Permit{Subject: s, Owner: "bob", Force: true, Note: "ours", Until: h.clock.now().Add(life.Duration())})
	case "disallow":
		_, err = h.book.Permit(ctx, operator("alice"), listing.Permit{Subject: s, Remove: true})
	case "import", "replace":
		_, err = h.book.Import(ctx, operator("alice"), listing.Import{Source: "feed", Replace: what == "replace", For: life}, h.feed(rt, prefixes), nil)
	case "drop":
		_, err = h.book.DropSource(ctx, operator("alice"), "feed", "", listing.Options{})
	case "sweep":
		if edits := h.live.Set().Due(uint32(h.clock.now().Unix()), listing.MaxEdits); len(edits) > 0 {
			err = h.book.Sweep(ctx, daemon("sweep"), edits)
		}
	}
	if err != nil {
		rt.Log(err)
	}
}

// feed is a small file: hosts, prefixes and exceptions of two reasons.
func (h *house) feed(rt *rapid.T, prefixes []string) iter.Seq2[listing.Entry, error] {
	var all []listing.Entry
	for _, text := range rapid.SliceOfDistinct(rapid.SampledFrom(prefixes), rapid.ID).Draw(rt, "lines") {
		e := listing.Entry{Key: listing.Key{Subject: subject(text), Reason: rapid.SampledFrom([]listing.Reason{listing.Manual, listing.BareIP}).Draw(rt, "code")}}
		e.Except = rapid.Bool().Draw(rt, "except")
		if hours := rapid.IntRange(-5, 20).Draw(rt, "until"); hours > 0 {
			e.Until = h.clock.now().Add(time.Duration(hours) * time.Hour).Truncate(time.Second)
		}
		all = append(all, e)
	}
	return func(yield func(listing.Entry, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Entries of equal rank stand in one order, however often it is asked.
func TestThenHasOneOrder(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	for _, source := range []string{"a", "b", "c"} {
		h.importHosts(t, source, 1)
	}
	all := listAll(t, c, report.Query{})
	for range 20 {
		past, err := c.HistoryAt(t.Context(), ctl.At{Subject: all[0].Subject, Time: noon})
		if err != nil {
			t.Fatal(err)
		}
		if len(past.Entries) != 3 || past.Entries[0].Source != "a" || past.Entries[1].Source != "b" {
			t.Fatalf("%+v", past.Entries)
		}
	}
}

func TestThenKnowsWhatResolversMayHaveHad(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	h.add(t, listing.Add{Subject: subject("192.0.2.7"), Reason: "helo-bare-ip", For: listing.Life(time.Hour)})
	h.clock.advance(4 * time.Minute)
	soon := h.clock.now()
	h.clock.advance(4 * time.Minute)
	late := h.clock.now()
	h.clock.advance(2 * time.Hour)
	for _, tt := range []struct {
		at     time.Time
		listed bool
		recent int
	}{{noon.Add(-time.Second), false, 0}, {noon, true, 1}, {soon, true, 1}, {late, true, 0}, {noon.Add(time.Hour), false, 0}} {
		past, err := c.HistoryAt(t.Context(), ctl.At{Subject: subject("192.0.2.7"), Time: tt.at})
		if err != nil {
			t.Fatal(err)
		}
		if past.Listed != tt.listed || len(past.Recent) != tt.recent {
			t.Errorf("at %s: listed %v, recent %+v", tt.at, past.Listed, past.Recent)
		}
	}
}

func TestShowHasAnswersAndEvidence(t *testing.T) {
	h := newHouse(t, func(c *Config) {
		c.Answers = func(a netip.Addr) []report.Answer {
			return []report.Answer{{Zone: "bl.test", A: []netip.Addr{netip.MustParseAddr("127.0.0.2")}, TXT: []string{fmt.Sprint(a, " greeted")}, TTL: 300}}
		}
	})
	c := h.client(t)
	h.add(t, listing.Add{Subject: subject("192.0.2.7"), Reason: "helo-bare-ip", HELO: "192.0.2.7"})
	shown, err := c.Show(t.Context(), subject("192.0.2.7"))
	if err != nil {
		t.Fatal(err)
	}
	if !shown.Listed || len(shown.Entries) != 1 || len(shown.Entries[0].Samples) != 1 || shown.Entries[0].Samples[0].HELO != "192.0.2.7" {
		t.Errorf("%+v", shown)
	}
	if len(shown.Answers) != 1 || shown.Answers[0].TXT[0] != "192.0.2.7 greeted" || len(shown.Changes) != 1 {
		t.Errorf("%+v", shown)
	}
}

func TestStatsAndStatus(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Stats = func() any { return map[string]int{"queries": 7} } })
	c := h.client(t)
	h.add(t, listing.Add{Subject: subject("192.0.2.7"), Reason: "helo-bare-ip", For: listing.Life(time.Hour)})
	h.add(t, listing.Add{Subject: subject("192.0.2.7"), Reason: "manual", Except: true})
	h.importHosts(t, "feed", 3)
	h.clock.advance(time.Minute)
	stats, err := c.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if stats.Entries != 4 || stats.Excepts != 1 || stats.Expiring != 1 || len(stats.Reasons) != 2 || len(stats.Sources) != 2 || stats.Index.Hosts != 4 {
		t.Errorf("%+v", stats)
	}
	if dns, ok := stats.DNS.(map[string]any); !ok || dns["queries"] != 7.0 {
		t.Errorf("DNS: %+v", stats.DNS)
	}
	status, err := c.Status(t.Context())
	if err != nil || status.Version != "1.2.3" || status.Revision != 3 || status.Served != 3 || status.Uptime != "1m" || status.Store.Entries != 2 {
		t.Errorf("%+v, %v", status, err)
	}
	reasons, err := c.Reasons(t.Context())
	if err != nil || len(reasons) != 15 || reasons[0].Code != listing.Network {
		t.Errorf("%d reasons, %v", len(reasons), err)
	}
}

// The client works over any transport.
func TestClientOverATransport(t *testing.T) {
	h := newHouse(t)
	c := h.as(listing.Caller{Name: "carol"})
	out, err := c.Add(t.Context(), listing.Add{Subject: subject("192.0.2.7"), Reason: "helo-bare-ip"})
	if err != nil || out.Entries[0].Actor != "carol" {
		t.Fatalf("%+v, %v", out, err)
	}
	_, err = c.Expire(t.Context(), listing.Expire{Subject: subject("192.0.2.8")})
	isKind(t, err, listing.ErrNotFound, "not-listed")
	h.importHosts(t, "feed", 50_000)
	if got := len(listAll(t, c, report.Query{Origin: listing.ByImport})); got != 50_000 {
		t.Errorf("%d entries", got)
	}
	for range c.List(t.Context(), report.Query{}) {
		break // who stops early leaves nothing behind that waits
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Status(ctx); err == nil {
		t.Error("a canceled request was answered")
	}
}
