package ctl

import (
	"net/http"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/report"
	"dnsbld/listing/sighting"
)

// Shown is all that is known about a prefix.
type Shown struct {
	report.Shown

	Eligibility *delist.Decision `json:"eligibility,omitempty"` // of a single address that is listed
	Tickets     []delist.Ticket  `json:"tickets,omitempty"`     // of a single address, the open ones

	Sightings *sighting.Facts `json:"sightings,omitempty"` // what was counted, if anything was
}

func (s *Server) show(w http.ResponseWriter, r *http.Request, _ Caller) error {
	subject, err := subjectOf(r)
	if err != nil {
		return err
	}
	var shown Shown
	if err := s.cfg.Book.Store().View(r.Context(), func(snap listing.Snapshot) (err error) {
		shown.Shown, err = report.Show(snap, s.cfg.Book.Rules(), subject, s.cfg.Book.Now().Truncate(time.Second))
		return err
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
