package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dnsbld/ctl"
	"dnsbld/listing/sighting"
)

// printSightings shows what was counted of an address: how much of it was
// bogus, and what that means.
func (p *program) printSightings(f *sighting.Facts) {
	if f == nil {
		return
	}
	h := p.human
	h.printf("\nsessions in 30 days\n")
	h.printf("  %d of %s bogus%s, %d clean, %d of them confirmed by DNS\n", f.Bogus, plural(f.Sessions, "session", "sessions"), share(f.Bogus, f.Sessions), f.Clean, f.Confirmed)
	if f.Exempt > 0 {
		h.printf("  %s exempt beside them\n", plural(f.Exempt, "session", "sessions"))
	}
	if !f.LastBogus.IsZero() {
		h.printf("  last bogus %s; %d clean and confirmed since\n", stamp(f.LastBogus), f.ConfirmedSince)
	}
	if len(f.Receivers) > 0 {
		h.printf("  bogus ones seen at %s\n", clean(strings.Join(f.Receivers, ", ")))
	}
	for _, g := range f.HELOs {
		h.printf("  HELO %s: %s, %d bogus\n", clean(g.HELO), plural(g.Count, "session", "sessions"), g.Bogus)
	}
	for _, d := range f.Decisions {
		mark := ""
		switch {
		case d.Shadow && !d.Crossed:
			continue
		case d.Shadow:
			mark = h.paint(faint, "  (shadow: lists nobody unless a zone names it)")
		}
		h.printf("  %s%s\n", clean(d.Sentence), mark)
	}
	if f.Bogus > 0 {
		h.printf("  %s:\n    %s\n", h.paint(bold, string(f.Diagnosis)), wrapped(strings.Fields(f.Diagnosis.Sentence()), "    "))
	}
}

// share is how much of a number another is.
func share(part, whole int) string {
	if whole == 0 || part == 0 {
		return ""
	}
	return fmt.Sprintf(" (%.3g %%)", 100*float64(part)/float64(whole))
}

// sensorRows are the lines of status about what hears mail servers.
func (p *program) sensorRows(s *ctl.SensorStatus, row func(name, format string, args ...any)) {
	if len(s.Policy) > 0 {
		row("policy service", "%s, as %s", clean(strings.Join(s.Policy, ", ")), clean(s.Receiver))
	}
	if len(s.Receivers) > 0 {
		row("receivers", "%s", clean(strings.Join(s.Receivers, ", ")))
	}
	if s.Breaker.Open {
		row("breaker", "%s", p.human.paint(red, fmt.Sprintf("open until %s: %d listed this hour", stamp(s.Breaker.Closes), s.Breaker.Listed)))
	}
	for _, symbol := range slices.Sorted(maps.Keys(s.Shadows)) {
		row("shadow", "%s found against %s, not listed", plural(s.Shadows[symbol], "address", "addresses"), clean(symbol))
	}
}
