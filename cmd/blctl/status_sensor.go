package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dnsbld/ctl"
)

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
