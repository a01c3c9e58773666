package main

import (
	"fmt"
	"strings"

	"dnsbld/listing/sighting"
)

// sightings are what was counted of an address: how much of it was bogus, and
// what that means.
func (s *screen) sightings() {
	f := s.of.Sightings
	if f == nil {
		return
	}
	s.line("30 days", "%d of %s bogus%s, %d clean, %d confirmed by DNS", f.Bogus, plural(f.Sessions, "session", "sessions"), share(f.Bogus, f.Sessions), f.Clean, f.Confirmed)
	if f.Exempt > 0 && s.all {
		s.line("", "%s exempt beside them", plural(f.Exempt, "session", "sessions"))
	}
	if !f.LastBogus.IsZero() {
		s.line("", "last bogus %s%s; %d confirmed since", stamp(f.LastBogus), receivers(f.Receivers), f.ConfirmedSince)
	}
	if said := greetings(f.HELOs); said != "" {
		s.line("", "HELO %s", said)
	}
	s.thresholds(f.Decisions)
	if f.Bogus > 0 {
		var means []string
		for _, said := range f.Account().Sentences(s.of.Subject.Text()) {
			means = append(means, clean(said.String()))
		}
		s.prose("", string(f.Diagnosis), strings.Join(means, " "))
	}
}

// thresholds are what the counters come to by each threshold.
func (s *screen) thresholds(decisions []sighting.Decision) {
	for _, d := range decisions {
		switch {
		case d.Shadow && d.Crossed:
			s.line("", "shadow %s: %d of %d sessions; lists nobody by itself", d.Symbol(), d.Sessions, d.All)
		case !d.Shadow && s.all: // else the entry's note says so
			s.line("", "%s", clean(d.Sentence))
		}
	}
}

// receivers are the mail servers at which something was seen.
func receivers(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " at " + clean(strings.Join(names, ", "))
}

// share is how much of a number another is.
func share(part, whole int) string {
	if whole == 0 || part == 0 {
		return ""
	}
	return fmt.Sprintf(" (%.3g %%)", 100*float64(part)/float64(whole))
}

// greetings are what the address said, with how often, and how often of that it
// was bogus.
func greetings(helos []sighting.HELOCount) string {
	var said []string
	for _, g := range helos {
		bogus := ""
		if g.Bogus > 0 {
			bogus = fmt.Sprintf(", %d bogus", g.Bogus)
		}
		said = append(said, fmt.Sprintf("%s (%d%s)", clean(g.HELO), g.Count, bogus))
	}
	return strings.Join(said, ", ")
}
