package main

import (
	"context"
	"sync"
)

// parts are what runs in the daemon, in groups that end one after the other. Any
// part that ends, well or badly, ends the daemon: none is there for nothing, and
// systemd starts all of them again.
type parts struct {
	cancel context.CancelFunc // begins the end

	mu       sync.Mutex
	failures []error
}

// group is parts that end together.
type group struct {
	sync.WaitGroup
	all *parts
	ctx context.Context // of its parts
	end context.CancelFunc
}

// group makes a group that lives as long as ctx, at the most.
func (p *parts) group(ctx context.Context) *group {
	g := &group{all: p}
	g.ctx, g.end = context.WithCancel(ctx)
	return g
}

// start runs a part until the group ends.
func (g *group) start(name string, part func(context.Context) error) {
	g.Go(func() {
		if err := errPart(name, part(g.ctx)); err != nil {
			g.all.mu.Lock()
			g.all.failures = append(g.all.failures, err)
			g.all.mu.Unlock()
		}
		g.all.cancel()
	})
}

// run is start for a part that cannot fail.
func (g *group) run(name string, part func(context.Context)) {
	g.start(name, func(ctx context.Context) error { part(ctx); return nil })
}
