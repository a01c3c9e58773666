package listing_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"dnsbld/listing"
)

// failing is a store that cannot be reached after some requests.
type failing struct {
	listing.Store
	left int
}

func (f *failing) Apply(ctx context.Context, r listing.Request) (listing.Verdict, error) {
	if !r.DryRun {
		if f.left == 0 {
			return listing.Verdict{}, listing.ErrUnavailable
		}
		f.left--
	}
	return f.Store.Apply(ctx, r)
}

// over is a Book of the same list that writes no more than n requests.
func (d *desk) over(n int) *listing.Book {
	return listing.NewBook(&failing{d.Store(), n}, d.live, d.Rules(), d.now)
}

const many = 2500 // entries, three requests

// fill lists many addresses in 198.51.0.0/16.
func (d *desk) fill(note string) {
	d.t.Helper()
	edits := []listing.Edit{}
	for n := range many {
		a := netip.AddrFrom4([4]byte{198, 51, byte(n / 250), byte(n % 250)})
		edits = append(edits, listing.Edit{Op: listing.OpList, Key: listing.Key{Subject: listing.HostSubject(a), Reason: 2}, Origin: listing.ByOperator,
			Note: note, Life: listing.Lifetime{Base: listing.Life(3 * listing.Day), Longest: listing.Life(90 * listing.Day), Repeat: 2}})
		if len(edits) == 500 {
			d.must(d.Do(d.t.Context(), daemon("alice"), "", edits))
			edits = nil
		}
	}
}

func all(key string) listing.Delist {
	return listing.Delist{Subject: subject("198.51.0.0/16"), Within: true, Because: listing.FixedClaimed,
		Options: listing.Options{MaxChanges: 5000, IdempotencyKey: key}}
}

// listed counts what is listed, and how many changes led there.
func (d *desk) count() (listed, changes int) {
	d.t.Helper()
	if err := d.Store().View(d.t.Context(), func(s listing.Snapshot) error {
		for _, err := range s.Each(subject("198.51.0.0/16")) {
			if err != nil {
				return err
			}
			listed++
		}
		for _, a := range []string{"198.51.0.0", "198.51.4.100", "198.51.9.249"} {
			for _, err := range s.History(subject(a)) {
				if err != nil {
					return err
				}
				changes++
			}
		}
		return nil
	}); err != nil {
		d.t.Fatal(err)
	}
	return listed, changes
}

func (d *desk) wantCount(listed, changes int) {
	d.t.Helper()
	if l, c := d.count(); l != listed || c != 3*changes {
		d.t.Fatalf("%d listed after %d changes of three, not %d after %d", l, c, listed, 3*changes)
	}
}

func (d *desk) takeBack(id listing.Revision) (listing.Result, error) {
	return d.Undo(d.t.Context(), operator("bob"), id, "", listing.Options{MaxChanges: 5000})
}

// A command of several requests is undone as a whole, by any of its revisions,
// and so is the undo.
func TestUndoOfManyChanges(t *testing.T) {
	for part := range map[bool]int{false: 3, true: 1}[testing.Short()] {
		t.Run(fmt.Sprint("by part ", part), func(t *testing.T) {
			d := newDesk(t)
			d.fill("")
			ended := d.must(d.Delist(t.Context(), operator("alice"), all("")))
			d.wantCount(0, 2)
			_, err := d.Undo(t.Context(), operator("bob"), ended.Revision, "", listing.Options{})
			isKind(t, err, listing.ErrPolicy, "too-many-changes")
			undone := d.must(d.takeBack(ended.Revision - listing.Revision(part)))
			d.wantCount(many, 3)
			if again := d.must(d.takeBack(ended.Revision)); again.Changed() {
				t.Errorf("undone twice: %d changes", len(again.Changes))
			}
			d.must(d.takeBack(undone.Revision))
			d.wantCount(0, 4)
			_, err = d.takeBack(ended.Revision)
			isKind(t, err, listing.ErrConflict, "touched")
		})
	}
}

