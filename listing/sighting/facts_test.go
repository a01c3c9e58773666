package sighting

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

func TestFacts(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(3, sender, bare, at(-26*time.Hour))
	d.sees(2, sender, clean, at(-25*time.Hour))
	d.sees(1, sender, unverified, at(-25*time.Hour))
	d.sees(4, sender, bare, at(-time.Hour), by("mx2"))
	d.sees(5, sender, clean, at(-time.Minute))
	d.sees(6, sender, exempt)
	d.sees(7, sender, mismatch, at(-3*listing.Day))
	f := d.facts(sender)
	if f.Sessions != 22 || f.Bogus != 7 || f.Clean != 8 || f.Confirmed != 7 || f.Exempt != 6 {
		t.Errorf("sessions %d bogus %d clean %d confirmed %d exempt %d", f.Sessions, f.Bogus, f.Clean, f.Confirmed, f.Exempt)
	}
	if !f.LastBogus.Equal(epoch.Add(-time.Hour)) || !f.LastClean.Equal(epoch.Add(-time.Minute)) || f.ConfirmedSince != 5 {
		t.Errorf("last bogus %s, last clean %s, %d confirmed since", f.LastBogus, f.LastClean, f.ConfirmedSince)
	}
	if f.Mixed != 0 || f.Before != 3 {
		t.Errorf("%d confirmed and %d sessions in the 24 hours before", f.Mixed, f.Before)
	}
	if len(f.Days) != keptDays || !f.Days[29].Day.Equal(epoch.Truncate(listing.Day)) {
		t.Fatalf("days %+v", f.Days)
	}
	today, yesterday, earlier := f.Days[29], f.Days[28], f.Days[26]
	if today.Bogus != 4 || today.Clean != 5 || today.Other != 0 || today.ByCode[helo.CodeExemptAuth] != 6 || today.ByCode[helo.CodeBareIP] != 4 {
		t.Errorf("today %+v", today)
	}
	if yesterday.Bogus != 3 || yesterday.Clean != 3 || earlier.Other != 7 {
		t.Errorf("yesterday %+v, earlier %+v", yesterday, earlier)
	}
	if !slices.Equal(f.Receivers, []string{"mx1", "mx2"}) || len(f.Samples) != 7 || f.Samples[0].Receiver != "mx2" {
		t.Errorf("receivers %q, samples %+v", f.Receivers, f.Samples)
	}
	want := []HELOCount{{"mail.sender.example", 8, 0}, {"203.0.113.9", 7, 7}, {"host.elsewhere.example", 7, 0}}
	if !slices.Equal(f.HELOs, want) {
		t.Errorf("greetings %+v", f.HELOs)
	}
	if len(f.Decisions) != 1 || f.Decisions[0].Sessions != 4 || f.Decisions[0].All != 9 || f.Decisions[0].Crossed {
		t.Errorf("decisions %+v", f.Decisions)
	}
	if _, err := d.Facts(key("192.0.2.0/24", 2).Subject); !errors.Is(err, listing.ErrInvalid) {
		t.Errorf("error %v", err)
	}
	if f := d.facts("192.0.2.99"); f.Sessions != 0 || f.Diagnosis != CannotTell || !f.LastBogus.IsZero() {
		t.Errorf("unknown address: %+v", f)
	}
}

func TestFactsOfLateSessions(t *testing.T) {
	d := newDesk(t)
	d.sees(3, sender, ourIP, at(-10*listing.Day))
	d.see(sender, ourIP, at(time.Hour)) // by a clock that is wrong
	if f := d.facts(sender); !f.LastBogus.Equal(epoch.Add(-10*listing.Day)) || f.Bogus != 4 || len(f.Decisions) != 0 {
		t.Errorf("%+v", f)
	}
}

func TestMixedTraffic(t *testing.T) {
	d := newDesk(t)
	d.sees(2, sender, clean, at(-25*time.Hour))
	d.sees(3, sender, clean, at(-23*time.Hour))
	d.see(sender, bare)
	if f := d.facts(sender); f.Mixed != 3 || f.Before != 3 || f.ConfirmedSince != 0 {
		t.Errorf("%+v", f)
	}
}

