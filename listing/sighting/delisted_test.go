package sighting

import (
	"errors"
	"testing"
	"time"

	"dnsbld/listing"
)

func TestDelistedStaysDelisted(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(20, sender, ourIP)
	d.settle()
	d.now = d.now.Add(10 * time.Minute)
	d.do(listing.Edit{Op: listing.OpDelist, Key: key(sender, listing.OurIP), Because: listing.OurError})
	d.sees(20, sender, ourIP, at(-time.Minute)) // a log that lags
	d.want()
	d.now = d.now.Add(10 * time.Second)
	d.sees(4, sender, ourIP)
	d.want()
	d.see(sender, ourIP)
	d.want(sender + " helo-our-ip")
	if e := d.entry(sender, listing.OurIP); e.Level != 1 {
		t.Errorf("level %d after our own error", e.Level)
	}
}

// After downtime the sweep records an end late: sessions from between the end
// and its record list again, those from before do not.
func TestSweptLate(t *testing.T) {
	for _, after := range []bool{false, true} {
		d := newDesk(t).reports("mx1", "mx2")
		e := listing.Entry{Key: key(sender, listing.OurIP), Since: epoch.Add(-48 * time.Hour), Until: epoch.Add(-6 * time.Hour), Origin: listing.ByThreshold}
		d.Changed(listing.Change{Kind: listing.EntryChange, Header: &listing.Header{Time: epoch.Add(-time.Minute)}, Before: &e})
		if !after {
			d.sees(5, sender, ourIP, at(-7*time.Hour))
			d.want()
			continue
		}
		d.sees(5, sender, ourIP, at(-3*time.Hour))
		d.want(sender + " helo-our-ip")
	}
}

func TestDelistedBeforeRestart(t *testing.T) {
	var ended time.Time
	d := newDesk(t, func(o *Options) {
		o.Ended = func(k listing.Key) (time.Time, error) {
			if k != key(sender, listing.OurIP) {
				return time.Time{}, nil
			}
			return ended, nil
		}
	}).reports("mx1", "mx2")
	d.sees(20, sender, ourIP)
	ended = d.now.Add(time.Second)
	d.want()
	d.now = d.now.Add(time.Minute)
	d.sees(5, sender, ourIP)
	d.want(sender + " helo-our-ip")
}

func TestLatestEnd(t *testing.T) {
	k := key(sender, listing.OurIP)
	entry, except := &listing.Entry{Key: k}, &listing.Entry{Key: k, Except: true}
	feed := &listing.Entry{Key: listing.Key{Subject: k.Subject, Reason: k.Reason, Source: "feed"}}
	when := func(h int) *listing.Header { return &listing.Header{Time: epoch.Add(time.Duration(h) * time.Hour)} }
	changes := []listing.Change{
		{Kind: listing.EntryChange, Header: when(1), After: entry},
		{Kind: listing.EntryChange, Header: when(2), Before: entry},
		{Kind: listing.EntryChange, Header: when(3), After: except},
		{Kind: listing.EntryChange, Header: when(4), Before: except, After: entry},
		{Kind: listing.EntryChange, Header: when(5), Before: feed},
		{Kind: listing.EntryChange, Header: when(6), Before: entry, After: entry},
		{Kind: listing.AllowChange, Header: when(7)},
	}
	for n, want := range []int{0, 0, 2, 3, 3, 3, 3, 3} {
		got, err := LatestEnd(k, func(yield func(listing.Change, error) bool) {
			for _, c := range changes[:n] {
				if !yield(c, nil) {
					return
				}
			}
		})
		if w := when(want).Time; err != nil || got != w && want != 0 || want == 0 && !got.IsZero() {
			t.Errorf("after %d changes: %s, %v", n, got, err)
		}
	}
}

func TestNeverListed(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.rules.Policy.Never = []listing.Protected{{Subject: key("192.0.2.0/28", 2).Subject, Why: "is ours"}}
	allowed := listing.Allow{Subject: key("198.51.100.0/24", 2).Subject, Until: epoch.Add(time.Hour)}
	d.Changed(listing.Change{Kind: listing.AllowChange, AllowAfter: &allowed})
	for _, a := range []string{sender, "198.51.100.1", "64:ff9b::1"} {
		d.sees(10, a, ourIP)
	}
	d.want()
	d.now = d.now.Add(2 * time.Hour)
	d.sees(10, "198.51.100.1", ourIP)
	d.want("198.51.100.1 helo-our-ip")
	d.Changed(listing.Change{Kind: listing.AllowChange, AllowBefore: &allowed})
}

func TestExceptionIsReplacedByNewEvidence(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(5, sender, ourIP, at(-time.Minute))
	d.do(listing.Edit{Op: listing.OpList, Key: key(sender, listing.OurIP), Except: true, Until: epoch.Add(90 * listing.Day), Origin: listing.ByOperator})
	d.want()
	d.now = d.now.Add(time.Minute)
	d.sees(5, sender, ourIP)
	d.want(sender + " helo-our-ip")
}

func TestDelistedHostBeforeRestart(t *testing.T) {
	d := newDesk(t, func(o *Options) {
		o.Ended = func(k listing.Key) (time.Time, error) {
			if k != key("2001:db8::1", listing.OurIP) {
				return time.Time{}, nil
			}
			return epoch.Add(time.Second), nil
		}
	}).reports("mx1", "mx2")
	d.sees(5, "2001:db8::1", ourIP)
	d.see("2001:db8::2", ourIP)
	d.see("2001:db8::3", ourIP)
	d.want()
}

func TestEndedUnavailable(t *testing.T) {
	gone := errors.New("list gone")
	d := newDesk(t, func(o *Options) {
		o.Ended = func(listing.Key) (time.Time, error) { return time.Time{}, gone }
	}).reports("mx1", "mx2")
	d.sees(5, sender, ourIP)
	if _, err := d.Send(t.Context(), d.book); !errors.Is(err, gone) || len(d.listed()) > 0 {
		t.Errorf("error %v, listed %q", err, d.listed())
	}
}
