package main

import (
	"context"

	"dnsbld/ctl"
)

// compact has the daemon give back to the disk what the list does not need.
func (p *program) compact(ctx context.Context, _ *input) error {
	c, err := p.client.Compact(ctx, ctl.None{})
	if err != nil {
		return err
	}
	p.human.printf("the list is compacted: %.1f MiB, and was %.1f MiB\n", float64(c.Bytes)/(1<<20), float64(c.Before)/(1<<20))
	if c.Forgotten > 0 {
		p.human.printf("changes up to revision %d are no longer kept\n", c.Forgotten)
	}
	return p.conclude("compact", c, nil)
}
