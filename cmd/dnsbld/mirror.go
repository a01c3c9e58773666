package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"dnsbld/files"
	"dnsbld/listing"
	"dnsbld/listing/index"
	"dnsbld/listing/mirror"
	"dnsbld/listing/report"
	"dnsbld/zone"
)

// view is the list as DNS may answer from it: a mirror whose primary was not heard
// for too long has none.
type view struct{ d *dnsbld }

// Set makes it a zone.View.
func (v view) Set() *index.Set {
	if v.d.begun.Mirror != "" && (v.d.mirror == nil || !v.d.mirror.Serves(v.d.clock.Now())) {
		return nil
	}
	return v.d.live.Set()
}

// protect puts the never-list in force. What a mirror lists is the primary's to say.
func (d *dnsbld) protect() {
	cfg := d.cfg.Load()
	if cfg.Mirror == "" {
		d.live.Protect(cfg.Rules.Policy.NeverList())
	}
}

// mirrorFile is the end of the name of the file beside the list, in JSON, that keeps
// what a mirror knows of its primary. It is of no use to another list.
const mirrorFile = ".mirror"

// openMirror makes the mirror that goes on from what lies beside the list.
func (d *dnsbld) openMirror() *mirror.Mirror {
	cfg := d.cfg.Load()
	beside := cfg.Database + mirrorFile
	saved, err := os.ReadFile(beside)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.log.Error("reading what was taken of the primary: it is taken again", "err", err)
	}
	return mirror.New(mirror.Config{Zone: cfg.Mirror, Take: d.dns.Take, Log: d.log, Now: shifted(cfg.ClockOffset),
		Primary: func() string { return d.primary().Address.String() },
		Digest:  func() string { return d.cfg.Load().Hash },
		Save:    func(state []byte) error { return files.Replace(beside, state) },
		Use:     d.useTaken,
	}, saved)
}

func (d *dnsbld) primary() zone.Primary {
	for _, z := range d.cfg.Load().Zone.Zones {
		if z.Primary != nil {
			return *z.Primary
		}
	}
	return zone.Primary{}
}

// taken is a configuration of zones with what was taken beside the list.
func taken(c zone.Config, s mirror.State) zone.Config {
	c.Zones = slices.Clone(c.Zones)
	for n := range c.Zones {
		if z := &c.Zones[n]; z.Primary != nil && s.SOA != "" {
			z.Taken = &zone.Taken{SOA: s.SOA, TTL: s.TTL, Fixed: s.Fixed}
		}
	}
	return c
}

// told is what DNS has: of a reload the zones, and of the mirror what was taken beside
// the list. Either comes while the other stays as it is.
type told struct {
	sync.Mutex
	zones zone.Config
	taken mirror.State
}

func (d *dnsbld) configureZones(c zone.Config) error {
	d.told.Lock()
	defer d.told.Unlock()
	err := d.dns.Configure(taken(c, d.told.taken))
	if err == nil {
		d.told.zones = c
	}
	return err
}

func (d *dnsbld) useTaken(s mirror.State) error {
	d.told.Lock()
	defer d.told.Unlock()
	err := d.dns.Configure(taken(d.told.zones, s))
	if err == nil {
		d.told.taken = s
	}
	return err
}

// followPrimary keeps the list equal to the primary's, once it is loaded.
func (d *dnsbld) followPrimary(ctx context.Context) {
	if d.live.Wait(ctx, 0) == nil {
		d.mirror.Run(ctx, d.book, d.dns.Notified())
	}
}

// mirrorZone says of a zone what it has of its primary.
func (d *dnsbld) mirrorZone(z *report.Zone) {
	if z.Mirror = d.mirror.Status(); z.Mirror.Expires.IsZero() {
		return
	}
	apex := d.dns.Apex()
	z.NS, z.Mail, z.TTL, z.NegativeTTL = apex.NS, apex.Mail, listing.Life(apex.TTL), listing.Life(apex.NegativeTTL)
	for _, name := range apex.NS {
		z.Glue[name] = apex.Glue[name]
	}
}

// collectMirror tells a monitoring system how the mirror is.
func (d *dnsbld) collectMirror(to chan<- prometheus.Metric) {
	if d.mirror == nil {
		return
	}
	s := d.mirror.Status()
	emit := func(name, help string, kind prometheus.ValueType, v float64) {
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc("dnsbld_mirror_"+name, help, nil, nil), kind, v)
	}
	emit("failures_total", "Looks at the primary that failed.", prometheus.CounterValue, float64(s.Failures))
	if !s.Expires.IsZero() {
		emit("serial", "Serial that was taken from the primary.", prometheus.GaugeValue, float64(s.Serial))
		emit("checked_timestamp_seconds", "When the primary was last heard.", prometheus.GaugeValue, float64(s.Checked.Unix()))
		emit("expires_timestamp_seconds", "From when on the zone is answered with SERVFAIL, unless the primary is heard.", prometheus.GaugeValue, float64(s.Expires.Unix()))
	}
}
