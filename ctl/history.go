package ctl

import (
	"context"
	"net/http"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/report"
)

func (s *Server) history(w http.ResponseWriter, r *http.Request, _ Caller) error {
	subject, err := subjectOf(r)
	if err != nil {
		return err
	}
	var h report.History
	if err := s.cfg.Book.Store().View(r.Context(), func(snap listing.Snapshot) (err error) {
		h, err = report.HistoryOf(snap, s.cfg.Book.Rules().Reasons, subject)
		return err
	}); err != nil {
		return err
	}
	return reply(w, http.StatusOK, h)
}

func (s *Server) historyAt(w http.ResponseWriter, r *http.Request, _ Caller) error {
	subject, err := subjectOf(r)
	if err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("at"))
	switch {
	case err != nil:
		return invalid("bad-time", "the instant is not in RFC 3339", "for example 2026-11-23T12:00:00Z")
	case at.After(s.cfg.Book.Now()):
		return invalid("future", at.UTC().Format(time.RFC3339)+" is yet to come", "`blctl show` says how things stand now")
	}
	past, err := s.asOf(r.Context(), subject, at.UTC())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, past)
}

// asOf is how a subject stood at an instant.
func (s *Server) asOf(ctx context.Context, subject listing.Subject, at time.Time) (report.AsOf, error) {
	return report.HistoryAt(ctx, s.cfg.Book.Store(), s.cfg.Book.Rules(), subject, at, s.longestTTL())
}
