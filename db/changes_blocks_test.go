package db

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"

	"dnsbld/listing"
)

// Blocks say in order what the changes of an import that adds say, and are of bounded
// size. An import that alters or removes has none there.
func TestChangesInBlocks(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	defer d.Close()
	var all []listing.Entry
	say := func(e listing.Entry) { all = append(all, e) }
	r := rand.New(rand.NewPCG(1, 2))
	for _, v4 := range clustered(20_000) {
		e := listing.Entry{Key: listing.Key{Subject: hostSubject(v4), Reason: listing.Imported}}
		switch r.IntN(8) {
		case 0:
			e.PublicNote = fmt.Sprint("seen by mx1.example.test in session ", r.IntN(1000))
		case 1:
			e.PublicNote, e.Note = "noted", "twice"
		case 2:
			e.Until, e.Except = noon.Add(listing.Day), r.IntN(2) == 0
		case 3:
			say(e)
			e.Reason = listing.BareIP
		}
		say(e)
	}
	for n := range 3 * batchSize { // a crowded /16 in which each says something else
		say(listing.Entry{Key: listing.Key{Subject: hostSubject(223<<24 | uint32(n)), Reason: listing.Imported}, PublicNote: fmt.Sprint("number ", n)})
		say(listing.Entry{Key: listing.Key{Subject: listing.Subject{Prefix: netip.PrefixFrom(addr4(11<<24|uint32(n)<<8), 24)}, Reason: listing.Imported}})
		a := netip.MustParseAddr("2001:db8::").As16()
		a[4], a[5] = byte(n>>8), byte(n)
		say(listing.Entry{Key: listing.Key{Subject: listing.Subject{Prefix: netip.PrefixFrom(netip.AddrFrom16(a), 48)}, Reason: listing.Imported},
			PublicNote: fmt.Sprint("customer ", n%7)})
	}
	replace(t, d, "new", all)
	if added := sameInBlocks(t, d, 0); added == 0 || added > len(all)/20 {
		t.Errorf("%d entries in %d blocks", len(all), added)
	}
	head := headOf(t, d)
	replace(t, d, "more", append(all, listing.Entry{Key: listing.Key{Subject: hostSubject(9 << 24), Reason: listing.Imported}}))
	if added := sameInBlocks(t, d, head); added != 1 {
		t.Errorf("one more entry comes in %d blocks", added)
	}
	head = headOf(t, d)
	all[0].PublicNote = "another"
	replace(t, d, "other", all[:1])
	if added := sameInBlocks(t, d, head); added != 0 {
		t.Errorf("%d blocks of entries that were altered or ended", added)
	}
}

func replace(t *testing.T, d *DB, id string, entries []listing.Entry) {
	t.Helper()
	if _, err := d.Replace(t.Context(), importing(id, "feed"), func(yield func(listing.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
}

func headOf(t *testing.T, d *DB) listing.Revision {
	t.Helper()
	st, err := d.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st.Head
}

// sameInBlocks compares the changes after a revision with those in blocks, and gives the
// number of these.
func sameInBlocks(t *testing.T, d *DB, after listing.Revision) (added int) {
	t.Helper()
	head := headOf(t, d)
	upTo := func(changes iter.Seq2[listing.Change, error], each func(*listing.Change)) {
		for c, err := range changes {
			if err != nil {
				t.Fatal(err)
			}
			if each(&c); c.Last && c.Revision == head {
				return
			}
		}
	}
	type step struct {
		kind        listing.Kind
		revision    listing.Revision
		id          string
		before      bool
		after       listing.Served
		last, ended bool
	}
	stepOf := func(c *listing.Change) step {
		s := step{kind: c.Kind, revision: c.Revision, id: c.Header.ID, before: c.Before != nil, last: c.Last, ended: c.After == nil}
		if c.After != nil {
			s.after = c.After.Served()
		}
		return s
	}
	var want, got []step
	upTo(d.Changes(t.Context(), after), func(c *listing.Change) { want = append(want, stepOf(c)) })
	upTo(d.ChangesInBlocks(t.Context(), after), func(c *listing.Change) {
		if c.Added == nil {
			got = append(got, stepOf(c))
			return
		}
		if added++; len(c.Added.Said) > batchSize || (len(c.Added.Said) == 1) != (c.Added.Which == nil) {
			t.Errorf("a block of %d entries says %d things", c.Added.Len(), len(c.Added.Said))
		}
		for n := range c.Added.Len() {
			s := stepOf(&listing.Change{Kind: c.Kind, Revision: c.Revision, Header: c.Header, Last: c.Last && n == c.Added.Len()-1})
			s.after, s.ended = c.Added.Served(n), false
			got = append(got, s)
		}
	})
	if !slices.Equal(got, want) {
		t.Fatalf("%d changes in blocks, want %d of the same", len(got), len(want))
	}
	return added
}
