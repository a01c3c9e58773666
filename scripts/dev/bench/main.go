package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// bench runs what the arguments ask for: tables go to stdout, progress to stderr, results as NDJSON into a file.
func bench(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit+o.limit/4)
	defer cancel()
	dir, err := os.MkdirTemp("", "dnsbld-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil { // rbldnsd started as root changes its user
		return err
	}
	results, err := os.Create(o.ndjson)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, results.Close()) }()

	r := &report{out: stdout, log: stderr, ndjson: json.NewEncoder(results)}
	if err := measureAll(ctx, o, dir, r); err != nil {
		return err
	}
	r.printNotes()
	fmt.Fprintf(stdout, "\nresults: %s\n", o.ndjson)
	return r.err
}

func measureAll(ctx context.Context, o options, dir string, r *report) error {
	deadline := time.Now().Add(o.limit)
	o.placeCores(r)
	if err := pinSelf(o.generatorCPU); err != nil {
		return err
	}
	runtime.GOMAXPROCS(2) // on one core, but what waits is not held up by the generator's loop
	data := newList(o.list, o.seed, o.hosts, o.widest)
	r.emit(o.describe())
	r.progress("%d hosts, %d prefixes, %d IPv6; seed %d", len(data.hosts), len(data.spans), len(data.v6), o.seed)
	env := o.environment(dir, data)
	if o.tables["load"] {
		if o.tables["operations"] && o.dnsbld != "" {
			deadline = deadline.Add(-o.limit / 3) // leaves time for the operations
		}
		c := &comparison{env: env, report: r, data: data, seed: o.seed, queries: o.queries, loads: o.loads(),
			rounds: o.rounds, startWait: o.startWait, deadline: deadline, pools: map[coverage]*pool{}}
		if err := c.run(ctx, o.servers); err != nil {
			return err
		}
	}
	if o.tables["operations"] {
		ops := &operations{env: env, report: r, data: data, options: o}
		return ops.run(ctx)
	}
	return nil
}

func (o options) environment(dir string, data *dataset) *environment {
	env := &environment{dir: dir, zone: o.zone, dnsbld: o.dnsbld, blctl: o.blctl, serverCPU: o.serverCPU, blctlCPU: o.serverCPU}
	for cpu := range runtime.NumCPU() {
		if cpu != o.serverCPU && cpu != o.generatorCPU {
			env.blctlCPU = cpu
		}
	}
	env.zoneFile = sync.OnceValues(func() (string, error) {
		path := filepath.Join(dir, "zone")
		return path, data.writeZone(path, o.zone)
	})
	return env
}

// placeCores falls back to one core where there is no second.
func (o *options) placeCores(r *report) {
	if n := runtime.NumCPU(); o.serverCPU >= n || o.generatorCPU >= n {
		o.serverCPU, o.generatorCPU = 0, n-1
	}
	if o.serverCPU == o.generatorCPU {
		r.note("server and generator share core %d: rates and latencies say little", o.serverCPU)
	}
}
