package sighting

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"dnsbld/listing"
)

func TestConflictsAreDecidedAnew(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(5, sender, ourIP)
	d.sees(5, "192.0.2.8", ourIP)
	d.sees(5, "192.0.2.9", ourIP)
	told := d.book.told
	d.book.told = nil // an operator lists one, and the engine has not heard
	d.do(listing.Edit{Op: listing.OpList, Key: key("192.0.2.8", listing.OurIP), Until: epoch.Add(time.Hour), Origin: listing.ByOperator})
	d.book.told = told
	d.want(sender+" helo-our-ip", "192.0.2.8 helo-our-ip", "192.0.2.9 helo-our-ip")
	if e := d.entry("192.0.2.8", listing.OurIP); e.Origin != listing.ByOperator {
		t.Errorf("%+v", e)
	}
	if n := d.Status().Breaker.Listed; n != 2 {
		t.Errorf("the breaker has %d listings, want 2", n)
	}
}

func TestEditsAreGivenOnce(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	edits := func() int {
		t.Helper()
		d.see(sender, ourIP)
		edits, err := d.Edits()
		if err != nil {
			t.Fatal(err)
		}
		return len(edits)
	}
	d.sees(4, sender, ourIP)
	if n := edits(); n != 1 {
		t.Errorf("%d edits", n)
	}
	d.now = d.now.Add(patience - time.Second)
	if n := edits(); n != 0 {
		t.Errorf("%d edits while one is under way", n)
	}
	d.now = d.now.Add(time.Second)
	if n := edits(); n != 1 {
		t.Errorf("%d edits after one that nobody made", n)
	}
}

func TestArchiveUnavailable(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(5, sender, ourIP)
	d.flush()
	p, _ := locate(netip.MustParseAddr(sender))
	d.forget(d.records[p])
	d.file.torn = errors.New("disk gone")
	if _, err := d.Send(t.Context(), d.book); !errors.Is(err, d.file.torn) {
		t.Errorf("error %v", err)
	}
	if out, err := d.Observe(Observation{Time: epoch, Receiver: "mx1", ID: "a", Client: netip.MustParseAddr(sender)}); out != "" || !errors.Is(err, d.file.torn) {
		t.Errorf("outcome %q, error %v", out, err)
	}
	if _, err := d.Facts(key(sender, 2).Subject); !errors.Is(err, d.file.torn) {
		t.Errorf("error %v", err)
	}
	if _, err := Simulate(Recall(d.file), nil, nil, false); !errors.Is(err, d.file.torn) {
		t.Errorf("error %v", err)
	}
	if err := d.Prune(10); !errors.Is(err, d.file.torn) {
		t.Errorf("error %v", err)
	}
	if _, err := New(d.opts); !errors.Is(err, d.file.torn) {
		t.Errorf("error %v", err)
	}
	d.file.torn = nil
	d.now = d.now.Add(time.Second)
	d.want(sender + " helo-our-ip")
}

func TestListUnavailable(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(5, sender, ourIP)
	d.book.refuse = listing.ErrUnavailable
	if _, err := d.Send(t.Context(), d.book); !errors.Is(err, listing.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
	d.book.refuse = nil
	d.want()
	d.now = d.now.Add(time.Second)
	d.want(sender + " helo-our-ip")
}

// An edit expects the list as it was when the edit was decided.
func TestEditsExpectWhatWasKnown(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(5, sender, ourIP)
	d.settle()
	d.now = d.now.Add(time.Hour)
	d.see(sender, ourIP)
	edits, err := d.Edits()
	if err != nil || len(edits) != 1 {
		t.Fatal(edits, err)
	}
	d.do(listing.Edit{Op: listing.OpExpire, Key: key(sender, listing.OurIP), Until: d.now.Add(time.Hour)})
	if _, err := d.book.Do(t.Context(), daemon(Actor), "", edits); !errors.Is(err, listing.ErrConflict) {
		t.Errorf("error %v", err)
	}
}
