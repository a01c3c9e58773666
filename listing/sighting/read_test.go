package sighting

import (
	"bytes"
	"fmt"
	"iter"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

// stuck is an archive of which a read of one address waits until it is let go.
type stuck struct {
	Archive
	prefix  []byte
	reached chan struct{} // a value for each such read
	letGo   chan struct{}
}

func (s *stuck) Scan(prefix, after []byte) iter.Seq2[Item, error] {
	if bytes.Equal(prefix, s.prefix) {
		s.reached <- struct{}{}
		<-s.letGo
	}
	return s.Archive.Scan(prefix, after)
}

func (d *desk) seeFrom(addr string, id string) Outcome {
	out, err := d.Observe(Observation{Time: epoch, Receiver: "mx1", ID: id, Client: netip.MustParseAddr(addr), HELO: clean.name,
		Verdict: helo.Verdict{Code: clean.code, Strength: clean.strength, Name: clean.name}})
	if err != nil {
		d.Error(err)
	}
	return out
}

// A disk that hangs for one address holds up no session of another, nor what is
// decided about it, nor a look at it.
func TestSlowDiskHoldsUpItsOwnAddressOnly(t *testing.T) {
	slow := netip.MustParseAddr("203.0.113.99")
	p, _ := locate(slow)
	archive := &stuck{openFile(t, filepath.Join(t.TempDir(), "sightings.db")), p.key(), make(chan struct{}, 9), make(chan struct{})}
	d := newDesk(t, func(o *Options) { o.Archive = archive }).reports("mx1", "mx2")
	var waiting sync.WaitGroup
	for _, id := range []string{"a", "b", "a"} { // one of them reads, the others wait for it
		waiting.Go(func() { d.seeFrom(slow.String(), id) })
	}
	waiting.Go(func() {
		if _, err := d.Facts(listing.HostSubject(slow)); err != nil {
			t.Error(err)
		}
	})
	<-archive.reached
	<-archive.reached

	d.sees(5, sender, ourIP)
	if f := d.facts(sender); f.Bogus != 5 {
		t.Errorf("%d bogus sessions", f.Bogus)
	}
	d.want(sender + " helo-our-ip")
	d.flush()
	close(archive.letGo)
	waiting.Wait()
	if f := d.facts(slow.String()); f.Sessions != 2 || len(archive.reached) > 0 {
		t.Errorf("%d sessions, %d more reads", f.Sessions, len(archive.reached))
	}
}

// A list that answers late about one address holds up no session.
func TestSlowListHoldsUpNoSession(t *testing.T) {
	asked, answer := make(chan listing.Key, 9), make(chan struct{})
	d := newDesk(t, func(o *Options) {
		o.Ended = func(k listing.Key) (time.Time, error) { asked <- k; <-answer; return time.Time{}, nil }
	}).reports("mx1", "mx2")
	d.sees(5, sender, ourIP)
	var deciding sync.WaitGroup
	deciding.Go(func() { d.settle() })
	select {
	case <-asked:
	case <-time.After(time.Minute):
		t.Fatal("the list was not asked")
	}
	if out := d.seeFrom("203.0.113.99", "a"); out != Counted {
		t.Error(out)
	}
	d.sees(4, sender, rcpt) // crosses another threshold meanwhile: looked at anew
	d.sees(5, sender, ourIP)
	close(answer)
	deciding.Wait()
	d.want(sender + " helo-our-ip")
}

// Sessions that are told while their address is read and forgotten again are
// all counted, each once.
func TestReadAndForgottenMeanwhile(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Memory = 1 }) // every session makes room
	addresses := []string{sender, "203.0.113.8", "203.0.113.9"}
	var telling sync.WaitGroup
	for w := range 4 {
		telling.Go(func() {
			for i := range 100 {
				d.seeFrom(addresses[i%3], fmt.Sprint(w, i))
			}
		})
	}
	telling.Wait()
	total := 0
	for _, a := range addresses {
		total += d.facts(a).Sessions
	}
	if total != 400 {
		t.Errorf("%d sessions were counted of 400", total)
	}
}
