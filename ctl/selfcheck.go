package ctl

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/index"
	"dnsbld/listing/report"
)

func (s *Server) selfcheck(w http.ResponseWriter, r *http.Request, _ Caller) error {
	set := s.cfg.Live.Set()
	if set == nil {
		return &listing.Error{Kind: listing.ErrUnavailable, Code: "starting", Message: "the list is being loaded", Hint: "try again in a few seconds"}
	}
	of := report.Checked{Book: s.cfg.Book, View: servedNow{set, uint32(s.cfg.Book.Now().Unix())},
		Answers: s.cfg.Answers, Serials: s.cfg.Serials, MailServers: s.cfg.MailServers, Criteria: s.cfg.Criteria}
	if s.cfg.Zones != nil {
		of.Zones = s.cfg.Zones()
	}
	if s.cfg.Sensor != nil {
		breaker := s.cfg.Sensor.Status().Breaker
		of.Rate = &breaker
	}
	var err error
	if s.cfg.Desk != nil {
		if of.Desk, err = deskState(r.Context(), s.cfg.Desk); err != nil {
			return err
		}
	}
	all, err := report.Selfcheck(r.Context(), of)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, all)
}

// servedNow is the served view at an instant, in Unix seconds.
type servedNow struct {
	*index.Set
	now uint32
}

// Lists reports whether an address is answered as listed.
func (v servedNow) Lists(a netip.Addr) bool { return len(v.Lookup(a, v.now, nil)) > 0 }

// deskState looks through the tickets of the desk.
func deskState(ctx context.Context, d *desk.Desk) (*report.DeskState, error) {
	settings := d.Settings()
	state := &report.DeskState{Mail: settings.Mail, Page: settings.Page, Mention: settings.Letters.Mention}
	all, err := d.Tickets(ctx, desk.Query{All: true})
	for _, t := range all {
		if waits(t.State) && (state.Waiting == "" || t.Changed.Before(state.Since)) {
			state.Waiting, state.Since = t.ID, t.Changed
		}
		if t.Decision != "" && !slices.Contains(delist.Codes(), t.Decision) {
			state.Unknown = append(state.Unknown, fmt.Sprintf("ticket %s was decided as %s", t.ID, t.Decision))
		}
	}
	return state, err
}

// waits reports whether a ticket waits for us and not for the sender.
func waits(s delist.State) bool {
	return s == delist.New || s == delist.Eligible || s == delist.Appealed || s == delist.Overturned
}

// Selfcheck is how the list stands to RFC 6471.
func (c *Client) Selfcheck(ctx context.Context) (out []report.Check, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/selfcheck", nil, nil, &out)
}
