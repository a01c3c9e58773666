package db

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"dnsbld/listing"

	"pgregory.net/rapid"
)

func drawAttrs(t *rapid.T) attrs {
	return attrs{
		since: rapid.Int64().Draw(t, "since"), until: rapid.SampledFrom([]int64{0, 0, 1, 1795435200, 1 << 40}).Draw(t, "until"),
		reason: listing.Reason(rapid.Byte().Draw(t, "reason")), except: rapid.Bool().Draw(t, "except"),
		public: rapid.String().Draw(t, "public"), note: rapid.String().Draw(t, "note"), ticket: rapid.String().Draw(t, "ticket"),
	}
}

// The hosts that a table is made of are found in it, in order and by address.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.IntRange(2, 3).Draw(t, "octets")
		b := tableBuilder[attrs]{low: low}
		values := rapid.SliceOfN(rapid.Custom(drawAttrs), 1, 300).Draw(t, "values")
		lows := slices.Sorted(slices.Values(rapid.SliceOfN(rapid.Uint32Range(0, 1<<(8*low)-1), 0, 400).Draw(t, "lows")))
		for n, at := range lows {
			b.add(at, values[n%len(values)])
		}
		opened, err := openTable(b.encode((*before).attrs), low)
		if err != nil || opened.len() != len(lows) {
			t.Fatalf("%d items of %d: %v", opened.len(), len(lows), err)
		}
		dict, err := readDict(&opened, nil, (*reader).attrs)
		if err != nil {
			t.Fatal(err)
		}
		for n, want := range lows {
			at, id := opened.at(n)
			one, err := value(&opened, id, (*reader).attrs)
			if err != nil || at != want || dict[id] != values[n%len(values)] || one != dict[id] {
				t.Fatalf("item %d: %d %+v, %v", n, at, one, err)
			}
			from, to := opened.find(want)
			if first, _ := slices.BinarySearch(lows, want); from != first || n < from || n >= to {
				t.Fatalf("%d found from %d to %d", want, from, to)
			}
		}
		if from, to := opened.find(1 << 24); from != to {
			t.Fatal("found what is not there")
		}
	})
}

func TestTimes(t *testing.T) {
	for _, want := range []time.Time{{}, noon, noon.Add(1), noon.Add(-1), time.Unix(0, 0).UTC(), time.Unix(-1, 5).UTC(),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)} {
		r := reader{b: appendTime(nil, want)}
		if got := r.time(); got != want || r.err("time") != nil {
			t.Errorf("%v read as %v", want, got)
		}
	}
}

func TestEntryCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := func(what string) time.Time { return time.Unix(rapid.Int64Range(0, 1<<40).Draw(t, what), 0).UTC() }
		want := listing.Entry{
			Key:    listing.Key{Subject: hostSubject(rapid.Uint32().Draw(t, "host")), Reason: listing.Reason(rapid.Byte().Draw(t, "reason"))},
			Except: rapid.Bool().Draw(t, "except"), Since: at("since"), Until: at("until"), Level: rapid.IntRange(0, 99).Draw(t, "level"),
			Origin: listing.Origin(rapid.String().Draw(t, "origin")), PublicNote: rapid.String().Draw(t, "public"),
			Note: rapid.String().Draw(t, "note"), Ticket: rapid.String().Draw(t, "ticket"), Actor: rapid.String().Draw(t, "actor"),
			Revision: listing.Revision(rapid.Uint64().Draw(t, "revision")),
		}
		if rapid.Bool().Draw(t, "more") {
			want.Evidence, want.Before = listing.Digest{1, 2}, listing.Past{Level: 3, Ended: at("ended")}
		}
		got, err := decodeEntry(entryKey(want.Key), encodeEntry(nil, &want))
		if err != nil || got != want {
			t.Fatalf("got %+v (%v), want %+v", got, err, want)
		}
		served, err := decodeServed(entryKey(want.Key), seal(entryKey(want.Key), encodeServed(&want)))
		if err != nil || served != (listing.Served{Key: want.Key, Except: want.Except, Until: want.Until, Text: want.PublicNote}) {
			t.Fatalf("served %+v, %v", served, err)
		}
	})
}

// FuzzDecode reads what no code of ours wrote: it must be refused or read, and
// nothing else.
func FuzzDecode(f *testing.F) {
	e := listing.Entry{Key: listing.Key{Subject: hostSubject(7), Reason: 2}, Since: noon, Until: noon.Add(listing.Day), Note: "note"}
	f.Add(encodeEntry(nil, &e))
	rec := record{revision: 7, request: []byte(`{"id":"x"}`), deltas: &deltaSet{source: "feed", tops: []byte{192}, wide: 1}, verdict: listing.Verdict{
		Changes: []listing.Change{{Kind: listing.EntryChange, After: &e}, {Kind: listing.ConfigChange, Config: "x"}}, Entries: []listing.Entry{e, e}}}
	raw, err := rec.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	var log deltaBuilder
	a := attrs{since: 1, reason: 2, note: "x"}
	key := netKeyOf(listing.Key{Subject: listing.Subject{Prefix: netip.MustParsePrefix("2001:db8::/32")}, Reason: 2})
	err = errors.Join(log.host(7, nil, &a), log.wide(&key, &a, nil))
	all, failed := log.finish()
	if err = errors.Join(err, failed); err != nil {
		f.Fatal(err)
	}
	for _, c := range all {
		f.Add(c.raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if rec, err := decodeRecord(raw); err == nil && rec.deltas == nil {
			_ = rec.verdict.Changed()
		}
		if got, err := decodeEntry(entryKey(e.Key), raw); err == nil {
			if again, err := decodeEntry(entryKey(e.Key), encodeEntry(nil, &got)); err != nil || again != got {
				t.Errorf("%+v comes back as %+v, %v", got, again, err)
			}
		}
		for _, low := range []int{blockLow, deltaLow} {
			if opened, err := openTable(raw, low); err == nil {
				opened.find(7)
				if dict, err := readDict(&opened, nil, (*reader).transition); err == nil && len(dict) != opened.values {
					t.Error("a dictionary of another length")
				}
			}
		}
		for _, class := range []byte{hostClass, wideClass} {
			of := chunk{class: class}
			if d, err := of.open(raw); err == nil {
				d.find(e.Subject)
				for n := range d.len() {
					_, _, _ = d.item(n)
				}
				in := follower{rec: &record{deltas: &deltaSet{source: "feed"}, verdict: listing.Verdict{
					Changes: []listing.Change{{Kind: listing.SourceChange, SourceAfter: &listing.Source{}}}}}}
				for err = in.added.open(true, in.rec, d.packed()); err == nil && in.added.all && in.item < d.len(); in.inBlocks = 0 {
					_, err = in.addedItems(d, nil)
				}
			}
		}
		_, _ = decodeDone(raw)
		_, _ = decodeDocument("ticket", "t1", bytes.Clone(raw))
	})
}
