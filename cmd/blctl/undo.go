package main

import (
	"context"
	"fmt"
	"strconv"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// undo reads the command that the flags of undo stand for.
func (in *input) undo() ctl.Undo {
	text := in.Args().First()
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil || id == 0 {
		in.fail(invalid("usage", listing.Quote(text)+" is not a revision", "a revision is a number; `blctl history PREFIX` shows that of each change"))
	}
	return ctl.Undo{Revision: listing.Revision(id), Note: in.String("note"), Options: in.options()}
}

// undo takes back a revision. How much that is shows only when it is tried, so
// it always asks on a terminal, with the number that a dry run gives.
func (p *program) undo(ctx context.Context, c ctl.Undo) error {
	out, err := p.carryOut(true, &c.Options, func() (ctl.Outcome, error) { return p.client.Undo(ctx, c) })
	return p.report("undo", "", fmt.Sprint("revision ", c.Revision), out, err)
}
