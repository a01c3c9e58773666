package listing_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"dnsbld/listing"
)

// While a file is read another import of its source comes: the first is then
// made against what is no longer there, and refused.
func TestImportsOfOneSourceAtOnce(t *testing.T) {
	d := newDesk(t)
	for _, begun := range []bool{false, true} {
		slow := func(yield func(listing.Entry, error) bool) {
			d.feed("ipsum", true, "192.0.2.8", map[bool]string{false: "198.51.100.0/24", true: "203.0.113.0/24"}[begun])
			lines("192.0.2.7")(yield)
		}
		_, err := d.Import(t.Context(), operator("alice"), listing.Import{Source: "ipsum", Replace: true}, slow, nil)
		isKind(t, err, listing.ErrConflict, "generation")
		d.wantAnswers("192.0.2.7", "")
		d.wantAnswers("192.0.2.8", " 23")
	}
	// One that found what it should hold already has changed nothing.
	refreshed := func(yield func(listing.Entry, error) bool) {
		d.feed("ipsum", true, "192.0.2.8", "203.0.113.0/24")
		lines("192.0.2.7")(yield)
	}
	d.must(d.Import(t.Context(), operator("alice"), listing.Import{Source: "ipsum", Replace: true}, refreshed, nil))
	d.wantAnswers("192.0.2.7", " 23")
}

// Two feeds that list one address are of it each for itself, and so are their
// exceptions.
func TestFeedsThatOverlap(t *testing.T) {
	d := newDesk(t)
	d.feed("alpha", true, "192.0.2.7", "192.0.2.8")
	d.feed("beta", true, "192.0.2.7", "192.0.2.0/25")
	d.feed("alpha", true, "192.0.2.8")
	d.wantAnswers("192.0.2.7", " 23") // beta's
	excepted := func(yield func(listing.Entry, error) bool) {
		lines("198.51.100.0/24")(yield)
		yield(listing.Entry{Key: listing.Key{Subject: subject("198.51.100.9"), Reason: listing.Imported}, Except: true}, nil)
	}
	d.must(d.Import(t.Context(), operator("alice"), listing.Import{Source: "gamma"}, excepted, nil))
	d.wantAnswers("198.51.100.9", "")
	d.feed("alpha", false, "198.51.100.8/31")
	d.wantAnswers("198.51.100.9", " 23") // alpha's: an exception of gamma is gamma's own
	for _, name := range []string{"beta", "alpha"} {
		d.must(d.DropSource(t.Context(), operator("alice"), name, "", listing.Options{}))
	}
	d.wantAnswers("192.0.2.7", "")
	d.wantAnswers("192.0.2.8", "")
	d.wantAnswers("198.51.100.9", "")
	d.wantAnswers("198.51.100.8", " 23")
}

// A fed address that was delisted stays out of what its feed says from then on,
// for as long as the exception lives, and of another feed's too.
func TestDelistingWhatIsFed(t *testing.T) {
	d := newDesk(t)
	feeds := func() {
		d.feed("alpha", true, "192.0.2.7", "192.0.2.8")
		d.feed("beta", true, "192.0.2.0/24")
	}
	feeds()
	if res := d.delist("192.0.2.7", listing.FalsePositive); len(res.Warnings) != 1 {
		t.Errorf("warnings %q", res.Warnings)
	}
	life := listing.DefaultPolicy().Exception.Duration()
	e := d.entry("192.0.2.7", listing.Imported)
	if !e.Except || e.Source != "" || e.Until.Sub(noon) != life {
		t.Errorf("the exception: %+v", e)
	}
	d.wantAnswers("192.0.2.7", "")
	for range 3 {
		d.advance(listing.Day)
		feeds()
		d.wantAnswers("192.0.2.7", "")
		d.wantAnswers("192.0.2.8", " 23")
	}
	d.advance(life - 3*listing.Day - time.Second)
	feeds()
	d.wantAnswers("192.0.2.7", "")
	d.advance(time.Second)
	d.wantAnswers("192.0.2.7", " 23")
}

// The end of a source ends its entries, and cannot be undone: it is bounded as
// they are.
func TestDropSourceIsBounded(t *testing.T) {
	d := newDesk(t)
	var hosts []string
	for n := range 150 {
		hosts = append(hosts, fmt.Sprintf("192.0.2.%d", n))
	}
	d.feed("ipsum", true, hosts...)
	for _, most := range []int{0, 149} {
		_, err := d.DropSource(t.Context(), operator("alice"), "ipsum", "", listing.Options{MaxChanges: most})
		isKind(t, err, listing.ErrPolicy, "too-many-changes")
	}
	dry := d.must(d.DropSource(t.Context(), operator("alice"), "ipsum", "", listing.Options{DryRun: true}))
	if want := []string{"it takes --max-changes 150"}; !slices.Equal(dry.Warnings, want) {
		t.Errorf("a dry run warns of %q, not of %q", dry.Warnings, want)
	}
	d.wantAnswers("192.0.2.7", " 23")
	d.must(d.DropSource(t.Context(), operator("alice"), "ipsum", "", listing.Options{MaxChanges: 150}))
	d.wantAnswers("192.0.2.7", "")
}
