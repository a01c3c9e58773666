package server

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"
	"dnsbld/listing/report"
)

// A check that comes while the list is being loaded waits for it, though not for
// ever.
func TestSelfcheckWaitsForTheList(t *testing.T) {
	live := index.NewLive()
	h := newHouse(t, func(c *Config) { c.Live = live })
	synctest.Test(t, func(t *testing.T) {
		if _, err := h.server.selfcheck(t.Context(), operator("alice")); !errors.Is(err, listing.ErrUnavailable) {
			t.Errorf("never loaded: %v", err)
		}
		time.AfterFunc(loadTime/2, func() {
			if err := live.Load(t.Context(), h.store); err != nil {
				t.Error(err)
			}
		})
		if _, err := h.server.selfcheck(t.Context(), operator("alice")); err != nil {
			t.Errorf("loaded meanwhile: %v", err)
		}
	})
}

// graded is how the checks come out, by name.
func (h *house) graded(t *testing.T) map[string]report.Check {
	t.Helper()
	all, err := h.as(listing.Caller{Name: "root"}).Selfcheck(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]report.Check{}
	for _, c := range all {
		if c.Section == "" || c.Text == "" || byName[c.Name].Name != "" {
			t.Errorf("%+v", c)
		}
		byName[c.Name] = c
	}
	return byName
}

func wants(t *testing.T, got report.Check, grade report.Grade, says string) {
	t.Helper()
	if got.Grade != grade || !strings.Contains(got.Text, says) {
		t.Errorf("%s: %s %q, want %s that says %q", got.Name, got.Grade, got.Text, grade, says)
	}
}

// Name servers are asked, and how far one is behind is told in time.
func TestSelfcheckNameServers(t *testing.T) {
	var answers []report.ServerSerial
	zones := []report.Zone{{Name: "bl.test", NS: []string{"ns1.bl.test", "ns2.bl.test"}, Page: "https://bl.example/"}}
	h := newHouse(t, func(c *Config) {
		c.Zones = func() []report.Zone { return zones }
		c.Serials = func(context.Context) []report.ServerSerial { return answers }
	})
	add := func(a string) uint32 {
		t.Helper()
		s, err := listing.ParseSubject(a)
		if err != nil {
			t.Fatal(err)
		}
		res, err := h.book.Add(t.Context(), operator("alice"), listing.Add{Subject: s, Reason: "manual"})
		if err != nil {
			t.Fatal(err)
		}
		return uint32(res.Revision)
	}
	first := add("192.0.2.7")
	h.clock.advance(time.Minute)
	head := add("192.0.2.8")
	both := func(serial uint32, err error) {
		answers = []report.ServerSerial{{Zone: "bl.test", Server: "ns1.bl.test", Serial: head}, {Zone: "bl.test", Server: "ns2.bl.test", Serial: serial, Err: err}}
	}
	for name, c := range map[string]struct {
		serial uint32
		err    error
		after  time.Duration // since the last change
		grade  report.Grade
		says   string
	}{
		"in step":         {head, nil, 24 * time.Hour, report.Pass, "all 2 answer with its serial"},
		"a moment behind": {first, nil, time.Minute, report.Pass, "all 2"},
		"minutes behind":  {first, nil, 5 * time.Minute, report.Warn, fmt.Sprintf("ns2.bl.test has serial %d", first)},
		"hours behind":    {first, nil, 2 * time.Hour, report.Fail, "misses what changed since 2026-11-23T12:01:00Z"},
		"ahead":           {head + 7, nil, 0, report.Warn, "ahead of ours"},
		"silent":          {0, errors.New("does not answer"), 0, report.Warn, "ns2.bl.test: does not answer"},
	} {
		h.clock.ns.Store(noon.Add(time.Minute + c.after).UnixNano())
		both(c.serial, c.err)
		t.Run(name, func(t *testing.T) { wants(t, h.graded(t)["name-servers"], c.grade, c.says) })
	}
	zones[0].NS = zones[0].NS[:1]
	both(head, nil)
	wants(t, h.graded(t)["name-servers"], report.Warn, "has 1 name servers, and two are needed")
}

func TestSelfcheckFindsWhatIsWrong(t *testing.T) {
	var unpublished error
	listed := map[string]bool{"127.0.0.2": true, "::ffff:127.0.0.2": true}
	h := newHouse(t, func(c *Config) {
		c.Zones = func() []report.Zone { return []report.Zone{{Name: "bl.test", Page: "https://bl.example/"}} }
		c.Criteria = func() error { return unpublished }
		c.Answers = func(a netip.Addr) []report.Answer {
			answer := report.Answer{Zone: "bl.test"}
			if listed[a.String()] {
				answer.A = []netip.Addr{netip.MustParseAddr("127.0.0.2")}
			}
			return []report.Answer{answer}
		}
	})
	for name, c := range h.graded(t) {
		if c.Grade == report.Fail {
			t.Errorf("an empty list: %s fails: %s", name, c.Text)
		}
	}
	unpublished = errors.New("the threshold of helo-bare-ip")
	listed["127.0.0.1"] = true
	for octet := range 20 { // a good part of the world
		s, err := listing.ParseSubject(fmt.Sprintf("%d.0.0.0/8", 20+octet))
		if err != nil {
			t.Fatal(err)
		}
		edit := listing.Edit{Op: listing.OpList, Key: listing.Key{Subject: s, Reason: listing.Manual}, Until: noon.Add(200 * listing.Day), Origin: listing.ByOperator}
		h.write(t, edit)
	}
	got := h.graded(t)
	wants(t, got["criteria"], report.Fail, "not those in force: the threshold of helo-bare-ip")
	wants(t, got["test-points"], report.Fail, "127.0.0.1 in bl.test: listed is true")
	wants(t, got["width"], report.Fail, "20.0.0.0/8 is wider than anything may be")
	wants(t, got["temporary"], report.Fail, "lives longer than")
	wants(t, got["shutdown"], report.Fail, "20 of 221 addresses all over the world")
	wants(t, got["size"], report.Warn, "7.81 %")
	wants(t, got["canaries"], report.Warn, "no canaries are named")
	wants(t, got["audit"], report.Pass, "verifies")
	wants(t, got["special"], report.Pass, "no private")
}

// An allow entry from before there were bounds may hide the whole list.
func TestSelfcheckHidden(t *testing.T) {
	h := newHouse(t)
	for n := range 40 {
		h.add(t, listing.Add{Subject: listing.HostSubject(netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})), Reason: "manual"})
	}
	wants(t, h.graded(t)["hidden"], report.Pass, "no allow entry hides")
	for prefix, want := range map[string]report.Grade{"192.0.2.0/28": report.Warn, "0.0.0.0/0": report.Fail} {
		allow := listing.Allow{Subject: subject(prefix), Owner: "bob"}
		if _, err := h.book.Do(t.Context(), listing.Caller{Name: "dnsbld", Role: listing.Daemon}, "", []listing.Edit{{Op: listing.OpAllow, Allow: &allow}}); err != nil {
			t.Fatal(err)
		}
		wants(t, h.graded(t)["hidden"], want, "of 40 listed entries are hidden")
		wants(t, h.graded(t)["hidden"], want, "by the allow entry for "+prefix+", owner bob")
		if _, err := h.as(listing.Caller{Name: "root"}).Permit(t.Context(), listing.Permit{Subject: subject(prefix), Remove: true}); err != nil {
			t.Fatal(err)
		}
	}
}
