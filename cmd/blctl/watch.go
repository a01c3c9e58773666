package main

import (
	"context"
	"strconv"

	"github.com/urfave/cli/v2"

	"dnsbld/ctl"
	"dnsbld/listing"
)

func (p *program) watchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		Usage:     "follow the changes of the list as they come",
		UsageText: "blctl watch [--after REVISION] [--once]",
		Description: `Prints every change as soon as it is made, until it is interrupted: who, what, why.
With --json each is an object on a line of its own; "last" marks the last change of
a revision. With --after it begins with what came after that revision: to read on
where one stopped, give the last revision that had been read to its end. An import
makes a change for each entry that came or went.

exit status: 0 interrupted, or with --once all printed; 2 a revision yet to come;
75 the daemon ended, the hint says how to go on

examples:
  blctl watch
  blctl watch --after 8231 --json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "after", Usage: "begin after a `REVISION`; 0: with the first; otherwise from now on"},
			&cli.BoolFlag{Name: "once", Usage: "end at the newest revision, do not wait for more"},
		},
		Action: p.action(p.watch),
	}
}

func (p *program) watch(ctx context.Context, in *input) error {
	q := ctl.Watch{Once: in.Bool("once")}
	if in.IsSet("after") {
		n, err := strconv.ParseUint(in.String("after"), 10, 64)
		if err != nil {
			return usageError("--after takes a revision, not %s", listing.Quote(in.String("after")))
		}
		r := listing.Revision(n)
		q.After = &r
	}
	for e, err := range p.client.Watch(ctx, q) {
		if ctx.Err() != nil {
			return nil // to be interrupted is how it ends
		}
		if err == nil && p.json {
			err = p.writeJSON(e)
		} else if err == nil {
			p.printEvent(e.Event)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
