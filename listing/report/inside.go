package ctl

import (
	"context"
	"slices"

	"dnsbld/listing"
)

// Inside is what a trial run found within reach of a change, that somebody
// should look at before it is made.
type Inside struct {
	Allows   []listing.Allow   `json:"allow"`           // allow entries in force that overlap it
	Canaries []listing.Subject `json:"canaries"`        // prefixes whose listing is a sign of a mistake
	Clean    *Clean            `json:"clean,omitempty"` // nil: sessions are not counted here
}

// reach gathers what subjects touch.
type reach struct {
	Inside
	allows   []listing.Allow // not yet touched
	canaries []listing.Subject
	senders  *senders // nil: sessions are not counted
}

// newReach looks up what there is to be touched.
func (s *Server) newReach(ctx context.Context) (*reach, error) {
	now := s.cfg.Book.Now()
	r := &reach{Inside: Inside{Allows: []listing.Allow{}, Canaries: []listing.Subject{}},
		canaries: slices.Clone(s.cfg.Book.Rules().Policy.Canaries)}
	if s.cfg.Sensor != nil {
		r.senders = newSenders(s.cfg.Sensor.Clean)
	}
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
	if r.senders != nil {
		r.senders.touch(subject)
	}
}

// result is all that was touched.
func (r *reach) result() (*Inside, error) {
	if r.senders != nil {
		clean, err := r.senders.result()
		if err != nil {
			return nil, err
		}
		r.Clean = clean
	}
	return &r.Inside, nil
}

// inside is what the changes of a trial run touch; of a source that would end,
// all that it lists.
func (s *Server) inside(changes []Event) (*Inside, error) {
	ctx := context.Background() // a look, which nobody waits to end
	r, err := s.newReach(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range changes {
		r.touch(e.Subject)
		if e.Action != Dropped {
			continue
		}
		if err := s.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
			for entry, err := range snap.Each(listing.Subject{}) {
				if err != nil {
					return err
				}
				if entry.Source == e.Source {
					r.touch(entry.Subject)
				}
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return r.result()
}

// insideOf is what the entries that a revision changed touch, those of an import
// too, and how many addresses they are.
func (s *Server) insideOf(ctx context.Context, id listing.Revision) (in *Inside, addresses float64, err error) {
	r, err := s.newReach(ctx)
	if err != nil {
		return nil, 0, err
	}
	none := rows{reasons: s.cfg.Book.Rules().Reasons}
	for c, err := range s.cfg.Book.Store().Changes(ctx, id-1) {
		if err != nil {
			return nil, 0, err
		}
		if c.Revision != id {
			break
		}
		if e := none.event(c); e.Subject.IsValid() {
			r.touch(e.Subject)
			addresses += e.Subject.Addresses()
		}
		if c.Last {
			break
		}
	}
	in, err = r.result()
	return in, addresses, err
}
