package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"dnsbld/listing"
)

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
		return &listing.Error{Kind: listing.ErrInvalid, Code: "declined", Message: "nothing was changed: the answer was not yes",
			Hint: "--dry-run shows what would change; --yes does not ask"}
	}
	return nil
}
