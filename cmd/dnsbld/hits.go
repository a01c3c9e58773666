package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/files"
)

// hitsFile is the file in the data directory that keeps how often listings were asked
// for. It can be lost without harm.
const (
	hitsFile     = "hits"
	keepHitsTime = 10 * time.Minute
)

// keepHits counts what is asked for, and writes it down now and then and at the end:
// DNS has ended by then, and a successor has not read the file yet.
func (d *dnsbld) keepHits(ctx context.Context) {
	var counting sync.WaitGroup
	counting.Go(func() { d.hits.Run(ctx) })
	every(ctx, keepHitsTime, d.writeHits)
	d.writeHits()
	counting.Wait()
}

// writeHits writes the counts down, once those of before the start are among them.
func (d *dnsbld) writeHits() {
	if !d.recalled.Load() {
		return
	}
	if err := files.Replace(filepath.Join(d.cfg.Load().Data, hitsFile), d.hits.Encode(shifted(d.begun.ClockOffset)())); err != nil {
		d.log.Warn("keeping how often listings are asked for", "err", err)
	}
}

// recallHits adds what was counted before the start, once in the life of a process.
func (d *dnsbld) recallHits() {
	if d.recalled.Swap(true) {
		return
	}
	file := filepath.Join(d.cfg.Load().Data, hitsFile)
	raw, err := os.ReadFile(file)
	if err == nil {
		err = d.hits.Merge(raw)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.log.Warn("how often listings were asked for is lost: counting begins again", "file", file, "err", err)
	}
}

// collectHits gives the metrics of queries that were answered as listed. Each zone
// begins with a zero for each of its reasons.
func (d *dnsbld) collectHits(to chan<- prometheus.Metric) {
	type series struct{ zone, reason string }
	counts := map[series]uint64{}
	cfg := d.cfg.Load()
	for _, z := range cfg.Zone.Lists() {
		for _, info := range cfg.Rules.Reasons.All() {
			if info.AnsweredBy(z.Reasons) {
				counts[series{strings.ToLower(strings.TrimSuffix(z.Name, ".")), info.Symbol}] = 0
			}
		}
	}
	for _, t := range d.hits.Totals() {
		counts[series{t.Zone, cfg.Rules.Reasons.Symbol(t.Reason)}] += t.Count
	}
	desc := prometheus.NewDesc("dnsbld_dns_hits_total", "Queries about what is listed, by zone and reason; of a busy server an estimate.", []string{"zone", "reason"}, nil)
	for s, n := range counts {
		to <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), s.zone, s.reason)
	}
}