// Of the domains that a session was for, only the one that it greeted with is
// kept.
func TestTargetsKeepNoStrangersDomains(t *testing.T) {
	d := newDesk(t)
	d.see(sender, ourIP)
	d.see(sender, rcpt, func(o *Observation) {
		o.HELO = "one.example"
		o.Verdict = helo.Classify(helo.Session{Client: o.Client, HELO: o.HELO, HELOStatus: helo.NXDomain, PTRStatus: helo.NXDomain, Hosted: []string{"secret.example", "one.example"}, Recipients: []string{"secret.example", "one.example"}})
	})
	f := d.facts(sender)
	if !slices.Equal(f.Targets, []Target{{listing.OurIP, ourIP.name}, {listing.RcptName, "one.example"}}) {
		t.Errorf("%+v", f.Targets)
	}
	if raw, err := json.Marshal(f); err != nil || bytes.Contains(raw, []byte("secret")) {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestDiagnosis(t *testing.T) {
	for _, c := range []struct {
		name string
		seen func(d *desk)
		want Diagnosis
	}{
		{"nothing", func(d *desk) {}, CannotTell},
		{"two bogus", func(d *desk) { d.sees(2, sender, bare) }, CannotTell},
		{"one HELO, all bogus", func(d *desk) { d.sees(3, sender, bare) }, MisSet},
		{"a clean name and a bogus minority", func(d *desk) { d.sees(3, sender, bare); d.sees(4, sender, clean) }, SecondHost},
		{"half bogus", func(d *desk) { d.sees(3, sender, bare); d.sees(3, sender, clean) }, CannotTell},
		{"a bogus majority", func(d *desk) { d.sees(4, sender, bare); d.sees(3, sender, clean) }, CannotTell},
		{"follows the recipient", func(d *desk) { d.sees(3, sender, rcpt); d.see(sender, rcpt, saying("two.example")) }, FollowsRecipient},
		{"our own address", func(d *desk) { d.sees(3, sender, ourIP) }, FollowsRecipient},
		{"our own address now and then", func(d *desk) { d.sees(1, sender, ourIP); d.sees(4, sender, bare) }, CannotTell},
		{"one recipient's domain", func(d *desk) { d.sees(4, sender, rcpt) }, MisSet},
		{"many names", func(d *desk) {
			d.sees(3, sender, bare)
			for i := range 7 {
				d.see(sender, mismatch, saying(fmt.Sprint("h", i)))
			}
		}, ManyNames},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			c.seen(d)
			got := d.facts(sender).Diagnosis
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if s := got.Sentence() + strings.Join(got.Steps(), " "); len(s) < 200 || strings.Contains(s, "virus") {
				t.Errorf("it says %q", s)
			}
		})
	}
}

func TestTopGreetings(t *testing.T) {
	d := &day{}
	for i := range 200 {
		d.greet(3, "often", i%2 == 0)
		d.greet(3, fmt.Sprint("rare", i), true)
	}
	if len(d.greets) > keptGreetings {
		t.Errorf("%d kept", len(d.greets))
	}
	n := &record{days: []*day{d}}
	if top := n.top()[0]; top.HELO != "often" || top.Count != 200 || top.Bogus != 100 {
		t.Errorf("%+v", top)
	}
	d.greet(4, strings.Repeat("\xff", 500), false)
	if g := d.greets[len(d.greets)-1]; g.hour != 4 || len(g.name) > shownHELO || g.name[:4] != `\xff` {
		t.Errorf("%+v", g)
	}
}

