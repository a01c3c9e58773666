package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"dnsbld/listing"
)

func (p *program) auditCommand() *cli.Command {
	return group(&cli.Command{
		Name:      "audit",
		Usage:     "the proof that no record of a change was altered",
		UsageText: "blctl audit verify [--from REVISION:HASH]",
		Description: `Every change is kept in a record, and each record is hashed together with the one
before it. Whoever knows the last hash knows them all: a record that was altered,
left out or put in breaks the chain from there on.`,
		Subcommands: []*cli.Command{{
			Name:      "verify",
			Usage:     "walk the chain of records and prove it",
			UsageText: "blctl audit verify [--from REVISION:HASH]",
			Description: `Walks all records, or those after a checkpoint, and proves each by the chain of
hashes; of an import also what it changed. Prints the checkpoint where it ended:
keep that on another machine. Given back with --from it proves that what came
before is still what it was, and the walk is as short as what came since. Without
it, somebody who can write the file could have made the whole chain anew.

exit status: 0 the chain holds; 1 it is broken, the first record is named; 2 not a
checkpoint

examples:
  blctl audit verify
  blctl audit verify --from "$(cat checkpoint)" --json
  blctl --offline /var/lib/dnsbld/listings.db audit verify`,
			Flags:  []cli.Flag{&cli.StringFlag{Name: "from", Usage: "the checkpoint `REVISION:HASH` to begin at"}},
			Action: p.action(p.audit),
		}},
	})
}

// verified is what audit verify prints as JSON.
type verified struct {
	From       *listing.Checkpoint `json:"from"`
	Checkpoint *listing.Checkpoint `json:"checkpoint"` // null: the chain is broken
	listing.Verified
}

func (p *program) audit(ctx context.Context, in *input) error {
	var out verified
	var from listing.Checkpoint
	if in.IsSet("from") {
		if err := from.UnmarshalText([]byte(in.String("from"))); err != nil {
			return err
		}
		out.From = &from
	}
	var err error
	out.Verified, err = p.client.Audit(ctx, from)
	if err != nil && out.Broken == 0 {
		return err
	}
	if err == nil {
		end := out.Verified.Checkpoint()
		out.Checkpoint = &end
		p.human.printf("the audit chain %s: %s up to revision %d\n%s\n", p.human.paint(green, "holds"), plural(out.Records, "record", "records"), out.Head, end)
	}
	return p.conclude("audit verify", out, err)
}
