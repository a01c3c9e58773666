package sighting

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
)

const sender = "192.0.2.7"

// seen is sessions of one kind: n of them, each (i) with a target and receiver
// out of so many in turn, spread over so many clock hours.
type seen struct {
	n         int
	kind      kind
	targets   int
	receivers int
	hours     int
}

func (d *desk) spread(s seen) {
	d.Helper()
	for i := range s.n {
		more := []detail{by(fmt.Sprintf("mx%d", 1+i%max(s.receivers, 1))), at(-time.Hour*time.Duration(i%max(s.hours, 1)) - time.Duration(i)*time.Second)}
		if s.targets > 0 {
			more = append(more, saying(fmt.Sprintf("t%d.%s", i%s.targets, s.kind.name)))
		}
		d.see(sender, s.kind, more...)
	}
}

// Every line of the table of thresholds, both sides of every border.
func TestThresholds(t *testing.T) {
	both := []string{"mx1", "mx2"}
	one := []string{"mx1"}
	cases := []struct {
		name    string
		reports []string // receivers of the last seven days
		seen    []seen
		lists   bool
	}{
		{"our-ip: 1 session", both, []seen{{1, ourIP, 0, 1, 1}}, false},
		{"our-ip: 2 sessions, 1 target, 1 receiver", both, []seen{{2, ourIP, 0, 1, 1}}, false},
		{"our-ip: 2 sessions, 2 of our addresses", both, []seen{{2, ourIP, 2, 1, 1}}, true},
		{"our-ip: 2 sessions, 2 receivers", both, []seen{{2, ourIP, 0, 2, 1}}, true},
		{"our-ip: 4 sessions", both, []seen{{4, ourIP, 0, 1, 1}}, false},
		{"our-ip: 5 sessions", both, []seen{{5, ourIP, 0, 1, 1}}, true},
		{"our-ip alone: 3 sessions, 2 of our addresses", one, []seen{{3, ourIP, 2, 1, 1}}, false},
		{"our-ip alone: 4 sessions, 2 of our addresses", one, []seen{{4, ourIP, 2, 1, 1}}, true},
		{"our-ip alone: 9 sessions", one, []seen{{9, ourIP, 0, 1, 1}}, false},
		{"our-ip alone: 10 sessions", one, []seen{{10, ourIP, 0, 1, 1}}, true},

		{"our-name: 1 session", both, []seen{{1, ourName, 0, 1, 1}}, false},
		{"our-name: 2 sessions, 2 of our names", both, []seen{{2, ourName, 2, 1, 1}}, true},
		{"our-name: 2 sessions, 2 receivers", both, []seen{{2, ourName, 0, 2, 1}}, true},
		{"our-name: 4 sessions", both, []seen{{4, ourName, 0, 1, 1}}, false},
		{"our-name: 5 sessions", both, []seen{{5, ourName, 0, 1, 1}}, true},
		{"each for itself", both, []seen{{4, ourName, 0, 1, 1}, {1, ourIP, 0, 1, 1}}, false},

		{"rcpt-domain: 4 sessions, 2 domains", both, []seen{{4, rcpt, 2, 1, 1}}, false},
		{"rcpt-domain: 5 sessions, 2 domains", both, []seen{{5, rcpt, 2, 1, 1}}, true},
		{"rcpt-domain: 9 sessions, 1 domain, 3 receivers", both, []seen{{9, rcpt, 0, 3, 1}}, false},
		{"rcpt-domain: 10 sessions, 1 domain, 3 receivers", both, []seen{{10, rcpt, 0, 3, 1}}, true},
		{"rcpt-domain: 10 sessions, 1 domain, 2 receivers", both, []seen{{10, rcpt, 0, 2, 1}}, false},
		{"rcpt-domain alone: 9 sessions, 2 domains", one, []seen{{9, rcpt, 2, 1, 1}}, false},
		{"rcpt-domain alone: 10 sessions, 2 domains", one, []seen{{10, rcpt, 2, 1, 1}}, true},
		{"split-domain host, one receiver: never by volume", one, []seen{{450, rcpt, 0, 1, 10}}, false},

		{"bare-ip: 4 sessions", both, []seen{{4, bare, 0, 2, 2}}, false},
		{"bare-ip: 5 sessions", both, []seen{{5, bare, 0, 2, 2}}, true},
		{"bare-ip: 5 sessions in 1 hour", both, []seen{{5, bare, 0, 2, 1}}, false},
		{"bare-ip: 5 sessions on 1 receiver", both, []seen{{5, bare, 0, 1, 2}}, false},
		{"bare-ip: 25 %", both, []seen{{5, bare, 0, 2, 2}, {15, clean, 0, 2, 2}}, true},
		{"bare-ip: 23.8 %", both, []seen{{5, bare, 0, 2, 2}, {16, clean, 0, 2, 2}}, false},
		{"bare-ip: 24.9 %", both, []seen{{81, bare, 0, 2, 3}, {244, clean, 0, 2, 2}}, false},
		{"bare-ip: notes are sessions too", both, []seen{{5, bare, 0, 2, 2}, {16, mismatch, 0, 2, 2}}, false},
		{"bare-ip: exempt sessions are none", both, []seen{{5, bare, 0, 2, 2}, {99, exempt, 0, 2, 2}}, true},
		{"bare-ip alone: 9 sessions", one, []seen{{9, bare, 0, 1, 2}}, false},
		{"bare-ip alone: 10 sessions", one, []seen{{10, bare, 0, 1, 2}}, true},
		{"bare-ip alone: 10 sessions in 1 hour", one, []seen{{10, bare, 0, 1, 1}}, false},

		{"forged-literal: 9 sessions, 3 literals", both, []seen{{9, forged, 3, 1, 1}}, false},
		{"forged-literal: 10 sessions, 2 literals", both, []seen{{10, forged, 2, 1, 1}}, false},
		{"forged-literal: 10 sessions, 3 literals", both, []seen{{10, forged, 3, 1, 1}}, true},
		{"forged-literal alone: 19 sessions", one, []seen{{19, forged, 3, 1, 1}}, false},
		{"forged-literal alone: 20 sessions", one, []seen{{20, forged, 3, 1, 1}}, true},

		{"notes never", both, []seen{{400, mismatch, 40, 3, 10}, {400, private, 40, 3, 10}}, false},
		{"weak never", both, []seen{{400, local, 0, 3, 10}}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t).reports(c.reports...)
			for _, s := range c.seen {
				d.spread(s)
			}
			if got := d.settle(); (len(got) == 1) != c.lists || len(got) > 1 {
				f, _ := d.Facts(key(sender, 2).Subject)
				t.Errorf("listed %q; %+v", got, f.Decisions)
			}
		})
	}
}