func TestSimulate(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(5, sender, ourIP)      // under both
	d.sees(3, "192.0.2.8", ourIP) // under the other ones
	d.sees(9, "192.0.2.8", clean) //
	d.sees(4, "192.0.2.9", ourIP, at(-10*listing.Day))
	d.sees(10, "192.0.2.10", forged, at(-time.Minute)) // under neither: one literal
	d.sees(9, "192.0.2.11", ourName)                   // under the present ones
	for i := range 4 {
		d.see(fmt.Sprintf("2001:db8::%d", i), ourIP)
	}
	d.sees(30, "192.0.2.12", ourIP, at(-45*time.Hour))
	d.sees(30, "192.0.2.12", clean)
	d.see("192.0.2.13", ourIP, at(-window)) // just outside the window of the others
	d.sees(2, "192.0.2.13", ourIP)
	d.flush()
	other := DefaultThresholds()
	other[listing.OurIP] = Threshold{Sessions: 3}
	other[listing.OurName] = Threshold{Sessions: 10}
	s, err := Simulate(Recall(d.file), DefaultThresholds(), other, false)
	if err != nil {
		t.Fatal(err)
	}
	names := func(list []Simulated) (all []string) {
		for _, x := range list {
			all = append(all, fmt.Sprintf("%s %s %d", x.Subject.Text(), d.rules.Reasons.Symbol(x.Reason), x.Confirmed))
		}
		return all
	}
	// Late sessions were never counted, so they are not replayed.
	if got, want := names(s.Added), []string{"192.0.2.8 helo-our-ip 9", "2001:db8::/64 helo-our-ip 0"}; !slices.Equal(got, want) {
		t.Errorf("added %q, want %q", got, want)
	}
	if got, want := names(s.Removed), []string{"192.0.2.11 helo-our-name 0"}; !slices.Equal(got, want) {
		t.Errorf("removed %q, want %q", got, want)
	}
	if s.Kept != 2 || s.Clean != 1 || s.Networks != 9 {
		t.Errorf("%+v", s)
	}
	same, err := Simulate(Recall(d.file), other, other, false)
	if err != nil || len(same.Added)+len(same.Removed) > 0 || same.Kept != 4 {
		t.Errorf("%+v, %v", same, err)
	}
}

// A mail server that is right comes first, whatever the other machine says.
func TestAccount(t *testing.T) {
	for _, c := range []struct {
		name  string
		seen  func(d *desk)
		wants []string
	}{
		{"a proper server, and one that claims to be ours", func(d *desk) { d.sees(55, sender, clean); d.sees(9, sender, ourIP) }, []string{
			"Your mail server mail.sender.example greeted properly in all 55 sessions; leave it alone.",
			"Another machine behind 192.0.2.7 claimed to be our server 9 times and is probably infected."}},
		{"the other one was seen once", func(d *desk) { d.sees(5, sender, clean); d.sees(1, sender, bare) }, []string{
			"Your mail server mail.sender.example greeted properly in all 5 sessions; leave it alone.",
			"Another machine or program behind 192.0.2.7 once gave an IP address instead of its name; that is the one to find."}},
		{"not all of it is right", func(d *desk) { d.sees(9, sender, clean); d.sees(2, sender, rcpt); d.sees(1, sender, mismatch) }, []string{
			"Your mail server mail.sender.example greeted properly in 9 sessions; leave it alone.",
			"Another machine behind 192.0.2.7 claimed 2 times to be the very domain that it wrote to and is probably infected."}},
		{"a name that is wrong and does no harm is not vouched for", func(d *desk) {
			d.sees(60, sender, clean)
			d.sees(40, sender, mismatch, saying("server.lan"))
			d.sees(3, sender, ourIP)
		}, []string{"Mail servers behind 192.0.2.7 greeted properly in 60 sessions; leave them alone.",
			"Another machine behind 192.0.2.7 claimed to be our server 3 times and is probably infected."}},
		{"no majority", func(d *desk) { d.sees(3, sender, clean); d.sees(4, sender, bare) }, []string{CannotTell.Sentence()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			c.seen(d)
			var got []string
			for _, s := range d.facts(sender).Account().Sentences(sender) {
				got = append(got, s.String())
			}
			if !slices.Equal(got, c.wants) {
				t.Errorf("got  %q\nwant %q", got, c.wants)
			}
		})
	}
	if !MisSet.ServerAtFault() || SecondHost.ServerAtFault() || FollowsRecipient.ServerAtFault() || ManyNames.ServerAtFault() {
		t.Error("who is at fault")
	}
}
