package desk_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"dnsbld/listing"
)

// importFeed makes a source of entries for one reason.
func (o *office) importFeed(t *testing.T, source string, entries ...listing.Entry) {
	t.Helper()
	each := func(yield func(listing.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
	if _, err := o.book.Import(t.Context(), operator("alice"), listing.Import{Source: source, For: listing.Life(listing.Day)}, iter.Seq2[listing.Entry, error](each), nil); err != nil {
		t.Fatal(err)
	}
}

func entry(prefix string, except bool) listing.Entry {
	s, err := listing.ParseSubject(prefix)
	if err != nil {
		panic(err)
	}
	return listing.Entry{Key: listing.Key{Subject: s, Reason: listing.Imported}, Except: except}
}

// Only an exception that takes the address out of an entry spares it: another
// feed's does not, nor does one of this list's own that is wider.
func TestSparedByWhatSparesIt(t *testing.T) {
	o := newOffice(t)
	o.importFeed(t, "a", entry("192.0.2.7", false))
	o.importFeed(t, "b", entry("192.0.2.0/24", true))
	until := noon.Add(time.Hour)
	if _, err := o.book.Permit(context.Background(), operator("alice"), listing.Permit{Subject: listing.HostSubject(sender), Owner: "bob", Until: until}); err != nil {
		t.Fatal(err)
	}
	about, err := o.About(t.Context(), sender)
	if err != nil || len(about.Entries) != 0 || about.Spared == nil {
		t.Fatalf("%+v, %v", about, err)
	}
	if why := about.Spared.WhyNot; why.Kind != listing.IsAllowed || !why.Until.Equal(until) {
		t.Errorf("spared by %+v", why)
	}
}
