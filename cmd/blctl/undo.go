package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"dnsbld/ctl"
	"dnsbld/listing"
)

func (p *program) undoCommand() *cli.Command {
	return &cli.Command{
		Name:      "undo",
		Usage:     "take back what a revision did",
		ArgsUsage: "REVISION",
		UsageText: "blctl undo REVISION [flags]",
		Description: `Puts back what the command of that revision changed: what it listed ends as if it
had never been, what it ended is listed again with its old end, what it imported
or removed by an import is as it was before. The number stands in what each
command prints, and in 'blctl history'. An undo is a change like any other, and
can be undone.

A command over 1,000 entries takes several revisions; each of them stands for all
it did, for 30 days. It is refused if anything it would touch has changed since:
the message names the later revisions, and nothing is undone. Each revision is put
back at once. Should the daemon end between two of them, the same undo goes on
where it was. The end of a source cannot be undone: import its file again.
Proposals and tickets stay as they are.

exit status: 0 done, or undone already; 2 not a revision; 3 the revision changed
nothing; 4 it cannot be undone; 5 a later change touches it; 6 a part was done

examples:
  blctl undo 8231 --dry-run
  blctl undo 8231 --note "wrong network"`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "note", Usage: "why, for operators: `TEXT`"},
		}, changeFlags()...),
		Action: act(p, (*input).undo, p.undo),
	}
}

// undo reads the command that the flags of undo stand for.
func (in *input) undo() ctl.Undo {
	text := in.Args().First()
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil || id == 0 {
		in.fail(invalid("usage", listing.Quote(text)+" is not a revision", "a revision is a number; `blctl history PREFIX` shows that of each change"))
	}
	return ctl.Undo{Revision: listing.Revision(id), Note: in.String("note"), Options: in.options()}
}

func (p *program) undo(ctx context.Context, c ctl.Undo) error {
	out, err := p.carryOut(true, &c.Options, func() (ctl.Outcome, error) { return p.client.Undo(ctx, c) })
	return p.report("undo", "", fmt.Sprint("revision ", c.Revision), out, err)
}
