package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/report"
	"dnsbld/listing/sensor"
	"dnsbld/listing/sighting"
)

// enter lists a subject past the rules that would keep it out.
func (h *house) enter(t *testing.T, text string) {
	t.Helper()
	edit := listing.Edit{Op: listing.OpList, Key: listing.Key{Subject: subject(text), Reason: listing.Manual}, Until: noon.Add(30 * listing.Day), Origin: listing.ByOperator}
	h.write(t, edit)
}

// write has the store do what no writer would.
func (h *house) write(t *testing.T, e listing.Edit) {
	t.Helper()
	header := listing.Header{ID: rand.Text(), Time: h.clock.now(), Actor: "alice"}
	v, err := h.store.Apply(t.Context(), listing.Request{Header: header, Edits: []listing.Edit{e}})
	if err == nil {
		err = h.live.Wait(t.Context(), v.Revision)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whoever asks for a removal has to be able to reach us: the servers to which
// the desk's mail goes are not listed.
func TestSelfcheckContact(t *testing.T) {
	h, _ := withDesk(t, func(s *desk.Settings) { s.Mail = "desk@mail.example" })
	wants(t, h.graded(t)["contact"], report.Warn, "is not known: DNS is not asked")
	var servers []netip.Addr
	var failed error
	h.server.cfg.MailServers = func(_ context.Context, domain string) ([]netip.Addr, error) {
		if domain != "mail.example" {
			t.Errorf("asked for %q", domain)
		}
		return servers, failed
	}
	servers = []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
	wants(t, h.graded(t)["contact"], report.Pass, "desk@mail.example, and neither its mail servers nor our own are listed")
	h.enter(t, "2001:db8::1")
	wants(t, h.graded(t)["contact"], report.Fail, "2001:db8::1, to which mail for desk@mail.example goes, is listed")
	failed = errors.New("the resolver does not say all of it")
	wants(t, h.graded(t)["contact"], report.Fail, "2001:db8::1")
	servers = servers[:1]
	wants(t, h.graded(t)["contact"], report.Warn, "the resolver does not say all of it")

	nowhere, _ := withDesk(t)
	wants(t, nowhere.graded(t)["contact"], report.Fail, "nowhere to ask")
}

// A ticket that waits for us is due in a day, and too late after seven.
func TestSelfcheckTicketAge(t *testing.T) {
	h, _ := withDesk(t)
	support := h.as(listing.Caller{UID: 1001, Name: "alice", Groups: []uint32{supporters}})
	ticket, err := support.OpenTicket(t.Context(), ctl.TicketCommand{Address: "192.0.2.7"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		age   time.Duration
		grade report.Grade
		says  string
	}{{listing.Day, report.Pass, "for a day"}, {listing.Day + time.Second, report.Warn, ticket.Ticket.ID + " has waited since 2026-11-23T12:00:00Z"},
		{7 * listing.Day, report.Warn, ticket.Ticket.ID}, {7*listing.Day + time.Second, report.Fail, "over 7 days"}} {
		h.clock.ns.Store(noon.Add(c.age).UnixNano())
		wants(t, h.graded(t)["prompt"], c.grade, c.says)
	}
}

// Neither a letter nor the text of a reason may ask for money.
func TestSelfcheckPayment(t *testing.T) {
	letters, err := delist.NewLetters(fstest.MapFS{"removal.tmpl": {Data: []byte("Send a donation of 50 EUR to be removed sooner.")}})
	if err != nil {
		t.Fatal(err)
	}
	h, _ := withDesk(t, func(s *desk.Settings) { s.Letters = letters })
	wants(t, h.graded(t)["payment"], report.Fail, "the letter template removal speaks of money")
	all := listing.DefaultReasons()
	all[0].Text = "is removed for a fee"
	reasons, err := listing.NewReasons(all)
	if err != nil {
		t.Fatal(err)
	}
	rules := h.book.Rules()
	rules.Reasons = reasons
	h.book.SetRules(rules)
	wants(t, h.graded(t)["payment"], report.Fail, "the text of "+all[0].Symbol+" speaks of money")
}

// Canaries, special ranges, and a listing that went out of hand.
func TestSelfcheckMistakes(t *testing.T) {
	h := newHouse(t)
	rules := h.book.Rules()
	rules.Policy.Canaries = []listing.Subject{subject("198.51.100.0/24")}
	h.book.SetRules(rules)
	wants(t, h.graded(t)["canaries"], report.Pass, "none")
	h.enter(t, "198.51.100.9")
	wants(t, h.graded(t)["canaries"], report.Fail, "198.51.100.0/24 is listed, or a part of it")
	h.enter(t, "10.0.0.1")
	wants(t, h.graded(t)["special"], report.Pass, "no private")
	h.live.Protect(nil) // nothing hides it any more
	wants(t, h.graded(t)["special"], report.Fail, "10.0.0.1 is listed")

	wants(t, h.graded(t)["rate"], report.Pass, "nothing is listed automatically")
	h.server.cfg.Sensor = breaking{breaker: sighting.Breaker{Open: true, Listed: 101, Limit: 100}}
	wants(t, h.graded(t)["rate"], report.Fail, "101 listings in an hour, 100 are the limit")
}

// breaking is a sensor of which only the breaker is looked at.
type breaking struct {
	Sensor
	breaker sighting.Breaker
}

func (b breaking) Status() ctl.SensorStatus {
	return ctl.SensorStatus{Status: sensor.Status{Status: sighting.Status{Breaker: b.breaker}}}
}

// A record that is altered on disk shows.
func TestSelfcheckAudit(t *testing.T) {
	dir := t.TempDir()
	h := newHouseIn(t, dir)
	const note, other = "a note that was written", "a note that was altered"
	h.add(t, listing.Add{Subject: subject("192.0.2.7"), Reason: "manual", Note: note})
	wants(t, h.graded(t)["audit"], report.Pass, "verifies")
	path := filepath.Join(dir, "listings.db")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := false
	for at := 0; ; at += len(note) {
		n := bytes.Index(raw[at:], []byte(note))
		if n < 0 {
			break
		}
		at += n
		if _, err := f.WriteAt([]byte(other), int64(at)); err != nil {
			t.Fatal(err)
		}
		found = true
	}
	if !found {
		t.Fatal("the note is not in the file as it was written")
	}
	wants(t, h.graded(t)["audit"], report.Fail, "the audit does not verify")
}
