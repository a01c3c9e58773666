package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A comparison measures servers against each other: all are started one after the other and stay up, idle, while each
// is asked in turn; one round of every server, then again.
type comparison struct {
	env       *environment
	report    *report
	data      *dataset
	seed      uint64
	queries   int
	loads     []load
	rounds    int
	startWait time.Duration // how long one server may take to its first right answer
	deadline  time.Time     // no further round is begun that would not end by then
	pools     map[coverage]*pool
	servers   []*running
	runs      []run
}

func (c *comparison) run(ctx context.Context, which []candidate) error {
	defer c.stopAll()
	var starts []started
	for _, cand := range which {
		r, err := c.launch(ctx, cand)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			c.report.note("%s is left out: %v", cand.name, err)
			continue
		}
		c.servers = append(c.servers, r)
		if r.remark != "" {
			c.report.note("%s %s", r.name, r.remark)
		}
		s := started{"start", r.name, len(c.data.hosts), r.start}
		c.report.emit(s)
		c.report.progress("%-16s answers after %.2f s", r.name, r.start.Seconds)
		starts = append(starts, s)
	}
	if len(c.servers) == 0 {
		return errors.New("no server could be started")
	}
	err := c.allRounds(ctx)
	c.print(starts)
	return err
}

func (c *comparison) launch(ctx context.Context, cand candidate) (*running, error) {
	cand.cover = c.data.coverable(cand)
	ctx, cancel := context.WithTimeout(ctx, c.startWait)
	defer cancel()
	s, err := c.env.newSite(cand.name, c.data)
	if err != nil {
		return nil, err
	}
	if c.pools[cand.cover] == nil {
		c.pools[cand.cover] = newPool(c.data, c.seed, c.env.zone, c.queries, cand.cover)
	}
	return cand.launch(ctx, s)
}

func (c *comparison) stopAll() {
	for _, r := range c.servers {
		r.proc.stop()
	}
}

func (c *comparison) allRounds(ctx context.Context) error {
	for n := range c.rounds {
		began := time.Now()
		if err := c.round(ctx, n); err != nil {
			return err
		}
		took := time.Since(began)
		c.report.progress("round %d of %d took %.1f s", n+1, c.rounds, took.Seconds())
		if n+1 < c.rounds && time.Now().Add(took).After(c.deadline) {
			c.report.note("stopped after %d of %d rounds: the time limit is near", n+1, c.rounds)
			return nil
		}
	}
	return nil
}

// round asks every server under every load. Each round begins with another server, so that none is always first.
func (c *comparison) round(ctx context.Context, n int) error {
	for i := range c.servers {
		r := c.servers[(i+n)%len(c.servers)]
		for _, l := range c.loads {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			m, err := r.measure(c.pools[r.cover], l)
			if err != nil {
				m = measurement{Void: true, Example: err.Error()}
				c.report.note("%s, %s, round %d: %v: %s", r.name, l.name, n+1, err, r.proc.lastWords())
			}
			result := run{"run", r.name, l.name, n + 1, m}
			c.report.emit(result)
			c.runs = append(c.runs, result)
		}
	}
	return nil
}

// summaries are one load's lines, in the order of the servers.
func (c *comparison) summaries(l load) []summary {
	var names []string
	for _, r := range c.servers {
		names = append(names, r.name)
	}
	var all []summary
	for _, name := range names {
		all = append(all, summarize(c.runs, name, l.name, names))
	}
	return all
}

func (c *comparison) print(starts []started) {
	for _, l := range c.loads {
		all := c.summaries(l)
		for _, s := range all {
			c.report.emit(s)
			if s.Void > 0 {
				c.report.note("%s, %s: %d of %d runs are void: %s", s.Server, s.Load, s.Void, s.Runs, s.Example)
			}
			if s.Late*100 > s.Sent {
				c.report.note("%s, %s: the generator sent %d of %d queries over %v late; the latencies hold that too",
					s.Server, s.Load, s.Late, s.Sent, lateAfter)
			}
		}
		c.report.loadTable(l.title(), all)
		c.report.ratioTable("CPU time a query over each peer's, within a round: "+l.name, all)
	}
	c.report.startTable(starts)
}

func (l load) title() string {
	if l.rate > 0 {
		return fmt.Sprintf("%s: open loop, %d queries/s from %d source ports", l.name, l.rate, l.sockets)
	}
	return fmt.Sprintf("%s: closed loop, %d source ports × %d outstanding", l.name, l.sockets, l.outstanding)
}
