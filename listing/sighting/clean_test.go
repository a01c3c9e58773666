package sighting

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"dnsbld/listing"
)

// cleanIn are the clean senders in a prefix, as "subject sessions", sorted.
func (d *desk) cleanIn(prefix string) []string {
	d.Helper()
	var within listing.Subject
	if prefix != "" {
		within = key(prefix, 2).Subject
	}
	found := []string{}
	for s, err := range d.Clean(within) {
		if err != nil {
			d.Fatal(err)
		}
		found = append(found, fmt.Sprintf("%s %d", s.Subject.Text(), s.Sessions))
	}
	slices.Sort(found)
	return found
}

func TestClean(t *testing.T) {
	d := newDesk(t)
	d.sees(3, "192.0.2.7", clean)
	d.sees(2, "192.0.2.7", clean, at(-6*listing.Day))
	d.sees(4, "192.0.2.7", bare)
	d.sees(1, "192.0.2.200", clean, at(-30*time.Hour))
	d.sees(5, "192.0.2.9", clean, at(-8*listing.Day)) // too long ago
	d.sees(5, "192.0.2.10", unverified)               // not borne out
	d.sees(5, "192.0.2.11", mismatch)
	d.see("192.0.2.12", clean, at(time.Hour)) // by a clock that is wrong
	d.sees(2, "192.0.3.1", clean)
	d.sees(2, "2001:db8::5", clean)
	d.sees(1, "2001:db8::6", clean)
	d.sees(1, "2001:db8:0:1::6", clean)
	all := []string{"192.0.2.200 1", "192.0.2.7 5", "192.0.3.1 2", "2001:db8:0:1::6 1", "2001:db8::5 2", "2001:db8::6 1"}
	for _, state := range []string{"in memory", "stored too", "stored", "both"} {
		for prefix, want := range map[string][]string{
			"192.0.2.7":          {"192.0.2.7 5"},
			"192.0.2.8":          {},
			"192.0.2.0/25":       {"192.0.2.7 5"},
			"192.0.2.0/24":       {"192.0.2.200 1", "192.0.2.7 5"},
			"192.0.0.0/17":       {"192.0.2.200 1", "192.0.2.7 5", "192.0.3.1 2"},
			"203.0.113.0/24":     {},
			"2001:db8::5":        {"2001:db8::5 2"},
			"2001:db8::/64":      {"2001:db8::5 2", "2001:db8::6 1"},
			"2001:db8::4/126":    {"2001:db8::5 2", "2001:db8::6 1"},
			"2001:db8::/33":      {"2001:db8:0:1::6 1", "2001:db8::5 2", "2001:db8::6 1"},
			"2001:db8:8000::/33": {},
			"":                   all,
		} {
			if got := d.cleanIn(prefix); !slices.Equal(got, want) {
				t.Errorf("%s, in %q: %q, not %q", state, prefix, got, want)
			}
		}
		switch state {
		case "in memory":
			d.flush()
		case "stored too":
			d.start()
		case "stored":
			d.see("192.0.2.7", bare) // has its network read
		}
	}
	for range d.Clean(listing.Subject{}) {
		break // whoever has seen enough may stop
	}
}

func TestCleanOfADamagedArchive(t *testing.T) {
	d := newDesk(t)
	d.sees(3, "192.0.2.7", clean)
	d.flush()
	var stored []byte
	for item, err := range d.file.Scan([]byte{placeKey}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		stored = slices.Clone(item.Key)
	}
	if err := d.file.Save([]Item{{stored, []byte{255}}}); err != nil {
		t.Fatal(err)
	}
	d.start()
	var failed error
	for _, err := range d.Clean(listing.Subject{}) {
		failed = err
	}
	if !errors.Is(failed, listing.ErrCorrupt) {
		t.Errorf("%v", failed)
	}
}
