package ctl

import (
	"time"

	"dnsbld/listing"
)

// Row is an entry as it is shown: one line of `blctl list --json`, whose names
// are promises.
type Row struct {
	Subject    listing.Subject  `json:"prefix"`
	Reason     string           `json:"reason"` // symbol
	Code       listing.Reason   `json:"code"`
	Except     bool             `json:"except"`
	Since      time.Time        `json:"since"`
	Until      time.Time        `json:"until,omitzero"` // the earlier of its own end and its source's; in a change of a source's entry its own, if it has one
	Level      int              `json:"level"`
	Origin     listing.Origin   `json:"origin"`
	Source     string           `json:"source"`
	Note       string           `json:"note"`
	Ticket     string           `json:"ticket"`
	Revision   listing.Revision `json:"revision"`
	PublicNote string           `json:"public_note,omitempty"`
	Actor      string           `json:"actor,omitempty"`
}

// rows makes entries rows, at one moment of the list.
type rows struct {
	reasons *listing.Reasons
	sources map[string]listing.Source
}

func (s *Server) rows(snap listing.Snapshot) (rows, error) {
	r := rows{reasons: s.cfg.Book.Rules().Reasons, sources: map[string]listing.Source{}}
	sources, err := snap.Sources()
	for _, source := range sources {
		r.sources[source.Name] = source
	}
	return r, err
}

// end is when an entry ends: at its own end or its source's.
func (r rows) end(e listing.Entry) time.Time {
	source, fed := r.sources[e.Source]
	if fed && (e.Until.IsZero() || source.Until.Before(e.Until)) {
		return source.Until
	}
	return e.Until
}

// active reports whether an entry is in force: its time and its source's last.
func (r rows) active(e listing.Entry, now time.Time) bool { return now.Before(r.end(e)) }

func (r rows) row(e listing.Entry) Row {
	row := Row{Subject: e.Subject, Reason: r.reasons.Symbol(e.Reason), Code: e.Reason, Except: e.Except,
		Since: e.Since, Until: r.end(e), Level: e.Level, Origin: e.Origin, Source: e.Source,
		Note: e.Note, Ticket: e.Ticket, Revision: e.Revision, PublicNote: e.PublicNote, Actor: e.Actor}
	if source, fed := r.sources[e.Source]; fed {
		row.fill(source)
	}
	return row
}

// fill takes from the source what its entries do not keep themselves.
func (row *Row) fill(s listing.Source) {
	if row.Since.IsZero() {
		row.Since = s.Since
	}
	if row.Actor == "" {
		row.Actor = s.Actor
	}
	if row.Origin == "" {
		row.Origin = listing.ByImport
	}
	if row.Revision == 0 {
		row.Revision = s.Revision
	}
}
