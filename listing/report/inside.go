package report

import (
	"context"
	"iter"
	"slices"

	"dnsbld/listing"
	"dnsbld/listing/sighting"
)

// Inside is what a trial run found within reach of a change, that somebody
// should look at before it is made.
type Inside struct {
	Allows   []listing.Allow   `json:"allow"`           // allow entries in force that overlap it
	Canaries []listing.Subject `json:"canaries"`        // prefixes whose listing is a sign of a mistake
	Clean    *Clean            `json:"clean,omitempty"` // nil: sessions are not counted here

	Hides  int   `json:"hides,omitempty"`  // entries that would no longer be answered, or a part of which would not
	Hidden []Row `json:"hidden,omitempty"` // the first of them
}

// Senders yields those who lately greeted as they should within a subject; the
// zero subject means all.
type Senders func(within listing.Subject) iter.Seq2[sighting.Sender, error]

// Reach gathers what the subjects of a change touch, each thing once.
type Reach struct {
	book     *listing.Book
	found    Inside
	allows   []listing.Allow // not yet touched
	canaries []listing.Subject
	senders  *cleanSenders // nil: sessions are not counted
}

// NewReach looks up what there is to be touched. senders is nil where sessions
// are not counted.
func NewReach(ctx context.Context, book *listing.Book, senders Senders) (*Reach, error) {
	r := &Reach{book: book, canaries: slices.Clone(book.Rules().Policy.Canaries),
		found: Inside{Allows: []listing.Allow{}, Canaries: []listing.Subject{}}}
	if senders != nil {
		r.senders = newCleanSenders(senders)
	}
	err := book.Store().View(ctx, func(snap listing.Snapshot) (err error) {
		r.allows, err = listing.AllowsInForce(snap, book.Now())
		return err
	})
	return r, err
}

// Touch notes what a subject overlaps. A thing that was touched once is taken
// off the list of those to look for, so a million lines cost little.
func (r *Reach) Touch(subject listing.Subject) {
	if !subject.IsValid() {
		return
	}
	r.found.Allows = move(&r.allows, r.found.Allows, func(a listing.Allow) bool { return a.Subject.Overlaps(subject.Prefix) })
	r.found.Canaries = move(&r.canaries, r.found.Canaries, func(c listing.Subject) bool { return c.Overlaps(subject.Prefix) })
	if r.senders != nil {
		r.senders.touch(subject)
	}
}

// move takes what is hit out of one list and appends it to the other.
func move[T any](from *[]T, to []T, hit func(T) bool) []T {
	for _, one := range *from {
		if hit(one) {
			to = append(to, one)
		}
	}
	*from = slices.DeleteFunc(*from, hit)
	return to
}

// Result is all that was touched.
func (r *Reach) Result() (*Inside, error) {
	if r.senders != nil {
		clean, err := r.senders.result()
		if err != nil {
			return nil, err
		}
		r.found.Clean = clean
	}
	return &r.found, nil
}

// Changes touches what changes of a trial run do; of a source that would end,
// all that it lists.
func (r *Reach) Changes(ctx context.Context, changes []Event) (*Inside, error) {
	for _, e := range changes {
		r.Touch(e.Subject)
		var err error
		switch {
		case e.Action == Dropped:
			err = r.touchSource(ctx, e.Source)
		case e.Action == Allowed:
			err = r.book.Store().View(ctx, func(snap listing.Snapshot) error {
				i, err := listing.InstantOf(snap, r.book.Rules(), r.book.Now())
				if err != nil {
					return err
				}
				return r.Hide(snap, i, e.Subject)
			})
		}
		if err != nil {
			return nil, err
		}
	}
	return r.Result()
}

// touchSource touches all that a source lists.
func (r *Reach) touchSource(ctx context.Context, source string) error {
	return r.book.Store().View(ctx, func(snap listing.Snapshot) error {
		for entry, err := range snap.Each(listing.Subject{}) {
			if err != nil {
				return err
			}
			if entry.Source == source {
				r.Touch(entry.Subject)
			}
		}
		return nil
	})
}

// Revision touches what the entries that a revision changed do, those of an
// import too, and says how many addresses they are. It is for undo: of an
// import the changes that are shown name the source alone.
func (r *Reach) Revision(ctx context.Context, id listing.Revision) (in *Inside, addresses float64, err error) {
	var touched []listing.Subject
	for c, err := range r.book.Store().Changes(ctx, id-1) {
		if err != nil {
			return nil, 0, err
		}
		if c.Revision != id {
			break
		}
		if s := subjectOf(c); s.IsValid() {
			r.Touch(s)
			touched = append(touched, s)
		}
		if c.Last {
			break
		}
	}
	in, err = r.Result()
	return in, listing.NewCover(touched...).Addresses(), err
}
