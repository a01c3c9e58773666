package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"dnsbld/listing"
)

// auditFlags are those of audit verify.
func auditFlags() []cli.Flag {
	return []cli.Flag{&cli.StringFlag{Name: "from", Usage: "the checkpoint `REVISION:HASH` to begin at"}}
}

// verified is what audit verify prints as JSON: where it began, and the
// checkpoint at which the next verification can begin.
type verified struct {
	From       *listing.Checkpoint `json:"from"`
	Checkpoint *listing.Checkpoint `json:"checkpoint"` // null: the chain is broken
	listing.Verified
}

// audit has the daemon walk the chain of records. A broken chain is an answer, not a
// failure of the command: what was found is printed either way.
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
