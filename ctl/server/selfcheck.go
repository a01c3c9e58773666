package server

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/listing/index"
	"dnsbld/listing/removal"
	"dnsbld/listing/report"
)

// loadTime is how long what looks at the served list waits for a daemon that has just
// begun and still loads it. A monitor that asks then shall not wake anybody.
const loadTime = 10 * time.Second

// loaded is the list that is served.
func (s *Server) loaded(ctx context.Context) (*index.Set, error) {
	loading, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	if err := s.cfg.Live.Wait(loading, 0); err != nil {
		return nil, unavailable("starting", "the list is being loaded", "try again in a few seconds")
	}
	return s.cfg.Live.Set(), nil
}

// selfcheck gathers what the checks look at, each part where it is known, and has
// report grade it.
func (s *Server) selfcheck(ctx context.Context, _ listing.Caller) ([]report.Check, error) {
	set, err := s.loaded(ctx)
	if err != nil {
		return nil, err
	}
	of := report.Checked{Book: s.cfg.Book, Zones: s.zones(), View: servedNow{set, uint32(s.cfg.Book.Now().Unix())},
		Answers: s.cfg.Answers, Serials: s.cfg.Serials, MailServers: s.cfg.MailServers, Criteria: s.cfg.Criteria, WarnSources: s.warnSources()}
	if s.cfg.Reload != nil {
		of.Unused = s.cfg.Reload().Error
	}
	if s.cfg.Sensor != nil {
		breaker := s.cfg.Sensor.Status().Breaker
		of.Rate = &breaker
	}
	if s.cfg.Desk != nil {
		if of.Desk, err = deskState(ctx, s.cfg.Desk); err != nil {
			return nil, err
		}
	}
	return report.Selfcheck(ctx, of)
}

// doctor looks at one of the zones that are answered here.
func (s *Server) doctor(ctx context.Context, _ listing.Caller, name string) ([]report.Check, error) {
	z, err := s.zone(name)
	switch {
	case err != nil:
		return nil, err
	case s.cfg.Doctor == nil:
		return nil, invalid("no-dns", "no DNS is answered here", "ask a running dnsbld: leave --offline out")
	}
	return s.cfg.Doctor(ctx, z), nil
}

// warnSources is how long before the end of a source, and after it, to warn.
func (s *Server) warnSources() time.Duration {
	if s.cfg.WarnSources == nil {
		return listing.Day
	}
	return s.cfg.WarnSources()
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
	all, err := d.Tickets(ctx, removal.Query{All: true})
	for _, t := range all {
		if t.State == removal.Open && (state.Waiting == "" || t.Changed.Before(state.Since)) {
			state.Waiting, state.Since = t.ID, t.Changed
		}
		if t.Decision != "" && !slices.Contains(removal.Codes(), t.Decision) {
			state.Unknown = append(state.Unknown, fmt.Sprintf("ticket %s was decided as %s", t.ID, t.Decision))
		}
	}
	return state, err
}
