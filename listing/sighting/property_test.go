package sighting

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"

	"pgregory.net/rapid"
)

var kinds = []kind{clean, unverified, bare, ourIP, ourName, rcpt, forged, mismatch, private, exempt, local}

// sessions draws what two addresses of a /64 or one IPv4 address did in a day.
func sessions(t *rapid.T, d *desk) []Observation {
	n := rapid.IntRange(1, 60).Draw(t, "sessions")
	only := rapid.SliceOfN(rapid.SampledFrom(kinds), 1, 3).Draw(t, "kinds")
	addrs := rapid.SampledFrom([][]string{{sender}, {"2001:db8::1", "2001:db8::2", "2001:db8::3"}}).Draw(t, "addresses")
	all := make([]Observation, n)
	for i := range all {
		k := rapid.SampledFrom(only).Draw(t, "kind")
		o := d.fill(k)
		o.Client = netip.MustParseAddr(rapid.SampledFrom(addrs).Draw(t, "address"))
		o.Receiver = fmt.Sprint("mx", rapid.IntRange(1, 3).Draw(t, "receiver"))
		o.Time = o.Time.Add(-time.Duration(rapid.IntRange(0, 40*3600).Draw(t, "age")) * time.Second)
		o.HELO = fmt.Sprint("t", rapid.IntRange(1, 4).Draw(t, "target"), ".", k.name)
		o.Verdict.Name = o.HELO
		all[i] = o
	}
	return all
}

func observeAll(t *rapid.T, d *desk, all []Observation) {
	for _, o := range all {
		if _, err := d.Observe(o); err != nil {
			t.Fatal(err)
		}
	}
}

// decisions are what the thresholds make of all that was seen.
func (d *desk) decisions(all []Observation) map[string]Decision {
	got := map[string]Decision{}
	for _, o := range all {
		subjects := []listing.Subject{listing.HostSubject(o.Client)}
		if o.Client.Is6() {
			p, _ := locate(o.Client)
			subjects = append(subjects, p.subject(unit{all: true}))
		}
		for _, s := range subjects {
			f, err := d.Facts(s)
			if err != nil {
				d.Fatal(err)
			}
			for _, dec := range f.Decisions {
				got[s.Text()+" "+symbolOf(dec.Reason)] = dec
			}
		}
	}
	return got
}

// In whatever order sessions are told, and however often, and whether or not
// the engine starts anew in between: the decisions are the same.
func TestOrderAndDuplicatesDecideNothing(t *testing.T) {
	file, file2 := reuse(t), reuse(t)
	rapid.Check(t, func(r *rapid.T) {
		d := newDesk(t, file)
		all := sessions(r, d)
		observeAll(r, d, all)
		want := d.decisions(all)
		listed := d.settle()

		other := newDesk(t, file2)
		again := append(slices.Clone(all), all[:len(all)/2]...)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 1))
		rng.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		observeAll(r, other, again[:len(again)/2])
		other.flush()
		other.start()
		observeAll(r, other, again[len(again)/2:])
		if got := other.decisions(all); !maps.Equal(got, want) {
			r.Fatalf("decisions\n%+v\nwant\n%+v", got, want)
		}
		if n := other.Status().Totals[Duplicate]; n == 0 && len(all) > 3 && other.file.saves == 0 {
			r.Fatal("no duplicate was told")
		}
		for _, o := range again {
			other.plan(locate(o.Client))
		}
		if got := other.settle(); !slices.Equal(got, listed) {
			r.Fatalf("listed %q, want %q", got, listed)
		}
	})
}

