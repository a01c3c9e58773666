package main

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/listing/index"
	"dnsbld/listing/mirror"
	"dnsbld/zone"
)

// mirrored reads a configuration of a zone, taken from a primary or its own.
func mirrored(t *testing.T, more string) func() (config.Config, error) {
	dir := t.TempDir()
	writeConfig(t, dir, "[[zone]]\nname = \"bl.test\"\n"+more)
	return func() (config.Config, error) { return config.Load(dir+"/dnsbld.toml", nil) }
}

// Only a start makes a daemon a mirror, or ends that: a reload that would changes
// nothing at all.
func TestReloadMakesNoMirror(t *testing.T) {
	own, taken := mirrored(t, "ns = [\"ns1.bl.test\"]\n"), mirrored(t, "primary = \"192.0.2.53\"\n")
	for name, c := range map[string]struct{ begun, now func() (config.Config, error) }{"becomes": {own, taken}, "stops": {taken, own}} {
		begun, err := c.begun()
		if err != nil {
			t.Fatal(err)
		}
		d := &dnsbld{begun: begun, load: c.now}
		d.cfg.Store(&begun)
		if d.dns, err = zone.New(view{d}, index.NewClock(time.Now), begun.Zone); err != nil {
			t.Fatal(err)
		}
		if err := d.reload(t.Context()); err == nil || !strings.Contains(err.Error(), "zone.primary: a daemon becomes a mirror, or stops being one, only at a start") {
			t.Errorf("%s: %v", name, err)
		}
		if d.cfg.Load().Mirror != begun.Mirror {
			t.Errorf("%s: it is in force", name)
		}
	}
}

// A reload between what a mirror takes beside the list and the list keeps the former,
// and that keeps what was reloaded.
func TestReloadKeepsWhatIsTaken(t *testing.T) {
	cfg, err := mirrored(t, "primary = \"192.0.2.53\"\n")()
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := mirrored(t, "primary = \"127.0.0.1:1\"\n")() // where nobody is
	if err != nil {
		t.Fatal(err)
	}
	d := &dnsbld{begun: cfg, log: slog.New(slog.DiscardHandler), live: index.NewLive(), clock: index.NewClock(time.Now)}
	d.cfg.Store(&cfg)
	d.told.zones = cfg.Zone
	if d.dns, err = zone.New(view{d}, d.clock, cfg.Zone); err != nil {
		t.Fatal(err)
	}
	d.mirror = d.openMirror()
	state := mirror.State{SOA: "bl.test. 300 IN SOA ns1.bl.test. hostmaster.bl.test. 7 60 15 604800 300", Fixed: []string{"bl.test. 300 IN NS ns2.bl.test."}}
	for _, err := range []error{d.mirror.Use(state), d.configureZones(fresh.Zone)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := d.dns.Apex(); !slices.Equal(got.NS, []string{"ns2.bl.test"}) || got.Mail != "hostmaster.bl.test" {
		t.Errorf("%+v", got)
	}
	if err := d.mirror.Use(state); err != nil {
		t.Fatal(err)
	}
	if _, err := d.dns.Take(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "from 127.0.0.1:1: ") {
		t.Errorf("it asks another primary than that of the last reload: %v", err)
	}
}
