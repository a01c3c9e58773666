package main

import (
	"context"
	"fmt"
	"strconv"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/sighting"
)

// simulated is what simulate prints as JSON. False positives are addresses that
// would be listed although they were lately seen clean.
type simulated struct {
	sighting.Simulation
	Listed         int `json:"listed"`          // under the other thresholds
	FalsePositives int `json:"false_positives"` // the same as clean
}

// simulate asks what other thresholds would have done. --fail-if-fp makes a test of it,
// for a configuration that is kept under version control.
func (p *program) simulate(ctx context.Context, in *input) error {
	if !in.IsSet("policy") {
		return usageError("simulate needs --policy FILE")
	}
	most, err := strconv.Atoi(in.String("fail-if-fp"))
	if in.IsSet("fail-if-fp") && (err != nil || most < 0) {
		return usageError("--fail-if-fp takes a number, not %s", listing.Quote(in.String("fail-if-fp")))
	}
	file, _, err := p.open(in.String("policy"))
	if err != nil {
		return err
	}
	defer file.Close()
	s, err := p.client.Simulate(ctx, ctl.None{}, file)
	file.finish()
	if err != nil {
		return err
	}
	p.printSimulation(s)
	out := simulated{Simulation: s, Listed: s.Kept + len(s.Added), FalsePositives: s.Clean}
	out.Added, out.Removed = list(s.Added), list(s.Removed)
	if in.IsSet("fail-if-fp") && s.Clean > most {
		err = &listing.Error{Code: "false-positives", Message: fmt.Sprintf("%s, more than %d", plural(s.Clean, "false positive", "false positives"), most),
			Hint: "look at the addresses with clean sessions, and ask for more sessions or a larger share"}
	}
	return p.conclude("simulate", out, err)
}

// printSimulation names who would be listed again (+) and who no more (-).
func (p *program) printSimulation(s sighting.Simulation) {
	h := p.human
	h.printf("%s looked at: %d listed as before, %d more, %d fewer\n", plural(s.Networks, "network", "networks"), s.Kept, len(s.Added), len(s.Removed))
	for _, a := range s.Added {
		beside := ""
		if a.Confirmed > 0 {
			beside = h.paint(yellow, fmt.Sprintf("  %s", plural(a.Confirmed, "clean session", "clean sessions")))
		}
		h.printf("  + %s  %s%s\n    %s\n", a.Subject.Text(), stamp(a.At), beside, clean(a.Sentence))
	}
	for _, r := range s.Removed {
		h.printf("  - %s  %s\n    %s\n", r.Subject.Text(), stamp(r.At), clean(r.Sentence))
	}
}
