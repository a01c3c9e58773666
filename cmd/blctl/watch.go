package main

import (
	"context"
	"strconv"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// watch prints changes as they come until it is interrupted, which is how it
// ends well. With --after it goes on where it was cut off.
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