// The window is what is written in domain terms, worked out by brute force.
func TestCountersModel(t *testing.T) {
	file := reuse(t)
	rapid.Check(t, func(r *rapid.T) {
		d := newDesk(t, file)
		all := sessions(r, d)
		observeAll(r, d, all)
		addr := all[0].Client
		var newest time.Time
		for _, o := range all {
			if o.Client == addr && o.Verdict.Strength != helo.Exempt && o.Time.After(newest) {
				newest = o.Time
			}
		}
		total, n, hours, receivers, targets := 0, map[listing.Reason]int{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, o := range all {
			if o.Client != addr || o.Verdict.Strength == helo.Exempt || newest.Sub(o.Time) >= window {
				continue
			}
			total++
			if reason, ok := ReasonOf(o.Verdict); ok {
				n[reason]++
				id := fmt.Sprint(reason, " ")
				hours[id+o.Time.Truncate(time.Hour).String()], receivers[id+o.Receiver], targets[id+o.HELO] = true, true, true
			}
		}
		f, err := d.Facts(listing.HostSubject(addr))
		if err != nil {
			r.Fatal(err)
		}
		h, rc, tg := 0, 0, 0
		for _, dec := range f.Decisions {
			if dec.Shadow {
				continue
			}
			if dec.Sessions != n[dec.Reason] || dec.All != total {
				r.Fatalf("%+v, want %d of %d", dec, n[dec.Reason], total)
			}
			delete(n, dec.Reason)
			h, rc, tg = h+dec.Hours, rc+dec.Receivers, tg+dec.Targets
		}
		if len(n) > 0 || h != len(hours) || rc != len(receivers) || tg != len(targets) {
			r.Fatalf("missing %v; %d hours of %d, %d receivers of %d, %d targets of %d", n, h, len(hours), rc, len(receivers), tg, len(targets))
		}
	})
}

// Innocents are never listed, whatever their number: what the classifier calls
// anything but medium or strong.
func TestInnocentsAreNeverListed(t *testing.T) {
	greetings := []string{"[10.0.0.1]", "[127.0.0.1]", "[192.0.2.99]", "[IPv6:2001:db8::9]", "host.elsewhere.example", "mail.corp.local",
		"localhost", "mailserver", "192-0-2-7.dyn.provider.example", "under_score.example", "x..y", "4711", "mail.sender.example", "7.2.0.192.in-addr.arpa", "hosted.example"}
	file := reuse(t)
	rapid.Check(t, func(r *rapid.T) {
		d := newDesk(t, file).reports("mx1", "mx2", "mx3")
		name := rapid.SampledFrom(greetings).Draw(r, "HELO")
		status := rapid.SampledFrom([]helo.Status{helo.OK, helo.NXDomain, helo.NoData, helo.TempError, helo.Unchecked}).Draw(r, "status")
		v := helo.Classify(helo.Session{Client: netip.MustParseAddr(sender), HELO: name, HELOStatus: status, PTRStatus: helo.NoData,
			OurIPs: []netip.Addr{netip.MustParseAddr("198.51.100.10")}, Hosted: []string{"hosted.example"}, Recipients: []string{"one.example"}})
		if v.Bogus() {
			r.Fatalf("%s is %s", name, v.Strength)
		}
		for i := range 600 {
			d.see(sender, clean, by(fmt.Sprint("mx", i%3)), at(-time.Duration(i)*2*time.Minute), func(o *Observation) {
				o.Verdict, o.HELO, o.Recipients, o.Unknown = v, name, 1, 1
				o.Verdict.Name = fmt.Sprint(i) // a greeting of its own each time
			})
		}
		d.want()
	})
}

// Whatever is listed had a medium or strong session for that very reason.
func TestOnlyBogusLists(t *testing.T) {
	file := reuse(t)
	rapid.Check(t, func(r *rapid.T) {
		d := newDesk(t, file)
		all := sessions(r, d)
		observeAll(r, d, all)
		d.settle()
		for k, e := range d.book.entries {
			if k.Reason == listing.Repeat {
				continue
			}
			if !slices.ContainsFunc(all, func(o Observation) bool {
				reason, ok := ReasonOf(o.Verdict)
				return ok && reason == k.Reason && k.Subject.Covers(listing.HostSubject(o.Client)) && o.Time.Equal(e.Since)
			}) {
				r.Fatalf("%+v", e)
			}
		}
	})
}

// Gathering loses no session, whatever is gathered first.
func TestGather(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		cells := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) cell {
			return cell{at: 86400 + int64(rapid.IntRange(0, 86399).Draw(r, "at")), n: uint32(rapid.IntRange(1, 9).Draw(r, "n")),
				code: codeNumber(rapid.IntRange(1, 24).Draw(r, "code")), strength: helo.Strength(rapid.IntRange(0, 5).Draw(r, "strength")),
				receiver: uint8(rapid.IntRange(0, 3).Draw(r, "receiver")), host: uint64(rapid.IntRange(0, 3).Draw(r, "host"))}
		}), 0, 200).Draw(r, "cells")
		total := func(cells []cell) (n int, newest int64) {
			for i := range cells {
				n += int(cells[i].n)
				if cells[i].bogus() {
					newest = max(newest, cells[i].at)
				}
			}
			return n, newest
		}
		n, newest := total(cells)
		seconds := rapid.SampledFrom([]int64{1, 60, 3600, 86400}).Draw(r, "span")
		direct := gather(slices.Clone(cells), seconds)
		twice := gather(gather(slices.Clone(cells), 1), seconds)
		if !slices.Equal(direct, twice) {
			r.Fatalf("gathered at once %v, in two steps %v", direct, twice)
		}
		if m, last := total(direct); m != n || last != newest {
			r.Fatalf("%d sessions of %d, newest bogus one %d of %d", m, n, last, newest)
		}
		if m, _ := total(reduce(slices.Clone(cells))); m != n {
			r.Fatalf("reduced to %d sessions of %d", m, n)
		}
	})
}

