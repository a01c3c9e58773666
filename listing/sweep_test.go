package listing_test

import (
	"iter"
	"testing"
	"time"

	"dnsbld/listing"
)

func (d *desk) sweep() {
	d.t.Helper()
	if err := d.Sweep(d.t.Context(), daemon("dnsbld"), d.live.Set().Due(uint32(d.now().Unix()), listing.MaxEdits)); err != nil {
		d.t.Fatal(err)
	}
}

func ending(until time.Time, prefixes ...string) iter.Seq2[listing.Entry, error] {
	return func(yield func(listing.Entry, error) bool) {
		for e := range lines(prefixes...) {
			e.Until = until
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Lines of a feed that end before it are ended by the sweep, as one revision;
// the same file again changes nothing, and neither stands in the way of undo.
func TestSweepOfSource(t *testing.T) {
	d := newDesk(t)
	feed := func(ends time.Time) listing.Result {
		return d.must(d.Import(t.Context(), operator("alice"), listing.Import{Source: "ipsum"}, ending(ends, "192.0.2.7", "192.0.2.8", "2001:db8::1"), nil))
	}
	d.feed("ipsum", true, "192.0.2.9", "198.51.100.0/24")
	added := feed(noon.Add(time.Hour))
	d.advance(time.Hour)
	d.wantAnswers("192.0.2.7", "") // exact, whether or not the sweep has come
	d.sweep()
	swept := d.live.Set().Revision()
	if stats := d.live.Set().Stats(); swept != added.Revision+1 || stats.Hosts != 1 || stats.Prefixes != 1 {
		t.Errorf("revision %d, %+v", swept, stats)
	}
	if d.sweep(); d.live.Set().Revision() != swept {
		t.Error("swept again")
	}
	_, err := d.Undo(t.Context(), operator("bob"), swept, "", listing.Options{})
	isKind(t, err, listing.ErrPolicy, "expired")
	if res := feed(noon.Add(time.Hour)); res.Over != 3 || res.Added+res.Altered+res.Removed != 0 {
		t.Errorf("the same file again: %+v", res)
	}
	replaced := d.must(d.Import(t.Context(), operator("alice"), listing.Import{Source: "ipsum", Replace: true}, ending(noon.Add(3*time.Hour), "192.0.2.7"), nil))
	d.wantAnswers("192.0.2.7", " 23")
	d.advance(2 * time.Hour)
	d.sweep()
	d.undo(replaced.Revision)
	d.wantAnswers("192.0.2.7", "")
	d.wantAnswers("192.0.2.9", " 23")
	d.wantAnswers("198.51.100.77", " 23")
}

// A source whose own time has come ends as a whole, in the same sweep as others
// lose entries.
func TestSweepOfManySources(t *testing.T) {
	d := newDesk(t)
	for _, name := range []string{"a", "b", "c"} {
		d.must(d.Import(t.Context(), operator("alice"), listing.Import{Source: name, For: listing.Life(2 * time.Hour)}, ending(noon.Add(time.Hour), "192.0.2.7"), nil))
	}
	d.feed("c", false, "192.0.2.9")
	d.feed("b", false, "192.0.2.8")
	d.advance(2 * time.Hour)
	d.sweep()
	if stats := d.live.Set().Stats(); stats.Sources != 2 || stats.Hosts != 2 {
		t.Errorf("left: %+v", stats)
	}
}
