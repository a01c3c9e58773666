package main

import (
	"context"
	"fmt"

	"dnsbld/ctl"
	"dnsbld/listing/sighting"
)

// receivers prints the mail servers that have reported, and under each that is
// on probation what it would have listed.
func (p *program) receivers(ctx context.Context, _ *input) error {
	all, err := p.client.Receivers(ctx)
	if err != nil {
		return err
	}
	if err := each(p, "receiver list", all, func(r sighting.Receiver) []string {
		state := "counts"
		if r.Full {
			state = fmt.Sprintf("counts; %d listed this hour, no more until the next", r.Listed)
		}
		if !r.Probation.IsZero() {
			state = "on probation until " + minute(r.Probation)
		}
		return []string{clean(r.Name), state, "last session " + minute(r.Last)}
	}); err != nil {
		return err
	}
	for _, r := range all {
		p.printWithheld(&r)
	}
	return nil
}

// printWithheld says what a receiver would have listed.
func (p *program) printWithheld(r *sighting.Receiver) {
	if r.Total == 0 {
		return
	}
	p.human.printf("\n%s would have listed %s; %s:\n", clean(r.Name), plural(r.Total, "address", "addresses"), customersText(r.Customers))
	for _, w := range r.Withheld {
		p.human.printf("  %s %s%s\n    %s\n", w.Subject.Text(), clean(w.Reason), p.human.paint(yellow, customerText(w.Customer)), clean(w.Sentence))
	}
	if more := r.Total - len(r.Withheld); more > 0 {
		p.human.printf("  and %d more\n", more)
	}
}

// customerText says by what a sender looks like a customer.
func customerText(c sighting.Customer) string {
	switch c {
	case sighting.Authenticated:
		return ": a customer? it has authenticated, too"
	case sighting.TrustedRelay:
		return ": a customer? it is trusted"
	case sighting.MostlyClean:
		return ": a customer? many of its sessions greet properly"
	}
	return ""
}

// acceptReceiver ends the probation of one.
func (p *program) acceptReceiver(ctx context.Context, in *input) error {
	out, err := p.client.Accept(ctx, ctl.AcceptReceiver{Name: in.Args().First()})
	if err != nil {
		return err
	}
	if out.Changed {
		p.human.printf("%s is accepted: what it reported in the last 24 hours counts\n", clean(out.Receiver))
	} else {
		p.human.printf("%s was not on probation\n", clean(out.Receiver))
	}
	return p.conclude("receiver accept", out, nil)
}

// probationRow is the line of status about one.
func (p *program) probationRow(r *sighting.Receiver, t *table) {
	held := "; nothing is held back so far"
	if r.Total > 0 {
		held = fmt.Sprintf("; %s held back, %s: blctl receiver list", plural(r.Total, "address", "addresses"), customersText(r.Customers))
	}
	t.add("probation", "%s until %s%s", clean(r.Name), stamp(r.Probation), held)
}

// customersText says how many senders look like customers.
func customersText(n int) string {
	switch n {
	case 0:
		return "none looks like a customer"
	case 1:
		return "1 looks like a customer"
	}
	return fmt.Sprintf("%d look like customers", n)
}
