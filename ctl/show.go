package ctl

import (
	"errors"
	"net/http"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/sighting"
)

// Shown is all that is known about a prefix.
type Shown struct {
	Subject  listing.Subject  `json:"prefix"`
	Time     time.Time        `json:"time"`
	Revision listing.Revision `json:"revision"`
	Listed   bool             `json:"listed"`
	Hidden   string           `json:"hidden,omitempty"` // why it is never answered as listed, whatever is stored
	Entries  []Standing       `json:"entries"`          // that cover it and are in force, strongest first
	Inside   int              `json:"inside"`           // entries in force inside a prefix, its own not counted
	InsideTo bool             `json:"inside_or_more,omitempty"`
	Allows   []listing.Allow  `json:"allow"`
	Past     []Ended          `json:"past"`
	Answers  []Answer         `json:"dns"`     // of a single address
	Changes  []Event          `json:"changes"` // the last ones, newest first

	Eligibility *delist.Decision `json:"eligibility,omitempty"` // of a single address that is listed
	Tickets     []delist.Ticket  `json:"tickets,omitempty"`     // of a single address, the open ones

	Sightings *sighting.Facts `json:"sightings,omitempty"` // what was counted, if anything was
}

// Ended is what is remembered of a listing that ended.
type Ended struct {
	Reason string         `json:"reason"`
	Code   listing.Reason `json:"code"`
	Level  int            `json:"level"`
	Ended  time.Time      `json:"ended"`
}

// Limits of what one screen shows.
const (
	shownChanges = 5
	shownInside  = 10000
)

func (s *Server) show(w http.ResponseWriter, r *http.Request, _ Caller) error {
	subject, err := subjectOf(r)
	if err != nil {
		return err
	}
	shown := Shown{Subject: subject, Time: s.cfg.Book.Now().Truncate(time.Second),
		Allows: []listing.Allow{}, Past: []Ended{}, Answers: []Answer{}, Changes: []Event{}}
	if err := s.cfg.Book.Store().View(r.Context(), func(snap listing.Snapshot) error {
		return s.look(snap, &shown)
	}); err != nil {
		return err
	}
	if s.cfg.Answers != nil && subject.IsHost() {
		shown.Answers = append(shown.Answers, s.cfg.Answers(subject.Addr())...)
	}
	if err := s.addFacts(&shown); err != nil {
		return err
	}
	if err := s.atDesk(r.Context(), &shown); err != nil {
		return err
	}
	return reply(w, http.StatusOK, shown)
}

func subjectOf(r *http.Request) (listing.Subject, error) {
	return listing.ParseSubject(r.URL.Query().Get("prefix"))
}

// look reads what a snapshot knows about a subject.
func (s *Server) look(snap listing.Snapshot, shown *Shown) error {
	shown.Revision = snap.Revision()
	rows, err := s.rows(snap)
	if err != nil {
		return err
	}
	if shown.Allows, err = allowsAround(snap, shown.Subject, shown.Time); err != nil {
		return err
	}
	shown.Hidden = protection(shown.Subject, s.cfg.Book.Rules().Policy, shown.Allows, shown.Time)
	covering, err := snap.Covering(shown.Subject)
	if err != nil {
		return err
	}
	shown.Entries = judge(active(covering, rows, shown.Time), shown.Hidden, rows)
	shown.Listed = anyLists(shown.Entries)
	if err := addSamples(snap, shown.Entries); err != nil {
		return err
	}
	if err := countInside(snap, rows, shown); err != nil {
		return err
	}
	if err := addPast(snap, rows, shown); err != nil {
		return err
	}
	events, err := eventsAround(snap, rows, shown.Subject)
	for n := len(events) - 1; n >= 0 && len(shown.Changes) < shownChanges; n-- {
		shown.Changes = append(shown.Changes, events[n])
	}
	return err
}

func active(entries []listing.Entry, r rows, now time.Time) []listing.Entry {
	var in []listing.Entry
	for _, e := range entries {
		if r.active(e, now) {
			in = append(in, e)
		}
	}
	return in
}

// allowsAround are the allow entries in force that cover a subject.
func allowsAround(snap listing.Snapshot, s listing.Subject, now time.Time) ([]listing.Allow, error) {
	all, err := snap.Allows()
	around := []listing.Allow{}
	for _, a := range all {
		if a.Active(now) && a.Subject.Covers(s) {
			around = append(around, a)
		}
	}
	return around, err
}

// addSamples reads what was seen, where it is still kept.
func addSamples(snap listing.Snapshot, all []Standing) error {
	for n := range all {
		if all[n].evidence == (listing.Digest{}) {
			continue
		}
		ev, err := snap.Evidence(all[n].evidence)
		if err != nil && !errors.Is(err, listing.ErrNotFound) {
			return err
		}
		all[n].Samples = ev.Samples
	}
	return nil
}

func countInside(snap listing.Snapshot, r rows, shown *Shown) error {
	if shown.Subject.IsHost() {
		return nil
	}
	for e, err := range snap.Each(shown.Subject) {
		switch {
		case err != nil:
			return err
		case e.Subject == shown.Subject || e.Except || !r.active(e, shown.Time):
			continue
		case shown.Inside == shownInside:
			shown.InsideTo = true
			return nil
		}
		shown.Inside++
	}
	return nil
}

// addPast reads the memory of ended listings, of every reason there is.
func addPast(snap listing.Snapshot, r rows, shown *Shown) error {
	for _, info := range r.reasons.All() {
		past, err := snap.Past(listing.Key{Subject: shown.Subject, Reason: info.Code})
		if err != nil {
			return err
		}
		if past.Level > 0 {
			shown.Past = append(shown.Past, Ended{Reason: info.Symbol, Code: info.Code, Level: past.Level, Ended: past.Ended})
		}
	}
	return nil
}
