package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/connlimit"
	"dnsbld/ctl"
	"dnsbld/files"
	"dnsbld/listing"
)

// lastBackup is the file in the data directory that keeps when a backup was last
// sent whole: a restart must not look like a list without backups.
const lastBackup = "last-backup.json"

// backup sends the list, and remembers that it did.
func (d *dnsbld) backup(ctx context.Context, to io.Writer) (listing.Revision, error) {
	r, err := d.store.Backup(ctx, to)
	if err != nil {
		return r, err
	}
	raw, err := json.Marshal(ctl.BackedUp{At: d.book.Now().Truncate(time.Second), Revision: r})
	if err == nil {
		err = files.Replace(filepath.Join(d.cfg.Load().Data, lastBackup), raw)
	}
	if err != nil {
		d.log.Warn("noting the backup, which is whole", "err", err)
	}
	return r, nil
}

// complete adds to a status what the doors do not know.
func (d *dnsbld) complete(st *ctl.Status) {
	st.Listeners, st.Parts = d.listeners, d.parts()
	var last ctl.BackedUp
	raw, err := os.ReadFile(filepath.Join(d.cfg.Load().Data, lastBackup))
	if err == nil && json.Unmarshal(raw, &last) == nil {
		st.Backup = &last
	}
}

// parts says of what may be missing while the list is served whether it is at work,
// and why not: "ok", or "off: why".
func (d *dnsbld) parts() map[string]string {
	all := map[string]string{"desk": part(d.desk.off), "mail": part(d.cfg.Load().Desk.MailOff), "counters": part(d.mail.off)}
	for what, key := range map[string]string{"pages": "listen.web", "metrics": "listen.metrics", "policy": "sensor.policy", "collector": "sensor.collect.listen"} {
		if off := ""; len(d.listeners[what]) == 0 {
			if off = key + " is not set"; what == "pages" && d.web.off != "" {
				off = d.web.off
			}
			all[what] = part(off)
		} else {
			all[what] = part("")
		}
	}
	return all
}

func part(off string) string {
	if off == "" {
		return "ok"
	}
	return "off: " + off
}

// daemonMetrics tells a monitoring system what the doors do not know.
type daemonMetrics struct{ d *dnsbld }

// Describe makes it a prometheus.Collector.
func (m daemonMetrics) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, to) }

// Collect gives what became of reading the configuration last, and the sources.
func (m daemonMetrics) Collect(to chan<- prometheus.Metric) {
	gauge := func(name, help string, v float64) {
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, v)
	}
	m.d.collectSources(to)
	m.d.collectHits(to)
	if store := m.d.changes.Load(); store != nil {
		if st, err := store.Status(context.Background()); err == nil && st.Failed == "" {
			gauge("dnsbld_store_bytes", "Size of the file of the list.", float64(st.Bytes))
			gauge("dnsbld_store_free_bytes", "Of these, what nothing lies in: a compaction gives it back.", float64(st.Free))
		}
	}
	m.d.collectMirror(to)
	last, ok := m.d.last.Load(), 0.0
	if last.OK {
		ok = 1
	}
	gauge("dnsbld_config_last_reload_successful", "Whether the configuration that was read last is in force.", ok)
	gauge("dnsbld_config_last_reload_timestamp_seconds", "When the configuration was read last.", float64(last.At.Unix()))
}

// connectionMetrics tells how many connections the doors have, and how many were
// ended or refused for want of room. DNS tells of its own.
type connectionMetrics struct{ d *dnsbld }

func (connectionMetrics) descs() (open, ended, refused *prometheus.Desc) {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("dnsbld_connections"+name, help, []string{"door"}, nil)
	}
	return desc("", "Connections that are open."), desc("_ended_total", "Idle connections that were ended to make room for others."),
		desc("_refused_total", "Connections that were refused, since no other was idle.")
}

// Describe names the metrics: the doors are not open yet.
func (m connectionMetrics) Describe(to chan<- *prometheus.Desc) {
	open, ended, refused := m.descs()
	to <- open
	to <- ended
	to <- refused
}

// Collect gives them for each door.
func (m connectionMetrics) Collect(to chan<- prometheus.Metric) {
	doors := map[string]connlimit.Stats{"web": m.d.web.server.Open(), "policy": m.d.mail.policy.Open()}
	if m.d.mail.collector != nil {
		doors["collector"] = m.d.mail.collector.Open()
	}
	if s := m.d.operators.Load(); s != nil {
		doors["control"] = s.Open()
	}
	open, ended, refused := m.descs()
	for door, n := range doors {
		to <- prometheus.MustNewConstMetric(open, prometheus.GaugeValue, float64(n.Open), door)
		to <- prometheus.MustNewConstMetric(ended, prometheus.CounterValue, float64(n.Ended), door)
		to <- prometheus.MustNewConstMetric(refused, prometheus.CounterValue, float64(n.Refused), door)
	}
}