// A later change of any of the entries keeps all of them from being undone.
func TestUndoOfManyChangesIsRefusedWhole(t *testing.T) {
	d := newDesk(t)
	d.fill("")
	ended := d.must(d.Delist(t.Context(), operator("alice"), all("")))
	later := d.add("198.51.4.100", "helo-bare-ip")
	_, err := d.takeBack(ended.Revision)
	isKind(t, err, listing.ErrConflict, "touched")
	if !strings.Contains(err.Error(), fmt.Sprintf("revision %d has changed 198.51.4.100 since", later.Revision)) {
		t.Errorf("%v", err)
	}
	for n := range 6 {
		later = d.add(fmt.Sprintf("198.51.9.%d", n), "helo-bare-ip")
	}
	_, err = d.takeBack(ended.Revision)
	isKind(t, err, listing.ErrConflict, "touched")
	if want := fmt.Sprintf("revisions %d, %d, %d, %d, %d and 2 more have changed 198.51.9.5, 198.51.9.4, 198.51.9.3, 198.51.9.2, 198.51.9.1 and 2 more since",
		later.Revision, later.Revision-1, later.Revision-2, later.Revision-3, later.Revision-4); err.Error() != want {
		t.Errorf("%v, not %s", err, want)
	}
	if listed, _ := d.count(); listed != 7 {
		t.Errorf("%d listed", listed)
	}
}

// An undo that was cut short goes on where it ended; nothing is done twice.
func TestUndoGoesOn(t *testing.T) {
	d := newDesk(t)
	d.fill("")
	ended := d.must(d.Delist(t.Context(), operator("alice"), all("")))
	part, err := d.over(1).Undo(t.Context(), operator("bob"), ended.Revision, "", listing.Options{MaxChanges: 5000})
	if !errors.Is(err, listing.ErrUnavailable) || len(part.Changes) != listing.MaxEdits {
		t.Fatalf("%d changes, %v", len(part.Changes), err)
	}
	if rest := d.must(d.takeBack(ended.Revision)); len(rest.Changes) != many-listing.MaxEdits {
		t.Errorf("then %d changes", len(rest.Changes))
	}
	d.wantCount(many, 3)
}

// With an idempotency key any command does.
func TestKeyedCommandGoesOn(t *testing.T) {
	d := newDesk(t)
	d.fill("")
	if _, err := d.over(2).Delist(t.Context(), operator("alice"), all("k")); !errors.Is(err, listing.ErrUnavailable) {
		t.Fatal(err)
	}
	_, err := d.Delist(t.Context(), operator("mallory"), all("k"))
	isKind(t, err, listing.ErrConflict, "id-used")
	whole := d.must(d.Delist(t.Context(), operator("alice"), all("k")))
	d.wantCount(0, 2)
	again := d.must(d.Delist(t.Context(), operator("alice"), all("k")))
	if whole.Repeated || !again.Repeated || len(whole.Changes) != many || len(again.Changes) != many || again.Revision != whole.Revision {
		t.Errorf("%t %t, %d and %d changes, revisions %d and %d", whole.Repeated, again.Repeated, len(whole.Changes), len(again.Changes), whole.Revision, again.Revision)
	}

	undo := listing.Options{MaxChanges: 5000, IdempotencyKey: "u"}
	if _, err := d.over(1).Undo(t.Context(), operator("bob"), whole.Revision, "", undo); !errors.Is(err, listing.ErrUnavailable) {
		t.Fatal(err)
	}
	undone := d.must(d.Undo(t.Context(), operator("bob"), whole.Revision, "", undo))
	d.wantCount(many, 3)
	if again := d.must(d.Undo(t.Context(), operator("bob"), whole.Revision, "", undo)); !again.Repeated || len(again.Changes) != len(undone.Changes) {
		t.Errorf("%+v", again.Repeated)
	}
}

// A request holds no more than its size allows, whatever operators write.
func TestManyLongNotes(t *testing.T) {
	d := newDesk(t)
	d.fill(strings.Repeat("so ", 250))
	ended := d.must(d.Delist(t.Context(), operator("alice"), all("")))
	d.must(d.takeBack(ended.Revision))
	d.wantCount(many, 3)
}
