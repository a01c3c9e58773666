package report

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
	Hits       *uint64          `json:"hits,omitempty"`    // queries that it answered, about; nil: they are not counted here
	LastHit    time.Time        `json:"last_hit,omitzero"` // zero: none is known of
}

// Hits is how many queries an entry answered, about, and when the last.
type Hits func(listing.Entry) (count uint64, last time.Time)

// Held is an entry that covers a prefix, and what it does there.
type Held struct {
	Row
	Published bool             `json:"published"` // zones that name no reasons of their own answer it
	Lists     bool             `json:"lists"`     // for this entry the prefix is answered as listed
	Because   string           `json:"because,omitempty"`
	Samples   []listing.Sample `json:"samples,omitempty"`
}

// Rows makes rows and events. Without sources, entries are shown as they are.
type Rows struct {
	Reasons *listing.Reasons
	Sources listing.Sources
	Hits    Hits // nil: queries are not counted
}

// RowsOf are the rows of a snapshot.
func RowsOf(snap listing.Snapshot, reasons *listing.Reasons) (Rows, error) {
	sources, err := listing.SourcesOf(snap)
	return Rows{Reasons: reasons, Sources: sources}, err
}

// Row makes an entry a row.
func (r Rows) Row(e listing.Entry) Row {
	e = r.Sources.Complete(e)
	row := Row{Subject: e.Subject, Reason: r.Reasons.Symbol(e.Reason), Code: e.Reason, Except: e.Except,
		Since: e.Since, Until: e.Until, Level: e.Level, Origin: e.Origin, Source: e.Source,
		Note: e.Note, Ticket: e.Ticket, Revision: e.Revision, PublicNote: e.PublicNote, Actor: e.Actor}
	if r.Hits != nil && !e.Except {
		count, last := r.Hits(e)
		row.Hits, row.LastHit = &count, last
	}
	return row
}
