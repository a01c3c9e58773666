package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

// status says how the daemon is. It is what scripts ask first, so it is cheap.
func (p *program) status(ctx context.Context, _ *input) error {
	s, err := p.client.Status(ctx)
	if err != nil {
		return err
	}
	var t table
	t.add("version", "%s", clean(s.Version))
	if !s.Started.IsZero() {
		t.add("up", "%s, since %s", s.Uptime, stamp(s.Started))
	}
	t.add("you are", "%s, %s", clean(s.User), clean(s.Role))
	served := "being served"
	if s.Served < s.Revision {
		served = p.human.paint(yellow, fmt.Sprintf("revision %d is being served", s.Served))
	}
	t.add("revision", "%d, %s", s.Revision, served)
	t.add("entries", "%d of its own, %d in sources", s.Store.Entries, s.Store.Sourced)
	t.add("store", "%s, %.1f MiB, %.1f MiB of it free", clean(s.Store.Path), float64(s.Store.Bytes)/(1<<20), float64(s.Store.Free)/(1<<20))
	if s.Store.ReadOnly {
		t.add("", "%s", p.human.paint(yellow, "served read-only: nothing can be changed"))
	}
	p.zoneRows(s, &t)
	p.daemonRows(s, &t)
	p.deskRows(s, &t)
	p.upkeepRows(s, &t)
	for _, h := range s.Hidden {
		t.add("hidden", "%s by the allow entry for %s, owner %s", plural(h.Entries, "entry", "entries"), h.Subject.Text(), clean(h.Owner))
	}
	for _, r := range s.SourceRemovals {
		text := fmt.Sprintf("senders took %d of %d addresses out of it today", r.Removals, r.Cap)
		if r.Open {
			text = p.human.paint(red, text+": a person decides about further ones")
		}
		t.add("source "+clean(r.Source), "%s", text)
	}
	if s.Sensor != nil {
		p.sensorRows(s.Sensor, &t)
	}
	if err := p.human.table(t); err != nil {
		return err
	}
	return p.conclude("status", s, storeFailed(s.Store))
}

// storeFailed is the error of a list that takes nothing more, of which DNS answers what
// it has.
func storeFailed(s listing.Status) error {
	if s.Failed == "" {
		return nil
	}
	return &listing.Error{Kind: listing.ErrUnavailable, Code: "store-failed", Message: s.Failed,
		Hint: "DNS goes on as it was; look at the disk and the log, then restart dnsbld"}
}

// zoneRows are the lines of status about the zones and those who have copies of them.
func (p *program) zoneRows(s ctl.Status, t *table) {
	for _, z := range s.Zones {
		t.add("zone", "%s, TTL %s, negative %s", clean(z.Name), z.TTL, z.NegativeTTL)
		for _, s := range z.Secondaries {
			t.add("secondary", "%s", p.secondaryText(s, z.Serial))
		}
		if z.Mirror != nil {
			grade, text, _ := z.Mirror.Grade(p.now())
			t.add("mirror", "%s", p.human.paint(map[report.Grade]string{report.Warn: yellow, report.Fail: red}[grade], clean(text)))
		}
	}
}

// secondaryText says how far a secondary has been told of a zone.
func (p *program) secondaryText(s report.Secondary, now uint32) string {
	switch {
	case s.Answered.IsZero():
		return p.human.paint(yellow, fmt.Sprintf("%s has answered no NOTIFY %s", s.Address, clean(s.Error)))
	case s.Serial != now || s.Error != "":
		return p.human.paint(yellow, fmt.Sprintf("%s was told of serial %d at %s, %d behind %s", s.Address, s.Serial, stamp(s.Answered), now-s.Serial, clean(s.Error)))
	}
	return fmt.Sprintf("%s was told of serial %d", s.Address, s.Serial)
}

// daemonRows are the lines of status about the daemon itself: where it listens, the
// parts that are off though they should not be, and its sources.
func (p *program) daemonRows(s ctl.Status, t *table) {
	for _, what := range slices.Sorted(maps.Keys(s.Listeners)) {
		t.add(clean(what), "%s", clean(strings.Join(s.Listeners[what], " ")))
	}
	for _, what := range slices.Sorted(maps.Keys(s.Parts)) {
		if state := s.Parts[what]; state != "ok" && !strings.HasSuffix(state, "is not set") {
			t.add(clean(what), "%s", p.human.paint(yellow, clean(state)))
		}
	}
	for _, source := range s.Sources {
		t.add("source "+clean(source.Name), "%s, imported %s, ends %s", plural(source.Entries, "entry", "entries"), relative(source.Refreshed, p.now()), p.ahead(source.Until))
	}
}

// deskRows are the lines of status about tickets and mails.
func (p *program) deskRows(s ctl.Status, t *table) {
	if n := s.Tickets; n != nil && n.Open+n.Asked > 0 {
		t.add("tickets", "%d open, %d asked, the oldest since %s", n.Open, n.Asked, stamp(n.Oldest))
	} else if n != nil {
		t.add("tickets", "none is open")
	}
	if m := s.Mail; m != nil && m.Sent+m.Failed+uint64(m.Waiting) > 0 {
		text := fmt.Sprintf("%d sent to those who asked, %d waiting", m.Sent, m.Waiting)
		if m.Error != "" {
			text = p.human.paint(red, fmt.Sprintf("%s, %d given up: %s", text, m.GivenUp, clean(m.Error)))
		}
		t.add("mail", "%s", text)
	}
}

// upkeepRows are the lines of status about the last backup and the last reload.
func (p *program) upkeepRows(s ctl.Status, t *table) {
	switch {
	case s.Backup != nil:
		t.add("backup", "%s (%s), revision %d", stamp(s.Backup.At), relative(s.Backup.At, p.now()), s.Backup.Revision)
	case s.Reload != nil: // it is a daemon
		t.add("backup", "%s", p.human.paint(yellow, "none was taken"))
	}
	switch r := s.Reload; {
	case r == nil:
	case r.OK:
		t.add("configuration", "in force since %s", stamp(r.At))
	default:
		t.add("configuration", "%s: %s", p.human.paint(red, "not used, read "+stamp(r.At)), clean(r.Error))
	}
}

// sensorRows are the lines of status about what hears mail servers.
func (p *program) sensorRows(s *ctl.SensorStatus, t *table) {
	if len(s.Policy) > 0 {
		t.add("policy service", "%s, as %s", clean(strings.Join(s.Policy, ", ")), clean(s.Receiver))
	}
	t.add("sessions", "%d today", s.Today)
	if len(s.Receivers) > 0 {
		t.add("receivers", "%s", clean(strings.Join(s.Receivers, ", ")))
	}
	for _, r := range s.Probation {
		p.probationRow(&r, t)
	}
	if s.Breaker.Open {
		t.add("breaker", "%s", p.human.paint(red, fmt.Sprintf("open until %s: %d listed this hour", stamp(s.Breaker.Closes), s.Breaker.Listed)))
	}
	for _, symbol := range slices.Sorted(maps.Keys(s.Shadows)) {
		t.add("shadow", "%s found against %s, not listed", plural(s.Shadows[symbol], "address", "addresses"), clean(symbol))
	}
}
