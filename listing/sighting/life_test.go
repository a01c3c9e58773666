package sighting

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

func TestListing(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.see(sender, clean, at(-2*time.Minute))
	for i := range 25 {
		d.see(sender, ourIP, at(time.Duration(i-24)*time.Second), func(o *Observation) { o.HELO = "198.51.100.10\x1b" })
	}
	d.now = d.now.Add(time.Minute)
	d.want(sender + " helo-our-ip")

	e := d.entry(sender, listing.OurIP)
	if !e.Since.Equal(epoch) || !e.Until.Equal(epoch.Add(7*listing.Day)) || e.Level != 1 || e.Origin != listing.ByThreshold || e.Actor != Actor {
		t.Errorf("entry %+v", e)
	}
	if e.Note != "25 of 26 sessions within 24 hours were helo-our-ip, in 1 clock hour, on 1 receiver, with 1 target." {
		t.Errorf("note %q", e.Note)
	}
	if e.Evidence == (listing.Digest{}) {
		t.Error("no evidence")
	}
	if calls := d.book.calls; len(d.settle()) != 1 || d.book.calls != calls {
		t.Error("asked for again")
	}
}

func TestEvidence(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	for i := range 25 {
		d.see(sender, ourIP, at(time.Duration(i-24)*time.Second), func(o *Observation) { o.HELO, o.DNS = "a\"\x1b", "no PTR" })
	}
	d.see("192.0.2.8", ourIP)
	d.sees(4, sender, bare)
	edits, err := d.Edits()
	if err != nil || len(edits) != 1 {
		t.Fatal(edits, err)
	}
	ev := edits[0].Evidence
	if len(ev.Samples) != listing.MaxSamples || len(ev.Salt) != 16 {
		t.Fatalf("%d samples, %d octets of salt", len(ev.Samples), len(ev.Salt))
	}
	want := listing.Sample{Time: epoch, Receiver: "mx1", HELO: `a\x22\x1b`, Verdict: "helo-our-ip", DNS: "no PTR"}
	if ev.Samples[0] != want || !ev.Samples[19].Time.Equal(epoch.Add(-19*time.Second)) {
		t.Errorf("samples %+v", ev.Samples)
	}
}

func TestReoffenceExtends(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(5, sender, ourIP)
	d.settle()
	d.now = d.now.Add(2 * listing.Day)
	d.see(sender, ourIP, at(-time.Hour))
	d.settle()
	if e := d.entry(sender, listing.OurIP); !e.Until.Equal(epoch.Add(9*listing.Day-time.Hour)) || e.Level != 1 {
		t.Errorf("until %s, level %d", e.Until, e.Level)
	}
	calls := d.book.calls
	d.do(listing.Edit{Op: listing.OpExpire, Key: key(sender, listing.OurIP), Until: d.now.Add(7 * listing.Day)})
	d.see(sender, ourIP, at(time.Second)) // by a clock ahead: it would end no later
	d.settle()
	if d.book.calls != calls+1 {
		t.Error("asked for what changes nothing")
	}
	d.do(listing.Edit{Op: listing.OpExpire, Key: key(sender, listing.OurIP), Until: epoch.Add(9*listing.Day - time.Hour)})
	calls = d.book.calls
	d.see(sender, ourIP, at(-2*time.Hour)) // told late: never shortens
	d.see(sender, bare)                    // another reason
	d.see(sender, clean)
	d.settle()
	if d.book.calls != calls {
		t.Error("asked for what changes nothing")
	}
	if e := d.entry(sender, listing.OurIP); !e.Until.Equal(epoch.Add(9*listing.Day - time.Hour)) {
		t.Errorf("until %s", e.Until)
	}
}

// An entry that has ended but is not yet swept is none.
func TestReoffenceAfterTheEnd(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(5, sender, ourIP)
	d.settle()
	d.now = d.entry(sender, listing.OurIP).Until
	d.reports("mx1", "mx2")
	d.see(sender, ourIP)
	d.want()
	d.sees(4, sender, ourIP)
	d.want(sender + " helo-our-ip")
	if e := d.entry(sender, listing.OurIP); e.Level != 2 || !e.Until.Equal(d.now.Add(14*listing.Day)) {
		t.Errorf("%+v", e)
	}
}

func TestExtensionsDoNotFillTheAudit(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(5, sender, ourIP)
	d.settle()
	for range 600 {
		d.now = d.now.Add(time.Minute)
		d.see(sender, ourIP)
		d.settle()
	}
	if n := len(d.book.changes); n > 1+freeExtensions+10 {
		t.Errorf("%d changes in ten hours", n)
	}
	d.now = d.now.Add(extendEvery)
	d.settle() // the last session is not forgotten
	if e := d.entry(sender, listing.OurIP); !e.Until.Equal(epoch.Add(7*listing.Day + 10*time.Hour)) {
		t.Errorf("until %s", e.Until)
	}
}

