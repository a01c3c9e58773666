package main

import (
	"context"

	"dnsbld/ctl"
)

// export passes on what the daemon writes. It is a stream: if it is cut off,
// the exit status says so, and the last lines may be missing. The daemon has
// the formats, so blctl links none of them.
func (p *program) export(ctx context.Context, in *input) error {
	q, format := in.query(), in.String("format")
	switch {
	case in.err != nil:
		return in.err
	case format == "" && p.json:
		format = "ndjson"
	case format == "":
		format = "plain"
	case p.json && format != "ndjson":
		return usageError("--json and --format %s are two formats", format)
	}
	_, err := p.client.Export(ctx, ctl.Export{Format: format, Zone: in.String("zone"), Answered: in.Bool("answered"), Query: q}, p.stdout)
	return err
}
