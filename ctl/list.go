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

	"dnsbld/listing"
	"dnsbld/listing/report"
)

// values are a query as it stands in a URL.
func values(q report.Query) url.Values {
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

func parseQuery(v url.Values) (q report.Query, err error) {
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
			reasons := s.cfg.Book.Rules().Reasons
			rows := report.Rows{Reasons: reasons}
			err := report.List(snap, reasons, q, s.cfg.Book.Now(), func(e listing.Entry) error {
				end.Count++
				return encoder.Encode(rows.Row(e))
			})
			if err != nil {
				return err
			}
			return encoder.Encode(map[string]End{"end": end})
		})
	})
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
