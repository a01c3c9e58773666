package sighting

import (
	"net/netip"
	"testing"
	"time"

	"dnsbld/listing"
)

func TestBreaker(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	addr := func(i int) string { return netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}).String() }
	for i := range 250 {
		d.sees(5, addr(i), ourIP)
	}
	if n := len(d.settle()); n != 100 {
		t.Errorf("%d listed in an hour, want 100", n)
	}
	b := d.Status().Breaker
	if want := (Breaker{Open: true, Listed: 100, Limit: 100, Closes: epoch.Truncate(time.Hour).Add(time.Hour)}); b != want {
		t.Errorf("%+v, want %+v", b, want)
	}
	d.now = d.now.Add(time.Minute) // collecting and extending go on
	for i := range 250 {
		d.see(addr(i), ourIP)
	}
	d.settle()
	for k, e := range d.book.entries {
		if !e.Until.Equal(d.now.Add(7 * listing.Day)) {
			t.Fatalf("%s: until %s: no extension while the breaker is open", k.Subject, e.Until)
		}
	}
	for _, want := range []int{200, 250} {
		d.now = d.now.Truncate(time.Hour).Add(time.Hour)
		if n := len(d.settle()); n != want {
			t.Errorf("%d listed after the hour, want %d", n, want)
		}
	}
	if b := d.Status().Breaker; b.Open || b.Listed != 50 {
		t.Errorf("%+v", b)
	}
}

func TestBreakerMedian(t *testing.T) {
	now := epoch
	b := &breaker{}
	listed := func(n int) (got int) {
		for range n {
			if b.take(now) {
				got++
			}
		}
		return got
	}
	for range 7 * 24 {
		listed(30)
		now = now.Add(time.Hour)
	}
	if got := listed(1000); got != 150 {
		t.Errorf("%d listed, want 5 times the median of 30", got)
	}
	now = now.Add(8 * listing.Day)
	if got := listed(1000); got != 100 {
		t.Errorf("%d listed after a week of nothing, want 100", got)
	}
	if s := b.status(now); !s.Open || s.Median != 0 {
		t.Errorf("%+v", s)
	}
	b.giveBack()
	if s := b.status(now); s.Open {
		t.Errorf("%+v", s)
	}
}

// One receiver alone lists no more than it may in an hour; others go on, and it
// does in the next hour.
func TestBreakerOfAReceiver(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.PerReceiver = 3 }).reports("mx1", "mx2")
	addr := func(i int) string { return netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}).String() }
	for i := range 5 {
		d.sees(5, addr(i), ourIP, at(-time.Duration(i)*time.Second))
	}
	if got := len(d.settle()); got != 3 {
		t.Errorf("%d listed", got)
	}
	if r := d.Receivers(); r[0].Listed != 3 || !r[0].Full || r[1].Full {
		t.Errorf("%+v", r)
	}
	d.sees(1, addr(10), ourIP)
	d.sees(1, addr(10), ourIP, by("mx2"))
	d.sees(5, addr(11), ourIP, by("mx2"))
	if got := len(d.settle()); got != 5 {
		t.Errorf("%d listed with those of mx2", got)
	}
	d.now = d.now.Add(time.Hour)
	if got := len(d.settle()); got != 7 {
		t.Errorf("%d listed in the next hour", got)
	}
	d.store()
	d.start()
	if r := d.Receivers(); r[0].Listed != 2 || r[0].Full {
		t.Errorf("after a start: %+v", r)
	}
}

// A listing that could not be made is given back to the breaker.
func TestBreakerOfAReceiverGivesBack(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.PerReceiver = 1 }).reports("mx1", "mx2")
	d.sees(5, "203.0.113.1", ourIP)
	d.book.refuse = listing.ErrUnavailable
	if _, err := d.Send(d.Context(), d.book); err == nil {
		t.Error("no error")
	}
	d.book.refuse = nil
	d.now = d.now.Add(2 * time.Second)
	d.want("203.0.113.1 helo-our-ip")
}
