package feed

import (
	"encoding/csv"
	"encoding/json"
	"strconv"
	"time"

	"dnsbld/listing"
)

// line is a line of `blctl list --json`; its names and their order are
// promises. CSV has the same columns.
type line struct {
	Subject    listing.Subject  `json:"prefix"`
	Reason     string           `json:"reason"`
	Code       listing.Reason   `json:"code"`
	Except     bool             `json:"except"`
	Since      *time.Time       `json:"since"`
	Until      *time.Time       `json:"until"`
	Level      int              `json:"level"`
	Origin     listing.Origin   `json:"origin"`
	Source     string           `json:"source"`
	Note       string           `json:"note"`
	Ticket     string           `json:"ticket"`
	Revision   listing.Revision `json:"revision"`
	PublicNote string           `json:"public_note,omitempty"`
	Actor      string           `json:"actor,omitempty"`
	Hidden     bool             `json:"hidden,omitempty"` // it is never answered: WriteOptions.Hide has it
}

// ndjsonWriter writes one line an entry, as it comes: no order is needed.
type ndjsonWriter struct {
	out    *output
	hidden listing.Cover
	to     *json.Encoder
}

func newNDJSONWriter(o *output) (encoder, error) {
	return &ndjsonWriter{o, listing.NewCover(o.Hide...), json.NewEncoder(o)}, nil
}

func (w *ndjsonWriter) write(e *listing.Entry) error {
	hidden := !e.Except && w.hidden.Covers(e.Subject)
	if hidden && w.out.Answered {
		return nil
	}
	return w.to.Encode(&line{Subject: e.Subject, Reason: w.out.Reasons.Symbol(e.Reason), Code: e.Reason, Except: e.Except,
		Since: instant(e.Since), Until: instant(e.Until), Level: e.Level, Origin: e.Origin, Source: e.Source,
		Note: e.Note, Ticket: e.Ticket, Revision: e.Revision, PublicNote: e.PublicNote, Actor: e.Actor, Hidden: hidden})
}

func (w *ndjsonWriter) close() error { return nil }

// instant is a time in UTC, or null: that of the source.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

type csvWriter struct {
	out    *output
	hidden listing.Cover
	to     *csv.Writer
	fields []string
}

func newCSVWriter(o *output) (encoder, error) {
	w := &csvWriter{out: o, hidden: listing.NewCover(o.Hide...), to: csv.NewWriter(o)}
	return w, w.to.Write([]string{"prefix", "reason", "code", "except", "since", "until", "level", "origin", "source", "note", "ticket", "revision", "public_note", "hidden"})
}

func (w *csvWriter) write(e *listing.Entry) error {
	hidden := !e.Except && w.hidden.Covers(e.Subject)
	if hidden && w.out.Answered {
		return nil
	}
	w.fields = append(w.fields[:0], e.Subject.String(), w.out.Reasons.Symbol(e.Reason), strconv.Itoa(int(e.Reason)), strconv.FormatBool(e.Except),
		stamp(e.Since), stamp(e.Until), strconv.Itoa(e.Level), string(e.Origin), e.Source, listing.Shown(e.Note), listing.Shown(e.Ticket),
		strconv.FormatUint(uint64(e.Revision), 10), listing.Printable(e.PublicNote), strconv.FormatBool(hidden))
	return w.to.Write(w.fields)
}

func (w *csvWriter) close() error {
	w.to.Flush()
	return w.to.Error()
}

// stamp is a time in RFC 3339, or nothing.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
