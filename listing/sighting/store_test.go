package sighting

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

func (d *desk) flush() {
	d.Helper()
	if err := d.Flush(); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) facts(subject string) Facts {
	d.Helper()
	f, err := d.Facts(key(subject, 2).Subject)
	if err != nil {
		d.Fatal(err)
	}
	return f
}

func TestDuplicates(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	feed := func(want Outcome, first time.Duration) {
		t.Helper()
		for i := range 4 {
			if out := d.see(sender, ourIP, called(fmt.Sprint("q", i)), at(first+time.Duration(i)*time.Minute)); out != want {
				t.Errorf("session %d: %s, want %s", i, out, want)
			}
		}
	}
	feed(Counted, -time.Hour)
	feed(Duplicate, -time.Hour)
	d.flush()
	feed(Duplicate, -time.Hour)
	if out := d.see(sender, clean, called("q9"), at(-time.Hour)); out != Counted { // more of an hour that was stored
		t.Errorf("another session: %s", out)
	}
	d.flush()
	d.start()
	feed(Duplicate, -time.Hour)
	feed(Late, -10*listing.Day)
	d.flush()
	d.start()
	feed(Duplicate, -10*listing.Day)
	d.want()
	if f := d.facts(sender); f.Bogus != 8 || f.Sessions != 9 {
		t.Errorf("%d bogus, %d sessions, want 4 counted and 4 late", f.Bogus, f.Sessions)
	}
	if out := d.see(sender, ourIP, called("q0"), by("mx2"), at(-time.Hour)); out != Counted {
		t.Errorf("another receiver's session of the same id: %s", out)
	}
}

// The counters are the same after a restart.
func TestRestart(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(4, sender, ourIP)
	d.sees(7, sender, clean, at(-30*time.Hour))
	d.see(sender, rcpt, func(o *Observation) { o.Verdict.Name = "other.example" })
	d.sees(3, "2001:db8::5", forged, at(-5*listing.Day))
	before, before6 := d.facts(sender), d.facts("2001:db8::5")
	d.flush()
	saves := d.file.saves
	d.flush()
	if d.file.saves != saves {
		t.Error("stored what was stored")
	}
	d.start()
	if after := d.facts(sender); !reflect.DeepEqual(before, after) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	if after := d.facts("2001:db8::5"); !reflect.DeepEqual(before6, after) {
		t.Errorf("before %+v\nafter %+v", before6, after)
	}
	if d.Status().Sole {
		t.Error("the receivers were forgotten")
	}
	d.see(sender, ourIP)
	d.want(sender + " helo-our-ip")
	d.start()
	d.now = d.now.Add(window + time.Minute)
	d.sees(5, sender, clean)
	d.want()
}

func TestFlushThatFails(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(4, sender, ourIP)
	d.see("192.0.2.9", bare)
	d.file.fail = errors.New("disk full")
	if err := d.Flush(); !errors.Is(err, d.file.fail) {
		t.Errorf("error %v", err)
	}
	d.see(sender, ourIP, called("last"))
	d.file.fail = nil
	d.flush()
	d.start()
	if f := d.facts("192.0.2.9"); f.Bogus != 1 {
		t.Errorf("%d bogus", f.Bogus)
	}
	if f := d.facts(sender); f.Bogus != 5 {
		t.Errorf("%d bogus", f.Bogus)
	}
	if out := d.see(sender, ourIP, called("last")); out != Duplicate {
		t.Errorf("outcome %s", out)
	}
}

// flood has n addresses seen once each, by a receiver of their own.
func (d *desk) flood(n int) {
	d.Helper()
	for i := range n {
		a := netip.AddrFrom4([4]byte{100, byte(i >> 16), byte(i >> 8), byte(i)})
		d.see(a.String(), mismatch, saying(fmt.Sprintf("host-%d.elsewhere.example", i)))
	}
}

func TestMemoryIsBounded(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Memory, o.IDs = 1<<20, 5000 }).reports("mx1", "mx2")
	d.sees(4, sender, ourIP)
	for range 12 {
		d.flood(1500)
		d.now = d.now.Add(30 * time.Minute)
		if s := d.Status(); s.Bytes > 1<<20 || s.IDs > 5000 || s.Lost > 0 {
			t.Fatalf("%+v", s)
		}
	}
	known := 0
	for _, h := range d.ids.hours {
		known += len(h.known)
	}
	if known != d.ids.total {
		t.Errorf("%d ids known, %d counted", known, d.ids.total)
	}
	if d.records[place{bits: 0xc0000207}] == nil {
		t.Error("the offender was forgotten before the weak")
	}
	if f := d.facts("100.0.0.1"); f.Sessions != 12 {
		t.Errorf("%d sessions of an address that was stored, want 12", f.Sessions)
	}
	d.see(sender, ourIP)
	d.want(sender + " helo-our-ip")
}