func TestOperatorsEntries(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.see(sender, bare, at(-time.Minute))
	d.do(listing.Edit{Op: listing.OpList, Key: key(sender, listing.BareIP), Until: epoch.Add(time.Hour), Origin: listing.ByOperator})
	d.sees(30, sender, clean)
	d.settle()
	if e := d.entry(sender, listing.BareIP); !e.Until.Equal(epoch.Add(time.Hour)) {
		t.Errorf("until %s: a session from before the listing extended it", e.Until)
	}
	d.now = d.now.Add(time.Minute)
	d.see(sender, bare)
	d.settle()
	if e := d.entry(sender, listing.BareIP); !e.Until.Equal(d.now.Add(3 * listing.Day)) {
		t.Errorf("until %s: re-offence did not extend it", e.Until)
	}
	d.do(listing.Edit{Op: listing.OpExpire, Key: key(sender, listing.BareIP), Until: d.now.Add(time.Hour)})
	until := d.entry(sender, listing.BareIP).Until
	d.see(sender, clean)
	d.settle()
	if e := d.entry(sender, listing.BareIP); !e.Until.Equal(until) {
		t.Errorf("until %s: an old session undid what the operator did", e.Until)
	}
	d.flush()
	d.start() // what he did is not forgotten either
	d.see(sender, clean)
	d.settle()
	if e := d.entry(sender, listing.BareIP); !e.Until.Equal(until) {
		t.Errorf("until %s: after a restart, an old session undid what the operator did", e.Until)
	}
	d.do(listing.Edit{Op: listing.OpList, Key: key(sender, listing.BareIP), Until: d.now.Add(99 * time.Hour), Origin: listing.ByOperator})
	d.now = d.now.Add(50 * time.Hour)
	d.sees(30, sender, clean)
	d.want(sender + " helo-bare-ip") // only listings by sessions heal
}

// An entry whose sessions are no longer known heals too.
// The session that completes it wakes whoever runs the engine; where only time
// is missing, time does.
// After a restart the list itself is asked.
func TestShadowReasons(t *testing.T) {
	run := func(d *desk) *desk {
		d.reports("mx1", "mx2")
		for i := range 20 {
			d.see(sender, local, by(fmt.Sprint("mx", 1+i%2)), at(-time.Duration(i%2)*time.Hour-time.Duration(i)*time.Second))
			d.see("192.0.2.9", mismatch, by(fmt.Sprint("mx", 1+i%2)), at(-time.Duration(i%2)*time.Hour-time.Duration(i)*time.Second),
				func(o *Observation) {
					o.Verdict.RDNS, o.Recipients, o.Unknown = helo.RDNSMissing, 4, 2
				})
		}
		return d
	}
	d := run(newDesk(t))
	d.want()
	var got []string
	for _, f := range d.shadowsFound() {
		got = append(got, f.Subject.Text()+" "+d.rules.Reasons.Symbol(f.Reason))
		if !f.Shadow || !f.Crossed {
			t.Errorf("%+v", f)
		}
	}
	if want := []string{"192.0.2.7 helo-localhost", "192.0.2.9 rdns-missing", "192.0.2.9 rcpt-bogus"}; !slices.Equal(got, want) {
		t.Errorf("shadows %q, want %q", got, want)
	}
	d = run(newDesk(t, func(o *Options) { o.Named = []listing.Reason{listing.Localhost} }))
	d.want(sender + " helo-localhost")
}

func TestIPv6(t *testing.T) {
	t.Run("a host", func(t *testing.T) {
		d := newDesk(t).reports("mx1", "mx2")
		d.sees(5, "2001:db8::1", ourIP)
		d.sees(4, "2001:db8::2", ourIP)
		d.want("2001:db8::1 helo-our-ip")
	})
	t.Run("three hosts of a /64", func(t *testing.T) {
		d := newDesk(t).reports("mx1", "mx2")
		d.sees(2, "2001:db8::1", ourIP)
		d.sees(2, "2001:db8::2", ourIP)
		d.want()
		d.see("2001:db8:0:1::3", ourIP)
		d.want()
		d.see("2001:db8::3", ourIP)
		d.want("2001:db8::/64 helo-our-ip")
		d.now = d.now.Add(time.Hour)
		d.sees(9, "2001:db8::4", ourIP)
		d.want("2001:db8::/64 helo-our-ip")
		if e := d.entry("2001:db8::/64", listing.OurIP); !e.Until.Equal(d.now.Add(7 * listing.Day)) {
			t.Errorf("until %s", e.Until)
		}
		d.now = d.now.Add(window)
		d.sees(20, "2001:db8::9", clean)
		d.want()
	})
	t.Run("mapped and 6to4", func(t *testing.T) {
		d := newDesk(t).reports("mx1", "mx2")
		d.sees(2, "::ffff:192.0.2.7", ourIP)
		d.sees(3, "2002:c000:207::1", ourIP)
		d.want(sender + " helo-our-ip")
	})
	t.Run("a delisted host does not come back in its /64", func(t *testing.T) {
		d := newDesk(t).reports("mx1", "mx2")
		d.sees(5, "2001:db8::1", ourIP)
		d.settle()
		d.now = d.now.Add(time.Minute)
		d.do(listing.Edit{Op: listing.OpDelist, Key: key("2001:db8::1", listing.OurIP), Because: listing.OurError})
		d.see("2001:db8::2", ourIP)
		d.see("2001:db8::3", ourIP)
		d.want()
	})
}

// Many greetings of one address are found although none of them is bogus.
func TestRotating(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	for i := range 20 {
		d.see(sender, mismatch, at(-time.Duration(i)*time.Second), func(o *Observation) {
			o.HELO = fmt.Sprintf("host%d.example", i)
			o.Verdict.Name = o.HELO
		})
	}
	d.want()
	if got := d.Status().Shadows; got["helo-rotating"] != 1 {
		t.Errorf("found %v", got)
	}
}

// shadowsFound are the subjects that would be listed for shadow reasons, as they
// were found last.
func (e *Engine) shadowsFound() []Found {
	e.mu.Lock()
	defer e.mu.Unlock()
	found := make([]Found, 0, len(e.shadows))
	for _, f := range e.shadows {
		found = append(found, f)
	}
	slices.SortFunc(found, func(a, b Found) int {
		return cmp.Or(a.Subject.Compare(b.Subject), cmp.Compare(a.Reason, b.Reason))
	})
	return found
}
