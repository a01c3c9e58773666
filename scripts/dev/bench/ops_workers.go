package main

import (
	"context"
	"fmt"
	"time"
)

// workerPorts are so many source ports that the kernel spreads them evenly over the sockets of the workers.
const workerPorts = 512

// opWorkers: what a query costs with two workers beside what it costs with one. All of them run on the server's core,
// so that the difference is what they cost each other.
func opWorkers(ctx context.Context, o *operations, name string) error {
	var servers [2]*running
	for n := range servers {
		s, err := o.env.newSite(fmt.Sprintf("op-%s-%d", name, n+1), o.data)
		if err != nil {
			return err
		}
		workers := fmt.Sprintf("workers = %d", n+1)
		r, err := dnsbldWith(name, workers, "").launch(ctx, s)
		if err != nil {
			return err
		}
		defer r.proc.stop()
		servers[n] = r
	}
	p := newPool(o.data, o.options.seed, o.env.zone, o.options.queries, servers[0].cover)
	l := load{sockets: workerPorts, outstanding: 1, warmup: o.options.warmup, window: o.options.window, timeout: 500 * time.Millisecond}
	var cost [len(servers)][]float64
	var ratio []float64
	for round := range o.options.rounds {
		var in [len(servers)]float64
		for i := range servers {
			n := (i + round) % len(servers)
			m, err := servers[n].measure(p, l)
			if err != nil {
				return err
			}
			if m.Void {
				return fmt.Errorf("%d workers: the run is void: %s", n+1, m.Example)
			}
			in[n] = m.CPU
			cost[n] = append(cost[n], m.CPU)
		}
		ratio = append(ratio, in[1]/in[0])
	}
	about := fmt.Sprintf("%d source ports, median", workerPorts)
	o.figure(name, "one worker, "+about, median(cost[0]), "µs CPU/query")
	o.figure(name, "two workers, "+about, median(cost[1]), "µs CPU/query")
	o.figure(name, "two over one, within a round, median", median(ratio), "×")
	return nil
}