// Room is made by forgetting what is stored; what is new is stored when little
// else is left, not a few networks at a time.
func TestFloodIsStoredInLargeBatches(t *testing.T) {
	const networks = 20_000
	d := newDesk(t, func(o *Options) { o.Memory = 1 << 20 }).reports("mx1", "mx2")
	before := d.file.saves
	d.flood(networks)
	inMemory := d.Status().Networks
	if saves := d.file.saves - before; saves == 0 || saves > 2*networks/inMemory {
		t.Errorf("stored %d times, and %d of %d networks are in memory", saves, inMemory, networks)
	}
}

// Whenever the process is killed, what is told again from the beginning counts
// what was lost, and once.
func TestKilledAtAnyTime(t *testing.T) {
	const sessions = 600
	for _, killed := range []int{1, 99, 250, 599} {
		d := newDesk(t, func(o *Options) { o.Memory = 1 << 16 }).reports("mx1", "mx2")
		tell := func(n int) {
			for i := range n {
				d.see(fmt.Sprintf("100.0.%d.7", i%50), []kind{clean, mismatch, bare}[i%3], called(fmt.Sprint("q", i)), at(-time.Duration(i)*time.Minute))
				if i%97 == 96 {
					d.flush()
				}
			}
		}
		tell(killed)
		d.start()
		tell(sessions)
		for i := range 50 {
			if f := d.facts(fmt.Sprintf("100.0.%d.7", i)); f.Sessions != sessions/50 {
				t.Errorf("killed after %d: %d sessions of the %d. address, want %d", killed, f.Sessions, i, sessions/50)
			}
		}
	}
}

// A Flush of several batches that ends after some, because the process was killed
// or the disk is full, has stored whole sessions.
func TestFlushThatEndsHalfway(t *testing.T) {
	const networks = 2*storedAtOnce + 500
	for name, then := range map[string]struct {
		goOn  func(*desk)
		again int // sessions that count when they are told again
	}{
		"killed": {func(d *desk) { d.start() }, networks - storedAtOnce},
		"full":   {func(*desk) {}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t).reports("mx1", "mx2")
			d.flush()
			tell := func() (counted int) {
				for i := range networks {
					a := netip.AddrFrom4([4]byte{100, 0, byte(i >> 8), byte(i)})
					if d.see(a.String(), mismatch, called(fmt.Sprint("q", i))) == Counted {
						counted++
					}
				}
				return counted
			}
			tell()
			d.file.most = d.file.saves + 1
			if err := d.Flush(); !errors.Is(err, errFull) {
				t.Fatalf("error %v", err)
			}
			d.file.most = 0
			then.goOn(d)
			if n := tell(); n != then.again {
				t.Errorf("%d sessions counted when told again, want %d", n, then.again)
			}
			d.flush()
			d.start()
			if n := tell(); n != 0 {
				t.Errorf("%d sessions counted that are stored", n)
			}
			for i := range networks {
				a := netip.AddrFrom4([4]byte{100, 0, byte(i >> 8), byte(i)})
				if f := d.facts(a.String()); f.Sessions != 1 {
					t.Fatalf("%d sessions of the %d. address", f.Sessions, i)
				}
			}
		})
	}
}

func TestMemoryIsBoundedWithoutADisk(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Memory, o.IDs = 1<<18, 1000 }).reports("mx1", "mx2")
	d.sees(4, sender, ourIP)
	d.file.fail = errors.New("disk full")
	for i := range 5000 {
		o := d.fill(mismatch)
		o.Client = netip.AddrFrom4([4]byte{100, 0, byte(i >> 8), byte(i)})
		o.Time = o.Time.Add(-time.Duration(i%40) * time.Hour)
		if out, err := d.Observe(o); out != Counted || err != nil && !errors.Is(err, d.file.fail) {
			t.Fatal(out, err)
		}
	}
	if s := d.Status(); s.Bytes > 1<<18 || s.IDs > 1000 || s.Lost == 0 {
		t.Errorf("%+v", s)
	}
	if f := d.facts(sender); f.Bogus != 4 {
		t.Error("the offender was forgotten before the weak")
	}
}

// Of exempt sessions nothing is kept but how many there were.
func TestExemptSessionsAreTotals(t *testing.T) {
	d := newDesk(t)
	d.sees(9, "2001:db8::7", exempt, saying("laptop.home.example"))
	for _, n := range d.records {
		today := n.days[0]
		if len(today.cells) != 1 || len(today.greets)+len(today.samples)+len(today.targets) > 0 {
			t.Errorf("%+v", today)
		}
		if c := today.cells[0]; c.host != 0 || c.at%3600 != 0 || c.target != 0 || c.receiver != 0 || c.n != 9 {
			t.Errorf("%+v", c)
		}
	}
	if f := d.facts("2001:db8::7"); f.Sessions != 0 || f.Exempt != 9 || len(f.Decisions) != 0 {
		t.Errorf("%+v", f)
	}
}

