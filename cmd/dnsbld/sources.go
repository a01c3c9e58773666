package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/listing/report"
)

// watchSources warns in the log of sources that are not imported in time: before
// they end, when they have ended, and at the start if that was lately. A warning is
// given once for each. It looks once a minute, and gives metrics what it saw. The
// same minute has the sessions of a day begin.
func (d *dnsbld) watchSources(ctx context.Context) {
	if d.live.Wait(ctx, 0) != nil {
		return // it ends
	}
	warned := map[string]bool{}
	look := func() {
		warned = d.warnOfSources(ctx, warned)
		d.mail.today()
	}
	look()
	every(ctx, time.Minute, look)
}

// warnOfSources logs the warnings that were not given yet, and returns those that
// hold. One that no longer holds is given again when it does.
func (d *dnsbld) warnOfSources(ctx context.Context, before map[string]bool) map[string]bool {
	now, hold := d.book.Now(), map[string]bool{}
	all, err := report.AllSources(ctx, d.store, now)
	if err != nil {
		if ctx.Err() == nil {
			d.log.Error("looking for sources that end", "err", err)
		}
		return before
	}
	d.sources.Store(&all)
	for _, s := range report.Lapsing(all, now, d.cfg.Load().WarnSources) {
		phase := s.Name
		if s.Lapsed() {
			phase += " ended" // no source has a space in its name
		}
		if hold[phase] = true; !before[phase] {
			d.log.Warn(s.Warning(), "source", s.Name, "entries", s.Entries)
		}
	}
	return hold
}

// collectSources gives the metrics of sources. One that lapsed lately is among them,
// without entries and with an end that has passed, so that an alarm goes on.
func (d *dnsbld) collectSources(to chan<- prometheus.Metric) {
	all := d.sources.Load()
	if all == nil {
		return
	}
	gauge := func(name, help, source string, v float64) {
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc("dnsbld_source_"+name, help, []string{"source"}, nil), prometheus.GaugeValue, v, source)
	}
	now := d.book.Now()
	for _, s := range *all {
		entries := s.Entries
		switch {
		case s.Lapsed():
			entries = 0
		case !s.Ended.IsZero():
			continue
		}
		gauge("entries", "Entries of a source that are in force.", s.Name, float64(entries))
		gauge("age_seconds", "How long ago a source was imported.", s.Name, now.Sub(s.Refreshed).Seconds())
		gauge("expires_seconds", "In how long a source ends unless it is imported again; negative: since when it has ended.", s.Name, s.Until.Sub(now).Seconds())
	}
}
