package sighting

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"dnsbld/listing"
)

// onProbation opens a desk whose receivers are new for a day.
func onProbation(t *testing.T) *desk {
	return newDesk(t, func(o *Options) { o.Probation = listing.Day })
}

// withheld is what a receiver would have listed, with what looks like customers.
func (d *desk) withheld(receiver string) (all []string) {
	d.settle()
	for _, r := range d.Receivers() {
		for _, w := range r.Withheld {
			if r.Name == receiver {
				all = append(all, w.Subject.Text()+" "+w.Reason+" "+string(w.Customer))
			}
		}
	}
	return all
}

// A new receiver lists nobody, and what it would have listed is shown. Accepted,
// what it told in the last 24 hours counts as if there had been no probation.
func TestProbation(t *testing.T) {
	for name, again := range map[string]func(*desk){
		"at once":           func(*desk) {},
		"stored":            func(d *desk) { d.store(); d.start() },
		"stored, then told": func(d *desk) { d.store(); d.start(); d.see(sender, clean, by("mx2")) },
	} {
		t.Run(name, func(t *testing.T) {
			d := onProbation(t).reports("mx1", "mx2")
			d.sees(6, sender, ourIP)
			d.want()
			again(d)
			d.want()
			if got := d.withheld("mx1"); !slices.Equal(got, []string{sender + " helo-our-ip "}) {
				t.Errorf("withheld %q", got)
			}
			if got := d.withheld("mx2"); got != nil {
				t.Errorf("of mx2: %q", got)
			}
			if st := d.Status(); len(st.Probation) != 2 || st.Probation[0].Total != 1 || !st.Sole {
				t.Errorf("%+v", st)
			}
			if was, err := d.Accept("mx1"); !was || err != nil {
				t.Error(was, err)
			}
			d.want() // mx1 alone: twice as many sessions are needed
			d.sees(4, sender, ourIP)
			d.want(sender + " helo-our-ip")
			if was, err := d.Accept("mx1"); was || err != nil {
				t.Error(was, err)
			}
			d.store()
			d.start()
			if r := d.Receivers(); !r[0].Probation.IsZero() || r[1].Probation.IsZero() {
				t.Errorf("after a start %+v", r)
			}
		})
	}
}

// store stores what is new.
func (d *desk) store() {
	d.Helper()
	if err := d.Flush(); err != nil {
		d.Fatal(err)
	}
}

// Acceptance lists what was seen before it, of addresses that are not heard of
// again.
func TestAcceptLists(t *testing.T) {
	for _, stored := range []bool{false, true} {
		d := onProbation(t).reports("mx1")
		d.sees(10, sender, ourIP)
		d.sees(10, "2001:db8:7::9", ourIP)
		d.want()
		if stored {
			d.store()
			d.start()
		}
		if _, err := d.Accept("mx1"); err != nil {
			t.Fatal(err)
		}
		d.want(sender+" helo-our-ip", "2001:db8:7::9 helo-our-ip")
		if got := d.withheld("mx1"); got != nil {
			t.Errorf("still withheld: %q", got)
		}
	}
}

// Time ends a probation as an operator does.
func TestProbationEnds(t *testing.T) {
	d := onProbation(t).reports("mx1")
	d.now = d.now.Add(listing.Day - time.Hour)
	d.sees(10, sender, ourIP)
	d.want()
	d.now = d.now.Add(time.Hour)
	d.want(sender + " helo-our-ip")
	if r := d.Receivers(); len(r) != 1 || !r[0].Probation.IsZero() {
		t.Errorf("%+v", r)
	}
}

// A receiver on probation neither extends an entry nor keeps it from healing,
// and others list as if it were not there.
func TestProbationBesideOthers(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(5, sender, ourIP)
	d.want(sender + " helo-our-ip")
	until := d.entry(sender, listing.OurIP).Until
	d.SetReceivers(listing.Day, 0)
	d.now = d.now.Add(2 * listing.Day)
	d.reports("mx9")
	d.sees(9, sender, ourIP, by("mx9"))
	d.settle()
	if e := d.entry(sender, listing.OurIP); !e.Until.Equal(until) {
		t.Errorf("extended to %s", e.Until)
	}
	d.sees(5, "192.0.2.77", ourIP)
	d.want(sender+" helo-our-ip", "192.0.2.77 helo-our-ip")
	d.sees(20, sender, clean)
	d.want("192.0.2.77 helo-our-ip")
}

// Senders that look like customers are shown first.
func TestProbationCustomers(t *testing.T) {
	d := onProbation(t).reports("mx1")
	for _, addr := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
		d.sees(10, addr, ourIP)
	}
	d.see("192.0.2.3", exempt)
	d.sees(30, "192.0.2.2", clean)
	want := []string{"192.0.2.2 helo-our-ip clean", "192.0.2.3 helo-our-ip authenticated", "192.0.2.1 helo-our-ip "}
	if got := d.withheld("mx1"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if r := d.Receivers()[0]; r.Total != 3 || r.Customers != 2 {
		t.Errorf("%+v", r)
	}
}

// Receivers of the time before there was probation are none.
func TestProbationOldFigures(t *testing.T) {
	d := newDesk(t).reports("mx1")
	d.own.Receivers.Since = nil
	d.sees(1, sender, clean)
	d.store()
	d.opts.Probation = 30 * listing.Day
	d.start()
	d.sees(10, sender, ourIP)
	d.want(sender + " helo-our-ip")
	if _, err := d.Accept("mx7"); !errors.Is(err, listing.ErrNotFound) {
		t.Error(err)
	}
}

// Sessions of a place with too many to be kept apart do not begin to count because
// their receiver is no longer known.
func TestProbationBlurred(t *testing.T) {
	d := onProbation(t).reports("mx1")
	for i := range 3 * maxCells {
		d.see(sender, ourIP, at(-time.Duration(i%80_000)*time.Second), saying(fmt.Sprint("198.51.100.", i)))
	}
	d.want()
}
