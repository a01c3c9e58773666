package main

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/listing/removal"
)

// deskStats are what the desk did in 30 days, which takes a walk through the log, and
// so is looked at once in a while and not for each who asks.
type deskStats struct {
	mu    sync.Mutex
	at    time.Time
	stats removal.Stats
}

// statsAge is how old they may be.
const statsAge = 5 * time.Minute

// of are the numbers of a desk, new enough.
func (s *deskStats) of(d *dnsbld) (removal.Stats, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !s.at.IsZero() && now.Sub(s.at) < statsAge {
		return s.stats, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	stats, err := d.desk.Stats(ctx)
	if err == nil {
		s.at, s.stats = now, stats
	}
	return s.stats, err
}

// deskMetrics are those of the support desk.
type deskMetrics struct{ d *dnsbld }

// Describe names none ahead: to know them the desk would have to be asked, and the start
// does not wait for that.
func (deskMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect gives what waits, how the desk did, and how its mails fare.
func (m deskMetrics) Collect(to chan<- prometheus.Metric) {
	d := m.d
	gauge := func(name, help string, v float64, labels ...string) {
		var names []string
		if len(labels) > 0 {
			names, labels = labels[:1], labels[1:]
		}
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc("dnsbld_desk_"+name, help, names, nil), prometheus.GaugeValue, v, labels...)
	}
	st, err := d.deskStats.of(d)
	if err != nil {
		d.log.Error("counting what the support desk did", "err", err)
		return
	}
	gauge("tickets", "Tickets by state: open ones wait for us, asked ones for the sender.", float64(st.Open), "state", "open")
	gauge("tickets", "Tickets by state: open ones wait for us, asked ones for the sender.", float64(st.Asked), "state", "asked")
	gauge("appeals", "Open tickets that are appeals.", float64(st.Appeals))
	oldest := 0.0
	if st.OldestOpen != nil {
		oldest = d.book.Now().Sub(*st.OldestOpen).Seconds()
	}
	gauge("oldest_open_seconds", "How long the longest open ticket has waited for us; 0: none waits.", oldest)
	for _, code := range removal.Codes() {
		gauge("decisions_30d", "Requests of the last 30 days by what was decided.", float64(st.Decisions[code]), "decision", string(code))
	}
	gauge("errors_30d", "Listings of the last 30 days that were ended as false-positive or our-error.", float64(st.Errors))
	gauge("error_share_30d", "Their share of the listings that were ended by request or by hand.", st.ErrorShare)
	if st.MedianRemoval != nil {
		gauge("removal_seconds_30d", "From the request to the end of the listing, in the median.", float64(*st.MedianRemoval))
	}
	d.collectMails(to)
}

// collectMails gives those of the mails to who left an address on the page.
func (d *dnsbld) collectMails(to chan<- prometheus.Metric) {
	p, err := d.desk.Post()
	if err != nil || p == nil {
		return // there are none
	}
	const help = "Mails to those who asked on the page: sent, tries that failed, and given up after three."
	for result, n := range map[string]uint64{"sent": p.Sent, "failed": p.Failed, "given_up": p.GivenUp} {
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc("dnsbld_desk_mails_total", help, []string{"result"}, nil), prometheus.CounterValue, float64(n), result)
	}
	to <- prometheus.MustNewConstMetric(prometheus.NewDesc("dnsbld_desk_mails_waiting", "Mails that wait to be handed over.", nil, nil), prometheus.GaugeValue, float64(p.Waiting))
}
