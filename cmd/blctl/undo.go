package main

import (
	"context"
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
		Action: p.action(p.undo),
	}
}

func (p *program) undo(ctx context.Context, in *input) error {
	text := in.Args().First()
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil || id == 0 {
		in.fail(&listing.Error{Kind: listing.ErrInvalid, Code: "usage", Message: listing.Quote(text) + " is not a revision",
			Hint: "a revision is a number; `blctl history PREFIX` shows that of each change"})
	}
	c := ctl.Undo{Revision: listing.Revision(id), Note: in.String("note"), Options: in.options()}
	if in.err != nil {
		return in.err
	}
	if err := p.confirm(true, c.DryRun, func() (int, error) {
		trial := c
		trial.DryRun, trial.IdempotencyKey = true, ""
		out, err := p.client.Undo(ctx, trial)
		return len(out.Changes), err
	}); err != nil {
		return err
	}
	out, err := p.client.Undo(ctx, c)
	if err != nil && !out.Changed {
		return err
	}
	if err != nil {
		err = partly{err}
	}
	return p.conclude(asChanged("undo", "", out), "revision "+text, out, err)
}