func TestSoleReceiverSevenDays(t *testing.T) {
	d := newDesk(t)
	d.reports("mx1")
	d.see("198.51.100.250", clean, by("mx2"))
	if d.Status().Sole {
		t.Error("two receivers have reported")
	}
	d.now = d.now.Add(soleSpan - time.Second)
	d.reports("mx1")
	if d.Status().Sole {
		t.Error("the second receiver reported within seven days")
	}
	d.now = d.now.Add(time.Second)
	if s := d.Status(); !s.Sole || !slices.Equal(s.Receivers, []string{"mx1"}) {
		t.Errorf("after seven days: %+v", s)
	}
}

func TestWindowEndsAtNewestSession(t *testing.T) {
	for _, c := range []struct {
		name  string
		first time.Duration // of the first of five sessions, before the newest
		lists bool
	}{{"within", window - time.Second, true}, {"a day before", window, false}} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t).reports("mx1", "mx2")
			d.see(sender, ourIP, at(-c.first))
			d.sees(4, sender, ourIP)
			if got := d.settle(); (len(got) == 1) != c.lists {
				t.Errorf("listed %q", got)
			}
		})
	}
	t.Run("a clean session moves it", func(t *testing.T) {
		d := newDesk(t).reports("mx1", "mx2")
		d.sees(5, sender, ourIP, at(-25*time.Hour))
		d.see(sender, clean)
		d.want()
	})
}