func TestDayCodec(t *testing.T) {
	file := reuse(t)
	rapid.Check(t, func(r *rapid.T) {
		d := newDesk(t, file)
		all := sessions(r, d)
		observeAll(r, d, all)
		for _, n := range d.records {
			for _, want := range n.days {
				got, err := decodeDay(want.number, want.encode())
				if err != nil {
					r.Fatal(err)
				}
				if !slices.Equal(got.cells, want.cells) || !slices.Equal(got.greets, want.greets) ||
					!slices.Equal(got.targets, want.targets) || !slices.Equal(got.samples, want.samples) {
					r.Fatalf("got %+v\nwant %+v", got, want)
				}
			}
		}
	})
}

func FuzzDecodeDay(f *testing.F) {
	d := &day{number: 20000}
	d.add(cell{at: 20000 * secondsADay, n: 3, code: 1, strength: 1, host: manyHosts, target: 7})
	d.greet(5, "mail.sender.example", true)
	d.name(named{7, listing.BareIP, "203.0.113.9"})
	d.witness(sample{reason: listing.BareIP, id: 9, Sample: listing.Sample{Time: time.Unix(20000*secondsADay+5, 0).UTC(), HELO: "x"}})
	f.Add(d.encode())
	f.Add([]byte{dayVersion, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := decodeDay(20000, raw)
		if err != nil {
			return
		}
		n := &record{days: []*day{d}}
		n.counters(unit{}, nil, (*cell).counted)
		n.diagnose(unit{all: true})
		(&Facts{}).days(n, unit{}, 19990)
		if again, err := decodeDay(20000, d.encode()); err != nil || len(again.cells) != len(d.cells) {
			t.Fatalf("%v", err)
		}
	})
}

func FuzzObserve(f *testing.F) {
	f.Add("mx1", "q1", "[10.0.0.1]\x00", "no PTR\x1b", int64(-60), []byte{192, 0, 2, 7})
	f.Add("\xff", "\n", "203.0.113.9", "", int64(1<<40), []byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, receiver, id, said, dns string, age int64, client []byte) {
		a, _ := netip.AddrFromSlice(client)
		d := newDesk(t)
		for i := range 3 {
			_, err := d.Observe(Observation{Time: d.now.Add(time.Duration(age) * time.Second), Receiver: receiver, ID: fmt.Sprint(id, i), Client: a,
				HELO: said, DNS: dns, Verdict: helo.Classify(helo.Session{Client: a, HELO: said, HELOStatus: helo.NXDomain})})
			if err != nil {
				t.Fatal(err)
			}
		}
		d.settle()
		d.flush()
		if !a.IsValid() {
			return
		}
		f, err := d.Facts(listing.HostSubject(a))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range f.HELOs {
			if listing.Printable(h.HELO) != h.HELO || len(h.HELO) > shownHELO {
				t.Errorf("greeting %q", h.HELO)
			}
		}
		for _, s := range f.Samples {
			if text := s.HELO + s.DNS + s.Receiver; listing.Printable(text) != text {
				t.Errorf("sample %q", text)
			}
		}
		if _, err := Simulate(Recall(d.file), DefaultThresholds(), DefaultThresholds(), true); err != nil {
			t.Error(err)
		}
	})
}
