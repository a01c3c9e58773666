package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

var errUsage = errors.New("usage")

// options are what the command line says.
type options struct {
	seed                    uint64
	list                    string
	hosts, widest           int
	zone                    string
	queries                 int
	servers                 []candidate
	tables                  map[string]bool
	operations              map[string]bool
	rounds                  int
	rate, sockets, inflight int
	warmup, window          time.Duration
	serverCPU, generatorCPU int
	startWait, limit        time.Duration
	ndjson                  string
	dnsbld, blctl           string
	quick                   bool
}

// loads are the two that must not be mixed up: a server that never sleeps, and one that sleeps and wakes.
func (o options) loads() []load {
	base := load{sockets: o.sockets, outstanding: o.inflight, warmup: o.warmup, window: o.window, timeout: 500 * time.Millisecond}
	saturated, open := base, base
	saturated.name = "saturated"
	open.name, open.rate = fmt.Sprintf("%d/s", o.rate), o.rate
	return []load{saturated, open}
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintln(stderr, "usage: bench [flags]\n\nCompares DNS blocklist servers on this machine; tables on stdout, NDJSON in a file.")
		f.PrintDefaults()
	}
	f.BoolVar(&o.quick, "quick", false, "under two minutes: 100k hosts, 2 short rounds; figures are rough")
	hosts := f.String("hosts", "1M", "hosts in the list: 100k, 1M, 10M, 50M (1 % prefixes and 1 % IPv6 come on top)")
	f.StringVar(&o.list, "list", listMixed, "what the list holds: mixed; nets: as many random /26 and as many random /64 as -hosts says; texts: hosts with a text each")
	f.Uint64Var(&o.seed, "seed", 1, "what data and queries are drawn from")
	f.IntVar(&o.widest, "widest", 24, "24: prefixes are /24s; 16: some are /16s, which dnsbld's stock policy refuses")
	f.StringVar(&o.zone, "zone", "bl.test", "zone to serve")
	f.IntVar(&o.queries, "queries", 1<<20, "distinct queries, asked round and round")
	names := f.String("servers", strings.Join(serverNames(), ","), "servers to compare; all stay loaded, so with 10M hosts or more mind the memory of Knot, NSD and BIND")
	tables := f.String("tables", "load,operations", "what to measure")
	ops := f.String("operations", strings.Join(operationNames(), ","), "which operations to measure")
	f.IntVar(&o.rounds, "rounds", 5, "interleaved rounds")
	f.DurationVar(&o.window, "window", 3*time.Second, "length of one measurement")
	f.DurationVar(&o.warmup, "warmup", 500*time.Millisecond, "load before each measurement")
	f.IntVar(&o.rate, "rate", 80000, "queries/s of the open loop")
	f.IntVar(&o.sockets, "sockets", 8, "source ports; with 256 or more, set -outstanding 1 or receive buffers overflow")
	f.IntVar(&o.inflight, "outstanding", 8, "queries under way on each source port, closed loop")
	f.IntVar(&o.serverCPU, "server-cpu", 0, "core of the server")
	f.IntVar(&o.generatorCPU, "generator-cpu", 1, "core of the generator")
	f.DurationVar(&o.startWait, "start-wait", 5*time.Minute, "how long a server may take to its first right answer")
	f.DurationVar(&o.limit, "limit", time.Hour, "begin no round that would end later than this; everything ends at 1.25 times it")
	f.StringVar(&o.ndjson, "ndjson", "", "file for the results (default: a new one in the temporary directory)")
	f.StringVar(&o.dnsbld, "dnsbld", "", "path of dnsbld; empty: it is left out")
	f.StringVar(&o.blctl, "blctl", "", "path of blctl")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	if o.quick {
		o.shorten(f, hosts)
	}
	return o, o.check(f.Args(), *hosts, *names, *tables, *ops)
}

