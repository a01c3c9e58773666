package main

import (
	"fmt"
	"strings"

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
		if !d.Shadow {
			h.printf("  %s\n", clean(d.Sentence))
		}
	}
	if f.Bogus > 0 {
		h.printf("  %s: %s\n", h.paint(bold, string(f.Diagnosis)), f.Diagnosis.Sentence())
	}
}

// share is how much of a number another is.
func share(part, whole int) string {
	if whole == 0 || part == 0 {
		return ""
	}
	return fmt.Sprintf(" (%.3g %%)", 100*float64(part)/float64(whole))
}
