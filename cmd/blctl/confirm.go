package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// carryOut does what do does, once it is confirmed if it may change many
// entries. o points to the options that do reads: to count what would change they
// are made those of a dry run for a moment, without the idempotency key, which the
// dry run must not use up.
func (p *program) carryOut(many bool, o *listing.Options, do func() (ctl.Outcome, error)) (ctl.Outcome, error) {
	err := p.confirm(many, o.DryRun, func() (int, error) {
		given := *o
		defer func() { *o = given }()
		o.DryRun, o.IdempotencyKey = true, ""
		out, err := do()
		return changes(out), err
	})
	if err != nil {
		return ctl.Outcome{}, err
	}
	return do() // the list may have changed since: bounds and revisions hold all the same
}

// confirm asks on a terminal before many entries end: a trial run says how
// many. It does not ask without a terminal: a script has thought before, and
// the policy bounds what one command can do.
func (p *program) confirm(many, dry bool, trial func() (int, error)) error {
	if !many || dry || p.yes || !isTerminal(p.stdin) || !isTerminal(p.stderr) {
		return nil
	}
	n, err := trial()
	if err != nil || n == 0 {
		return err
	}
	fmt.Fprintf(p.stderr, "This changes %s. Go on? [y/N] ", plural(n, "entry", "entries"))
	line, err := bufio.NewReader(p.stdin).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return invalid("declined", "nothing was changed: the answer was not yes", "--dry-run shows what would change; --yes does not ask")
	}
	return nil
}