// shorten sets what --quick means, save for what was set by hand.
func (o *options) shorten(f *flag.FlagSet, hosts *string) {
	set := map[string]bool{}
	f.Visit(func(fl *flag.Flag) { set[fl.Name] = true })
	quick := map[string]func(){
		"hosts":      func() { *hosts = "100k" },
		"queries":    func() { o.queries = 1 << 18 },
		"rounds":     func() { o.rounds = 2 },
		"window":     func() { o.window = 700 * time.Millisecond },
		"warmup":     func() { o.warmup = 200 * time.Millisecond },
		"start-wait": func() { o.startWait = 20 * time.Second },
		"limit":      func() { o.limit = 95 * time.Second },
	}
	for name, apply := range quick {
		if !set[name] {
			apply()
		}
	}
}

// check turns words into values and tells all mistakes at once.
func (o *options) check(rest []string, hosts, servers, tables, ops string) error {
	var errs []error
	mistake := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	var err error
	if len(rest) > 0 {
		mistake(fmt.Errorf("unexpected argument %q", rest[0]))
	}
	o.hosts, err = parseCount(hosts)
	mistake(err)
	o.servers, err = chooseServers(servers)
	mistake(err)
	o.tables, err = choose("table", tables, []string{"load", "operations"})
	mistake(err)
	o.operations, err = choose("operation", ops, operationNames())
	mistake(err)
	if !slices.Contains([]string{listMixed, listNets, listTexts}, o.list) {
		mistake(fmt.Errorf("unknown list %q: known are mixed, nets, texts", o.list))
	}
	if o.widest != 16 && o.widest != 24 {
		mistake(errors.New("-widest is 16 or 24"))
	}
	if min(o.queries, o.rounds, o.rate, o.sockets, o.inflight) < 1 || o.inflight > 128 || o.sockets > 4096 {
		mistake(errors.New("counts must be positive, -outstanding at most 128, -sockets at most 4096"))
	}
	if min(o.window, o.limit, o.startWait) <= 0 || o.warmup < 0 || min(o.serverCPU, o.generatorCPU) < 0 {
		mistake(errors.New("durations must be positive and cores not negative"))
	}
	if o.ndjson == "" {
		o.ndjson = filepath.Join(os.TempDir(), "dnsbld-bench-"+time.Now().UTC().Format("20060102T150405Z")+".ndjson")
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return nil
}

// parseCount reads 100k, 1M or a plain number.
func parseCount(s string) (int, error) {
	digits, unit := s, 1
	switch {
	case strings.HasSuffix(s, "k"):
		digits, unit = s[:len(s)-1], 1000
	case strings.HasSuffix(s, "M"):
		digits, unit = s[:len(s)-1], 1000000
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > 100_000_000/unit {
		return 0, fmt.Errorf("-hosts %q: want a number up to 100M", s)
	}
	return n * unit, nil
}

func serverNames() []string {
	var names []string
	for _, c := range candidates() {
		names = append(names, c.name)
	}
	return names
}

func chooseServers(list string) ([]candidate, error) {
	chosen, err := choose("server", list, serverNames())
	var servers []candidate
	for _, c := range candidates() {
		if chosen[c.name] {
			servers = append(servers, c)
		}
	}
	return servers, err
}

// choose takes a comma-separated list of known names.
func choose(what, list string, known []string) (map[string]bool, error) {
	chosen := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown %s %q: known are %s", what, name, strings.Join(known, ", "))
		}
		chosen[name] = true
	}
	return chosen, nil
}

// describe is the first line of the results: what was run, and on what.
func (o options) describe() map[string]any {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // empty where there is none
	return map[string]any{
		"kind": "environment", "time": time.Now().UTC().Format(time.RFC3339), "kernel": strings.TrimSpace(string(kernel)),
		"go": runtime.Version(), "cpus": runtime.NumCPU(), "server_cpu": o.serverCPU, "generator_cpu": o.generatorCPU,
		"seed": o.seed, "list": o.list, "hosts": o.hosts, "queries": o.queries, "rounds": o.rounds, "window_seconds": o.window.Seconds(),
		"rate": o.rate, "sockets": o.sockets, "outstanding": o.inflight, "tables": slices.Sorted(maps.Keys(o.tables)),
	}
}
