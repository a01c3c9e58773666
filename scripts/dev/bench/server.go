package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"dnsbld/scripts/dev/freeport"
)

// A site is where one server lives: its directory, address and what it is to serve.
type site struct {
	dir  string
	addr netip.AddrPort
	zone string
	data *dataset
	env  *environment
}

func (s site) port() string { return fmt.Sprint(s.addr.Port()) }

func (s site) path(name string) string { return filepath.Join(s.dir, name) }

// write puts a configuration file into the site.
func (s site) write(name, text string) error { return os.WriteFile(s.path(name), []byte(text), 0o644) }

// A candidate is a server that can be measured. setup writes its configuration and data and returns the command that
// runs it in the foreground.
type candidate struct {
	name   string
	cover  coverage
	master bool // serves a zone file
	rules  rules
	remark string // what a reader of its figures must know
	setup  func(ctx context.Context, s site) ([]string, error)
}

// candidates are all servers this program knows, in the order of the tables.
func candidates() []candidate {
	return []candidate{
		echoServer(), dnsbldServer(), dnsbldPrompt(), rbldnsdTrie(), rbldnsdTset(), knotServer(), nsdServer(), bindServer(),
	}
}

// errAbsent means that a program is not on this machine.
var errAbsent = errors.New("not installed")

// program finds a server's binary, which Debian keeps in sbin.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, errAbsent)
}

// An environment is what all servers of one run have in common.
type environment struct {
	dir       string
	zone      string
	dnsbld    string // paths of the programs; empty: not built
	blctl     string
	serverCPU int
	blctlCPU  int
	zoneFile  func() (string, error) // the master file that NSD, Knot and BIND share, written when first asked for
}

// newSite makes a directory and finds an address for a server.
func (e *environment) newSite(name string, d *dataset) (site, error) {
	s := site{dir: filepath.Join(e.dir, name), zone: e.zone, data: d, env: e}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return s, err
	}
	var err error
	s.addr, _, err = freeport.Find() // for as long as the benchmark lasts
	return s, err
}

// A running server, and what its start cost.
type running struct {
	candidate
	site  site
	proc  *process
	pids  []int
	start startCost
}

// A startCost is what it took until the first right answer, and the memory that is held
// once what only the start took has been given back.
type startCost struct {
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
	RssAnonKB  int64   `json:"rss_anon_kb"`
}

// launch sets a server up, starts it and waits until it answers for the last host of the list.
func (c candidate) launch(ctx context.Context, s site) (*running, error) {
	argv, err := c.setup(ctx, s)
	if err != nil {
		return nil, err
	}
	return c.restart(ctx, s, argv)
}

// restart starts a server that is set up.
func (c candidate) restart(ctx context.Context, s site, argv []string) (*running, error) {
	proc, err := startProcess(s.dir, s.env.serverCPU, argv)
	if err != nil {
		return nil, err
	}
	r := &running{candidate: c, site: s, proc: proc}
	if err := r.await(ctx); err != nil {
		proc.stop()
		return nil, err
	}
	return r, nil
}

func (r *running) await(ctx context.Context) error {
	last := onlyQuery(addr4(r.site.data.hosts[len(r.site.data.hosts)-1]), r.site.zone, wantListed)
	took, err := r.proc.awaitAnswer(ctx, r.site.addr, last, r.rules)
	if err != nil {
		return err
	}
	return r.measureStart(took)
}

func (r *running) measureStart(took time.Duration) (err error) {
	r.start.Seconds = took.Seconds()
	if r.pids, err = family(r.proc.pid); err != nil {
		return err
	}
	cpu, err := runTime(r.pids)
	if err != nil {
		return err
	}
	r.start.CPUSeconds = cpu.Seconds()
	const givingBack = time.Second / 2
	time.Sleep(givingBack)
	r.start.RssAnonKB, err = anonymousKB(r.pids)
	return err
}

// measure asks the server under one load.
func (r *running) measure(p *pool, l load) (measurement, error) {
	g, err := newGenerator(r.site.addr, p, r.rules, l)
	if err != nil {
		return measurement{}, err
	}
	defer g.close()
	return g.run(func() (time.Duration, error) { return runTime(r.pids) })
}