func TestWhatDoesNotCount(t *testing.T) {
	for _, c := range []struct {
		name string
		more detail
		out  Outcome
	}{
		{"48 hours old", at(-countable), Counted},
		{"older", at(-countable - time.Second), Late},
		{"a clock ahead", at(skew), Counted},
		{"in the future", at(skew + time.Second), Future},
		{"a year old", at(-365 * listing.Day), Dropped},
		{"far in the future", at(365 * listing.Day), Dropped},
		{"no id", called(""), Invalid},
		{"no receiver", by(""), Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t).reports("mx1", "mx2")
			for i := range 6 {
				more := []detail{c.more}
				if c.out != Invalid {
					more = append(more, called(fmt.Sprint("x", i)))
				}
				if out := d.see(sender, ourIP, more...); out != c.out {
					t.Errorf("outcome %s, want %s", out, c.out)
				}
			}
			if got := d.settle(); (len(got) == 1) != (c.out == Counted) {
				t.Errorf("listed %q", got)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	if err := DefaultThresholds().Validate(); err != nil {
		t.Error(err)
	}
	bad := Thresholds{
		listing.Manual:   {Sessions: 5},
		listing.BareIP:   {Sessions: 0, Hours: 25, Share: 1.5},
		listing.RcptName: {Sessions: 501, Also: []Alternative{{}}},
		listing.OurIP:    {Sessions: 5, Receivers: -1},
	}
	err := bad.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"reason 20", "helo-bare-ip", "sessions = 0", "hours = 25", "share = 1.5", "sessions = 501", "asks for nothing", "receivers = -1"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}

func TestSole(t *testing.T) {
	got, possible := Threshold{Sessions: 5, Hours: 2, Receivers: 3, Targets: 4, Share: 0.5,
		Also: []Alternative{{Receivers: 2}, {Sessions: 7, Receivers: 1}, {Targets: 3}}}.Sole()
	want := Threshold{Sessions: 10, Hours: 2, Receivers: 1, Targets: 4, Share: 0.5,
		Also: []Alternative{{Sessions: 14, Receivers: 1}, {Targets: 3}}}
	if !possible || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	lapsed := Threshold{Sessions: 5, Also: []Alternative{{Receivers: 2}}}
	if _, possible := lapsed.Sole(); possible {
		t.Error("every alternative has lapsed")
	}
	if lacks := lapsed.lacks(Tally{Sessions: 99, All: 99, Receivers: 9}, true); len(lacks) != 1 {
		t.Errorf("lacks %q", lacks)
	}
}

func TestSymbols(t *testing.T) {
	named := DefaultThresholds().BySymbol()
	if named["helo-bare-ip"].Share != 0.25 || len(named) != len(DefaultThresholds()) {
		t.Errorf("%+v", named)
	}
	if back, err := FromSymbols(named); err != nil || !reflect.DeepEqual(back, DefaultThresholds()) {
		t.Errorf("%+v, %v", back, err)
	}
	if _, err := FromSymbols(map[string]Threshold{"manual": {}}); err == nil {
		t.Error("no error")
	}
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		t.Fatal(err)
	}
	for r, symbol := range eachCounted {
		if info, ok := reasons.Info(r); !ok || info.Symbol != symbol || info.Published == shadowOnly(r) {
			t.Errorf("%d %s is %+v in the catalogue", r, symbol, info)
		}
	}
}

func TestSentences(t *testing.T) {
	tally := Tally{Sessions: 4, All: 30, Hours: 1, Receivers: 1, Targets: 1}
	c := Counters{Reasons: map[listing.Reason]Tally{listing.BareIP: tally, listing.RcptName: {Sessions: 5, All: 5, Targets: 2, Receivers: 1, Hours: 1}}}
	got := map[listing.Reason]string{}
	for _, d := range Evaluate(c, DefaultThresholds(), false) {
		got[d.Reason] = d.Sentence
	}
	want := map[listing.Reason]string{
		listing.BareIP:   "4 of 30 sessions within 24 hours were helo-bare-ip; that does not list: 4 of 5 sessions, 1 of 2 clock hours, 1 of 2 receivers, 13.3 % of the sessions, not 25 %.",
		listing.RcptName: "5 of 5 sessions within 24 hours were helo-rcpt-domain, in 1 clock hour, on 1 receiver, with 2 targets.",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
