package zone

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/hits"
)

// counting is a server that counts, its counter, and one of its workers.
func counting(t testing.TB, c Config, list string) (*bench, *hits.Counter, *worker) {
	t.Helper()
	b := newServer(t, c, list)
	counter := hits.New(b.time())
	b.server.Count(counter)
	return b, counter, b.server.newWorker()
}

// askWorker asks one worker, as it comes over a socket.
func askWorker(t testing.TB, w *worker, name, kind string) {
	t.Helper()
	batch := []datagram{{append(make([]byte, 0, 1<<12), pack(t, query(name, kind))...), wirePeers[0]}}
	if w.answer(batch); batch[0].data == nil {
		t.Fatalf("%s %s: silence", name, kind)
	}
}

// Whatever is asked about a listed name is counted, on either path, for all that the
// answer says; what people ask, test points, and what is not listed are not.
func TestHits(t *testing.T) {
	b, counter, w := counting(t, config(t), wireList)
	for _, name := range []string{"7.2.0.192.bl.test.", "1.100.51.198.bl.test.", "4.3.2.1.bl.test.", "2.0.0.127.bl.test.", "77.2.0.192.bl.test.", "x.bl.test."} {
		askWorker(t, w, name, "A")
	}
	askWorker(t, w, "7.2.0.192.bl.test.", "AAAA")
	v6 := reversed(netip.MustParseAddr("2001:db8::1"), "bl.test.")
	wire := w.count[countWire].Load()
	askWorker(t, w, v6, "TXT") // it has a text of its own
	if w.count[countWire].Load() != wire {
		t.Fatal("the text of an entry is on the wire path")
	}
	b.answer(pack(t, query("7.2.0.192.bl.test.", "TXT")), TCP)
	if _, err := b.server.Lookup(netip.MustParseAddr("192.0.2.7")); err != nil {
		t.Fatal(err)
	}
	now, list := b.time().UTC().Truncate(time.Second), map[string]uint64{}
	for _, l := range counter.Top(100) {
		list[fmt.Sprint(l.Subject().Text(), " ", l.Reason)] = l.Count
		if l.Last != now {
			t.Errorf("%s was asked for last at %s", l.Subject(), l.Last)
		}
	}
	for _, s := range wantHits(t, b) {
		if list[s] == 0 {
			t.Errorf("%s is not counted: %v", s, list)
		}
		delete(list, s)
	}
	if len(list) > 0 {
		t.Errorf("counted, too: %v", list)
	}
	if got := counter.Of(theSubject(t, "192.0.2.7"), listing.BareIP).Count; got != 3 {
		t.Errorf("192.0.2.7 was asked for 3 times, not %d", got)
	}
	totals := counter.Totals()
	if !slices.ContainsFunc(totals, func(one hits.Total) bool {
		return one.Zone == "bl.test" && one.Reason == listing.BareIP && one.Count >= 3
	}) {
		t.Errorf("%+v", totals)
	}
	if err := b.server.Configure(config(t)); err != nil { // zones keep their numbers
		t.Fatal(err)
	}
	askWorker(t, w, "7.2.0.192.bl.test.", "A")
	if again := counter.Totals(); len(again) != len(totals) {
		t.Errorf("%+v", again)
	}
}

// wantHits are the listings that the questions of TestHits are about.
func wantHits(t *testing.T, b *bench) (all []string) {
	for _, a := range []string{"192.0.2.7", "198.51.100.1", "1.2.3.4", "2001:db8::1"} {
		z := b.server.tables.Load().ordered[0]
		for _, r := range z.judge(b.live.Set(), netip.MustParseAddr(a), nil, b.server.clock.Now(), &scratch{}).reasons {
			all = append(all, fmt.Sprint(listing.Subject{Prefix: r.prefix}.Text(), " ", r.reason))
		}
	}
	if len(all) < 5 {
		t.Fatalf("only %v are listed", all)
	}
	return all
}

func theSubject(t testing.TB, text string) listing.Subject {
	t.Helper()
	s, err := listing.ParseSubject(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// To count allocates nothing.
func TestHitsAllocate(t *testing.T) {
	_, _, w := counting(t, config(t), wireList)
	raw := pack(t, query("7.2.0.192.bl.test.", "A"))
	slot := make([]byte, 2048)
	batch := make([]datagram, 1)
	allocs := testing.AllocsPerRun(10_000, func() {
		batch[0] = datagram{slot[:copy(slot, raw)], wirePeers[0]}
		w.answer(batch)
	})
	if allocs > 0 || w.count[countWire].Load() < 10_000 {
		t.Errorf("%v allocations", allocs)
	}
}

// BenchmarkHits compares, in one run and in turns, a worker that counts with one that
// does not, over a million hosts, a third of the questions about what is listed; and
// where all are.
func BenchmarkHits(b *testing.B) {
	s, queries := million(b)
	var listed [][]byte
	for n := 0; n < len(queries); n += 3 {
		listed = append(listed, queries[n])
	}
	for _, bench := range []struct {
		about   string
		queries [][]byte
	}{{"a_third_listed", queries}, {"all_listed", listed}} {
		b.Run(bench.about, func(b *testing.B) {
			plain := s.server.newWorker()
			other, err := New(s.live, s.clock, config(b))
			if err != nil {
				b.Fatal(err)
			}
			counter := hits.New(s.time())
			other.Count(counter)
			workers, m := [2]*worker{plain, other.newWorker()}, newMix(bench.queries)
			const batches = 64
			var took [2][]float64
			for round := 0; round < b.N; round++ {
				for i := range workers {
					which := (round + i) % 2
					start := time.Now()
					for n := range batches {
						workers[which].answer(m.batch((round*batches + n) * batchSize))
					}
					took[which] = append(took[which], float64(time.Since(start))/(batches*batchSize))
				}
				if round%100 == 0 { // a tenth of a second, about
					counter.Totals()
					s.at(time.Duration(round/1000) * time.Second)
					other.clock = s.clock
				}
			}
			for i := range took {
				slices.Sort(took[i])
			}
			without, with := took[0][len(took[0])/2], took[1][len(took[1])/2]
			b.ReportMetric(without, "ns/query")
			b.ReportMetric(100*(with/without-1), "%counting")
			b.ReportMetric(0, "ns/op")
		})
	}
}
