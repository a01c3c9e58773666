package ctl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"dnsbld/listing"
)

// Query narrows a list of entries. Its zero value means all that are in force.
type Query struct {
	Reason   string
	Within   listing.Subject
	Expiring listing.Life // that end within this time
	Origin   listing.Origin
	Source   *string // nil: of any; empty: this list's own
	Limit    int     // 0: none
}

func (q Query) values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("reason", q.Reason)
	set("origin", string(q.Origin))
	if q.Within.IsValid() {
		set("within", q.Within.String())
	}
	if q.Expiring != 0 {
		set("expiring", q.Expiring.String())
	}
	if q.Source != nil {
		v.Set("source", *q.Source)
	}
	if q.Limit != 0 {
		set("limit", strconv.Itoa(q.Limit))
	}
	return v
}

func parseQuery(v url.Values) (q Query, err error) {
	q.Reason, q.Origin = v.Get("reason"), listing.Origin(v.Get("origin"))
	if v.Has("source") {
		name := v.Get("source")
		q.Source = &name
	}
	var errs [3]error
	if text := v.Get("within"); text != "" {
		q.Within, errs[0] = listing.ParseSubject(text)
	}
	if text := v.Get("expiring"); text != "" {
		q.Expiring, errs[1] = listing.ParseLife(text)
	}
	if text := v.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 {
			errs[2] = invalid("bad-limit", "a limit is a number from 1", "for example --limit 20")
		}
	}
	known := []listing.Origin{"", listing.ByOperator, listing.ByThreshold, listing.ByImport}
	if !slices.Contains(known, q.Origin) {
		return q, invalid("unknown-origin", listing.Quote(string(q.Origin))+" is not an origin", fmt.Sprintf("give one of %v", known[1:]))
	}
	return q, errors.Join(errs[:]...)
}

// End is the last line of a stream.
type End struct {
	Count    int              `json:"count"`
	Revision listing.Revision `json:"revision"`
}

// list streams entries, one JSON object a line.
func (s *Server) list(w http.ResponseWriter, r *http.Request, _ Caller) error {
	q, err := parseQuery(r.URL.Query())
	if err != nil {
		return err
	}
	return s.spooled(w, "application/x-ndjson", func(to io.Writer) error {
		return s.cfg.Book.Store().View(r.Context(), func(snap listing.Snapshot) error {
			encoder, end := json.NewEncoder(to), End{Revision: snap.Revision()}
			err := s.each(snap, q, func(_ listing.Entry, row Row) error {
				end.Count++
				return encoder.Encode(row)
			})
			if err != nil {
				return err
			}
			return encoder.Encode(map[string]End{"end": end})
		})
	})
}

// each calls f with the entries in force that a query asks for, in order of
// key.
func (s *Server) each(snap listing.Snapshot, q Query, f func(listing.Entry, Row) error) error {
	code := listing.Reason(0)
	if q.Reason != "" {
		info, err := s.cfg.Book.Rules().Reasons.Find(q.Reason)
		if err != nil {
			return err
		}
		code = info.Code
	}
	rows, err := s.rows(snap)
	if err != nil {
		return err
	}
	now, count := s.cfg.Book.Now(), 0
	for e, err := range snap.Each(q.Within) {
		if err != nil {
			return err
		}
		if (code != 0 && e.Reason != code) || (q.Source != nil && e.Source != *q.Source) || !rows.active(e, now) {
			continue
		}
		row := rows.row(e)
		if (q.Origin != "" && row.Origin != q.Origin) || !endsBy(row, q.Expiring, now) {
			continue
		}
		if err := f(e, row); err != nil {
			return err
		}
		if count++; count == q.Limit {
			return nil
		}
	}
	return nil
}

func endsBy(row Row, within listing.Life, now time.Time) bool {
	return within == 0 || !row.Until.After(now.Add(within.Duration()))
}

// spooled answers with what fill writes, once it has written all of it: the
// reader may be slow, and an error still has its own status.
func (s *Server) spooled(w http.ResponseWriter, contentType string, fill func(io.Writer) error) error {
	sp := &spool{dir: s.cfg.Spool}
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