// One network cannot fill the memory either.
func TestNetworkIsBounded(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	p, _ := locate(netip.MustParseAddr("2001:db8::"))
	for i := range 20000 {
		k := []kind{bare, clean, mismatch}[i%3]
		a := p.subject(unit{host: uint64(i)}).Addr()
		d.see(a.String(), k, saying(fmt.Sprint("n", i)), by(fmt.Sprint("mx", i)), at(-time.Duration(i%3600)*time.Second))
	}
	if n := d.records[p]; n.size() > 250_000 || len(n.days[0].cells) > maxCells {
		t.Errorf("%d bytes, %d cells", n.size(), len(n.days[0].cells))
	}
	f := d.facts("2001:db8::/64")
	if f.Sessions != 20000 || f.Clean != 6667 || f.Bogus != 6667 || len(f.HELOs) > topGreetings || len(f.Samples) != listing.MaxSamples {
		t.Errorf("%d sessions, %d clean, %d bogus, %d greetings, %d samples", f.Sessions, f.Clean, f.Bogus, len(f.HELOs), len(f.Samples))
	}
}

func TestPrune(t *testing.T) {
	d := newDesk(t).reports("mx1", "mx2")
	d.sees(3, sender, bare, at(-20*listing.Day))
	d.sees(3, "192.0.2.9", bare, at(-time.Hour))
	d.flush()
	left := func() (n int) {
		for range d.file.Scan(nil, nil) {
			n++
		}
		return n
	}
	before := left()
	prune := func() {
		for range 10 {
			if err := d.Prune(2); err != nil {
				t.Fatal(err)
			}
		}
	}
	prune()
	if n := left(); n != before {
		t.Errorf("%d values left of %d", n, before)
	}
	d.now = d.now.Add(10 * listing.Day)
	prune()
	if n := left(); n != before-2 { // a day and its ids
		t.Errorf("%d values left of %d, want two less", n, before)
	}
	d.start()
	if f := d.facts(sender); f.Sessions != 0 {
		t.Errorf("%d sessions of 30 days ago", f.Sessions)
	}
	d.now = d.now.Add(40 * listing.Day)
	prune()
	if n := left(); n != 1 {
		t.Errorf("%d values left, want the engine's own", n)
	}
}

func TestArchiveThatIsDamaged(t *testing.T) {
	for name, item := range map[string]Item{
		"day":      {place{bits: 0xc0000207}.dayKey(dayNumber(epoch.Unix())), []byte{9}},
		"key":      {append(place{bits: 0xc0000207}.key(), 1), []byte{1}},
		"ids":      {append(hourKey(uint32(epoch.Unix()/3600)), 0, 0, 0, 0), []byte{1, 2, 3}},
		"ids' key": {hourKey(uint32(epoch.Unix() / 3600)), make([]byte, 8)},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			if err := d.file.Save([]Item{item}); err != nil {
				t.Fatal(err)
			}
			o := d.fill(bare)
			o.Client = netip.MustParseAddr(sender)
			if out, err := d.Observe(o); out != "" || !errors.Is(err, listing.ErrCorrupt) {
				t.Errorf("outcome %q, error %v", out, err)
			}
		})
	}
	t.Run("own figures", func(t *testing.T) {
		d := newDesk(t)
		for _, raw := range []string{"{", `{"receivers":{"names":["a"]}}`} {
			if err := d.file.Save([]Item{{[]byte{engineKey}, []byte(raw)}}); err != nil {
				t.Fatal(err)
			}
			if _, err := New(d.opts); !errors.Is(err, listing.ErrCorrupt) {
				t.Errorf("%s: error %v", raw, err)
			}
		}
	})
}

func TestOptions(t *testing.T) {
	if _, err := New(Options{Memory: -1, Thresholds: Thresholds{1: {}}}); err == nil {
		t.Error("no error")
	}
	d := newDesk(t)
	if err := d.SetThresholds(Thresholds{1: {}}); err == nil {
		t.Error("no error")
	}
	if err := d.SetThresholds(Thresholds{listing.BareIP: {Sessions: 1}}); err != nil {
		t.Error(err)
	}
	d.sees(2, sender, bare)
	d.want(sender + " helo-bare-ip")
}

func TestConcurrent(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Memory = 1 << 18 }).reports("mx1", "mx2")
	done := make(chan error, 4)
	for w := range 3 {
		go func() {
			var first error
			for i := range 400 {
				_, err := d.Observe(Observation{Time: epoch, Receiver: "mx1", ID: fmt.Sprint(w, i), HELO: "x",
					Client:  netip.AddrFrom4([4]byte{100, byte(w), byte(i), 1}),
					Verdict: helo.Verdict{Code: helo.CodeOurIP, Strength: helo.Strong, Name: "x"}})
				first = errors.Join(first, err)
			}
			done <- first
		}()
	}
	go func() {
		var first error
		for range 40 {
			_, err := d.Send(context.Background(), d.book)
			first = errors.Join(first, err, d.Flush(), d.Prune(100))
			d.Status()
			_, err = d.Facts(key("100.0.1.1", 2).Subject)
			first = errors.Join(first, err)
		}
		done <- first
	}()
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if s := d.Status(); s.Totals[Counted] != 1202 {
		t.Errorf("%+v", s)
	}
}
