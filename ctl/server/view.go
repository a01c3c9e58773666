package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/removal"
	"dnsbld/listing/report"
)

// show is all that is known about a prefix: what the list says on one snapshot,
// then what DNS, the counters and the desk say now. What these say may be a
// moment newer.
func (s *Server) show(ctx context.Context, _ listing.Caller, subject listing.Subject) (shown ctl.Shown, err error) {
	err = s.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) (err error) {
		shown.Shown, err = report.Show(snap, s.cfg.Book.Rules(), subject, s.cfg.Book.Now().Truncate(time.Second), s.hits())
		return err
	})
	if err != nil {
		return ctl.Shown{}, err
	}
	if s.cfg.Answers != nil && subject.IsHost() {
		shown.Answers = append(shown.Answers, s.cfg.Answers(subject.Addr())...)
	}
	if shown.Sightings, err = s.facts(subject); err != nil {
		return ctl.Shown{}, err
	}
	if err := s.atDesk(ctx, &shown); err != nil {
		return ctl.Shown{}, err
	}
	return shown, nil
}

// atDesk adds to what is shown of an address what the support desk says.
func (s *Server) atDesk(ctx context.Context, shown *ctl.Shown) (err error) {
	if s.cfg.Desk == nil || !shown.Subject.IsHost() {
		return nil
	}
	if shown.Tickets, err = s.cfg.Desk.Tickets(ctx, removal.Query{Address: shown.Subject.Addr()}); err != nil || !shown.Listed {
		return err
	}
	about, err := s.cfg.Desk.About(ctx, shown.Subject.Addr())
	d := s.cfg.Desk.Judged(about, s.cfg.Book.Now())
	if err == nil && d.Code != removal.NotListed { // listed in a zone of its own
		shown.Eligibility = &d
	}
	return err
}

// history is every change at a prefix and around it.
func (s *Server) history(ctx context.Context, _ listing.Caller, subject listing.Subject) (h report.History, err error) {
	err = s.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) (err error) {
		h, err = report.HistoryOf(snap, s.cfg.Book.Rules().Reasons, subject)
		return err
	})
	return h, err
}

// historyAt is how a prefix stood at an instant, which must have passed.
func (s *Server) historyAt(ctx context.Context, _ listing.Caller, q ctl.At) (report.AsOf, error) {
	if q.Time.IsZero() {
		return report.AsOf{}, invalid("bad-time", "no instant was given", "for example 2026-11-23T12:00:00Z")
	}
	if q.Time.After(s.cfg.Book.Now()) {
		return report.AsOf{}, invalid("future", q.Time.UTC().Format(time.RFC3339)+" is yet to come", "`blctl show` says how things stand now")
	}
	return s.asOf(ctx, q.Subject, q.Time.UTC())
}

// asOf is how a subject stood at an instant.
func (s *Server) asOf(ctx context.Context, subject listing.Subject, at time.Time) (report.AsOf, error) {
	return report.HistoryAt(ctx, s.cfg.Book.Store(), s.cfg.Book.Rules(), subject, at, max(s.longestTTLs()))
}

// list streams entries.
func (s *Server) list(w http.ResponseWriter, r *http.Request, q report.Query) error {
	if err := q.Check(); err != nil {
		return err
	}
	return s.spooled(w, "application/x-ndjson", func(to io.Writer) error {
		return s.cfg.Book.Store().View(r.Context(), func(snap listing.Snapshot) error {
			encoder, end := json.NewEncoder(to), ctl.End{Revision: snap.Revision()}
			rows := report.Rows{Reasons: s.cfg.Book.Rules().Reasons, Hits: s.hits()}
			err := report.List(snap, rows, q, s.cfg.Book.Now(), func(e listing.Entry) error {
				end.Count++
				return encoder.Encode(rows.Row(e))
			})
			if err != nil {
				return err
			}
			return encoder.Encode(map[string]ctl.End{"end": end})
		})
	})
}

// spooled answers with what fill writes, once it has written all of it: the
// reader may be slow, and an error still has its own status.
func (s *Server) spooled(w http.ResponseWriter, contentType string, fill func(io.Writer) error) error {
	sp := &spool{make: s.cfg.Spool}
	defer sp.close()
	if err := fill(sp); err != nil {
		return err
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.FormatInt(sp.size, 10))
	if err := sp.send(w); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

// allows are the allow entries in force, those that overlap a prefix if one is
// given.
func (s *Server) allows(ctx context.Context, _ listing.Caller, around listing.Subject) ([]listing.Allow, error) {
	now, found := s.cfg.Book.Now(), []listing.Allow{}
	err := s.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		all, err := listing.AllowsInForce(snap, now)
		for _, a := range all {
			if !around.IsValid() || a.Subject.Overlaps(around.Prefix) {
				found = append(found, a)
			}
		}
		return err
	})
	return found, err
}

// sources are the imported feeds in force, by name; with all those that ended lately,
// too.
func (s *Server) sources(ctx context.Context, _ listing.Caller, all bool) ([]report.Source, error) {
	found, err := report.AllSources(ctx, s.cfg.Book.Store(), s.cfg.Book.Now())
	if !all {
		found = slices.DeleteFunc(found, func(s report.Source) bool { return !s.Ended.IsZero() })
	}
	return found, err
}

// reasons is the catalogue in force, strongest first.
func (s *Server) reasons(context.Context, listing.Caller) ([]listing.ReasonInfo, error) {
	return s.cfg.Book.Rules().Reasons.All(), nil
}

// audit verifies the audit chain, and with Full the list by its log.
func (s *Server) audit(ctx context.Context, _ listing.Caller, a ctl.Audit) (listing.Verified, error) {
	if s.cfg.Verify == nil {
		return listing.Verified{}, unavailable("no-audit", "the chain cannot be verified from here", "ask the daemon that has the list")
	}
	v, err := s.cfg.Verify(ctx, a.From, a.Full)
	if err != nil {
		err = &partial{err, v}
	}
	return v, err
}
