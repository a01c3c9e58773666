package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"dnsbld/listing"
	"dnsbld/listing/feed"
	"dnsbld/listing/report"
)

// revisionHeader says of what moment an export is.
const revisionHeader = "Dnsbld-Revision"

// export answers with the entries in force, in a format of package feed; of a
// zone, if one is named, with those that it answers.
func (s *Server) export(w http.ResponseWriter, r *http.Request, _ Caller) error {
	v := r.URL.Query()
	q, err := parseQuery(v)
	if err != nil {
		return err
	}
	zone, err := s.zone(v.Get("zone"))
	if err != nil {
		return err
	}
	answers := func(listing.Reason) bool { return true }
	if v.Has("zone") {
		reasons := s.cfg.Book.Rules().Reasons
		answers = func(r listing.Reason) bool { return reasons.Describe(r).AnsweredBy(zone.Reasons) }
	}
	return s.spooled(w, "application/octet-stream", func(to io.Writer) error {
		return s.cfg.Book.Store().View(r.Context(), func(snap listing.Snapshot) error {
			w.Header().Set(revisionHeader, strconv.FormatUint(uint64(snap.Revision()), 10))
			return s.write(snap, to, v.Get("format"), zone, q, answers)
		})
	})
}

// zone finds a zone by name; without a name it is the first one, if any.
func (s *Server) zone(name string) (report.Zone, error) {
	var zones []report.Zone
	if s.cfg.Zones != nil {
		zones = s.cfg.Zones()
	}
	for _, z := range zones {
		if name == "" || strings.EqualFold(strings.TrimSuffix(z.Name, "."), strings.TrimSuffix(name, ".")) {
			return z, nil
		}
	}
	if name == "" {
		return report.Zone{}, nil
	}
	return report.Zone{}, invalid("unknown-zone", listing.Quote(name)+" is not a zone that is answered here", "`blctl status` names them")
}

// write writes what a snapshot has in a format.
func (s *Server) write(snap listing.Snapshot, to io.Writer, format string, z report.Zone, q report.Query, answers func(listing.Reason) bool) error {
	rules, now := s.cfg.Book.Rules(), s.cfg.Book.Now()
	o := feed.WriteOptions{Format: format, Reasons: rules.Reasons, Now: now, Page: z.Page,
		Zone: z.Name, NS: z.NS, Mail: z.Mail, Serial: z.Serial, TTL: z.TTL.Duration()}
	for _, never := range rules.Policy.NeverList() {
		o.Hide = append(o.Hide, never.Subject)
	}
	allows, err := snap.Allows()
	if err != nil {
		return err
	}
	for _, a := range allows {
		if a.Active(now) {
			o.Hide = append(o.Hide, a.Subject)
		}
	}
	out, err := feed.NewWriter(to, o)
	if err != nil {
		return err
	}
	if err := report.List(snap, rules.Reasons, q, now, func(e listing.Entry) error {
		if !answers(e.Reason) {
			return nil
		}
		return out.Write(e)
	}); err != nil {
		return err
	}
	return out.Close()
}

// Export writes the entries in force that a query asks for to w, in a format
// of package feed, and says of what revision they are. With a zone it is what
// that zone answers.
func (c *Client) Export(ctx context.Context, format, zone string, q report.Query, w io.Writer) (listing.Revision, error) {
	query := values(q)
	query.Set("format", format)
	if zone != "" {
		query.Set("zone", zone)
	}
	resp, err := c.do(ctx, http.MethodGet, "/v1/export", query, nil, nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	from := &tell{Reader: resp.Body}
	if _, err := io.Copy(w, from); err != nil {
		if from.err != nil {
			return 0, cutOff(from.err)
		}
		return 0, fmt.Errorf("writing the export: %w", err)
	}
	revision, err := strconv.ParseUint(resp.Header.Get(revisionHeader), 10, 64)
	if err != nil {
		return 0, cutOff(err)
	}
	return listing.Revision(revision), nil
}

// tell remembers what reading failed with, so that it can be told from what
// writing failed with.
type tell struct {
	io.Reader
	err error
}

func (t *tell) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
	}
	return n, err
}
