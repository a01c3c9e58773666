package sighting

import (
	"fmt"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

func TestHeal(t *testing.T) {
	for _, c := range []struct {
		name  string
		bogus int // 5 of them list
		since func(d *desk)
		heals bool
	}{
		{"small sender, 4 clean", 5, func(d *desk) { d.sees(4, sender, clean) }, false},
		{"small sender, 5 clean", 5, func(d *desk) { d.sees(5, sender, clean) }, true},
		{"20 sessions are not small: 19 clean", 21, func(d *desk) { d.sees(19, sender, clean) }, false},
		{"20 sessions are not small: 20 clean", 21, func(d *desk) { d.sees(20, sender, clean) }, true},
		{"19 before the last are small", 20, func(d *desk) { d.sees(5, sender, clean) }, true},
		{"unconfirmed ones do not count", 5, func(d *desk) { d.sees(50, sender, unverified) }, false},
		{"nor notes", 5, func(d *desk) { d.sees(50, sender, mismatch) }, false},
		{"nor exempt ones", 5, func(d *desk) { d.sees(50, sender, exempt) }, false},
		{"nor those before the last bogus one", 5, func(d *desk) {
			d.sees(50, sender, clean, at(-2*time.Hour))
			d.see(sender, bare, at(-time.Hour))
		}, false},
		{"nor those of the same second", 5, func(d *desk) {
			for range 50 {
				d.see(sender, clean, at(-window-time.Minute))
			}
		}, false},
		{"a bogus one of another kind in 24 hours", 5, func(d *desk) {
			d.see(sender, bare, at(-23*time.Hour))
			d.sees(50, sender, clean)
		}, false},
		{"recipients' own hosts are confirmed", 5, func(d *desk) {
			d.sees(5, sender, kind{helo.CodeOKRcptDomain, helo.StrengthOK, helo.FlagConfirmed, "one.example"})
		}, true},
		{"another address's", 5, func(d *desk) { d.sees(50, "192.0.2.8", clean) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t).reports("mx1", "mx2")
			d.sees(c.bogus, sender, ourIP)
			d.want(sender + " helo-our-ip")
			d.now = d.now.Add(window + time.Minute)
			c.since(d)
			if healed := len(d.settle()) == 0; healed != c.heals {
				t.Errorf("healed: %v", healed)
			}
			if last := d.book.changes[len(d.book.changes)-1]; c.heals && last.Because != listing.AutoHeal {
				t.Errorf("ended because %s", last.Because)
			}
		})
	}
}

func TestHealWithoutHistory(t *testing.T) {
	d := newDesk(t)
	list := func(seen time.Time) {
		d.do(listing.Edit{Op: listing.OpList, Key: key(sender, listing.OurIP), Until: epoch.Add(listing.Day), Seen: seen, Origin: listing.ByThreshold})
	}
	list(epoch.Add(-23 * time.Hour))
	d.sees(5, sender, clean)
	d.want(sender + " helo-our-ip")
	d.do(listing.Edit{Op: listing.OpDelist, Key: key(sender, listing.OurIP), Because: listing.OurError})
	list(epoch.Add(-window))
	d.see(sender, clean)
	d.want()
}

func TestHealAtOnce(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(5, sender, ourIP)
	d.settle()
	d.now = d.now.Add(time.Hour)
	d.sees(5, sender, clean)
	d.want(sender + " helo-our-ip")
	d.now = epoch.Add(window - time.Second)
	d.want(sender + " helo-our-ip")
	d.now = epoch.Add(window)
	d.want()

	d.sees(5, "192.0.2.9", ourIP)
	d.settle()
	d.now = d.now.Add(window)
	d.sees(4, "192.0.2.9", clean)
	d.settle()
	select {
	case <-d.Wake():
	default:
	}
	d.see("192.0.2.9", clean)
	select {
	case <-d.Wake():
	default:
		t.Error("the completing session did not wake")
	}
	d.want()
}

// Reverse DNS that was put right is taken at once: a listing for it ends, and
// what was found for a shadow reason is forgotten.
func TestHealReverseDNS(t *testing.T) {
	missing := func(o *Observation) { o.Verdict.RDNS = helo.RDNSMissing }
	unproved := func(o *Observation) { o.Verdict.RDNS = helo.RDNSUnconfirmed }
	good := func(o *Observation) { o.FCrDNS = true }
	offend := func(d *desk, how func(*Observation)) *desk {
		d.reports("mx1", "mx2")
		for i := range 10 {
			d.see(sender, mismatch, by(fmt.Sprint("mx", 1+i%2)), at(-time.Duration(i%2)*time.Hour-time.Duration(i+1)*time.Second), how)
		}
		return d
	}
	for name, how := range map[string]func(*Observation){"rdns-missing": missing, "rdns-unconfirmed": unproved} {
		d := offend(newDesk(t), how)
		d.want()
		if got := d.Status().Shadows; len(got) != 1 || got[name] != 1 {
			t.Fatalf("%s: found %v", name, got)
		}
		d.see(sender, mismatch)
		d.settle()
		if got := d.Status().Shadows; got[name] != 1 {
			t.Errorf("%s: forgotten without reverse DNS: %v", name, got)
		}
		d.see(sender, clean, good)
		d.want()
		if got := d.Status().Shadows; len(got) != 0 {
			t.Errorf("%s: put right, and still found: %v", name, got)
		}
		if f, err := d.Facts(key(sender, listing.NoReverse).Subject); err != nil || len(f.Decisions) != 1 || !f.Decisions[0].Fixed || f.Decisions[0].Crossed {
			t.Errorf("%s: %+v, %v", name, f.Decisions, err)
		}

		d = offend(newDesk(t, func(o *Options) { o.Named = []listing.Reason{listing.NoReverse, listing.Unconfirmed} }), how)
		d.want(sender + " " + name)
		d.see(sender, clean)
		d.want(sender + " " + name)
		d.see(sender, mismatch, good, at(-20*time.Minute))
		d.want(sender + " " + name) // before the last that lacked it
		d.see(sender, mismatch, good)
		d.want()
		if last := d.book.changes[len(d.book.changes)-1]; last.Because != listing.AutoHeal {
			t.Errorf("%s: ended because %s", name, last.Because)
		}
	}
}
