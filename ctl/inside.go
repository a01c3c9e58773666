package ctl

import (
	"context"
	"slices"

	"dnsbld/listing"
)

// Inside is what a trial run found within reach of a change, that somebody
// should look at before it is made.
type Inside struct {
	Allows   []listing.Allow   `json:"allow"`    // allow entries in force that overlap it
	Canaries []listing.Subject `json:"canaries"` // prefixes whose listing is a sign of a mistake
}

// reach gathers what subjects touch.
type reach struct {
	Inside
	allows   []listing.Allow // not yet touched
	canaries []listing.Subject
}

// newReach looks up what there is to be touched.
func (s *Server) newReach(ctx context.Context) (*reach, error) {
	now := s.cfg.Book.Now()
	r := &reach{Inside: Inside{Allows: []listing.Allow{}, Canaries: []listing.Subject{}},
		canaries: slices.Clone(s.cfg.Book.Rules().Policy.Canaries)}
	err := s.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		all, err := snap.Allows()
		for _, a := range all {
			if a.Active(now) {
				r.allows = append(r.allows, a)
			}
		}
		return err
	})
	return r, err
}

// touch notes what a subject overlaps, each thing once.
func (r *reach) touch(subject listing.Subject) {
	if !subject.IsValid() {
		return
	}
	r.allows = slices.DeleteFunc(r.allows, func(a listing.Allow) bool {
		hit := a.Subject.Overlaps(subject.Prefix)
		if hit {
			r.Allows = append(r.Allows, a)
		}
		return hit
	})
	r.canaries = slices.DeleteFunc(r.canaries, func(c listing.Subject) bool {
		hit := c.Overlaps(subject.Prefix)
		if hit {
			r.Canaries = append(r.Canaries, c)
		}
		return hit
	})
}

// inside is what the changes of a trial run touch.
func (s *Server) inside(changes []Event) (*Inside, error) {
	r, err := s.newReach(context.Background()) // as short as the look at one page
	if err != nil {
		return nil, err
	}
	for _, e := range changes {
		r.touch(e.Subject)
	}
	return &r.Inside, nil
}
