package main

import (
	"context"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/language"
)

// reloads puts a new configuration in force at each SIGHUP. A bad one leaves
// the old one as it is. systemd is told of both ends, as Type=notify-reload asks
// (systemd.service(5)).
func (d *dnsbld) reloads(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.hangups:
		}
		_, _ = daemon.SdNotify(false, daemon.SdNotifyReloading)
		last := ctl.Reload{OK: true, At: d.book.Now().Truncate(time.Second)}
		if err := d.reload(ctx); err != nil {
			d.log.Error("the new configuration is not used", "err", err)
			last.OK, last.Error = false, strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		if s := d.sweeper.Load(); s != nil {
			s.Release() // an operator has looked
		}
		d.last.Store(&last)
		d.tellStatus(last.Error)
		_, _ = daemon.SdNotify(false, daemon.SdNotifyReady)
	}
}

// tellStatus has systemctl status say how the daemon is, in a line: that the last
// reload failed stays there until one succeeds.
func (d *dnsbld) tellStatus(failed string) {
	text := "serving " + (*language.Language)(nil).Count(len(d.cfg.Load().Zone.Zones), "zone")
	if failed != "" {
		text += "; the new configuration is not used: " + failed
	}
	_, _ = daemon.SdNotify(false, "STATUS="+listing.Printable(text)) // without systemd nobody is told
}

// reload puts the configuration in force that load reads. Each door checks its
// part before it takes it. Sockets, and what stands on them, stay as they are.
func (d *dnsbld) reload(ctx context.Context) error {
	cfg, err := d.load()
	if err != nil {
		return err
	}
	if cfg.Mirror != d.begun.Mirror {
		return config.Error("zone.primary: a daemon becomes a mirror, or stops being one, only at a start: restart it")
	}
	if err := d.configureZones(cfg.Zone); err != nil {
		return err
	}
	if err := d.mail.configure(cfg.Mail); err != nil {
		return err
	}
	if err := d.web.server.Configure(cfg.Web.Site); err != nil {
		return err
	}
	d.cfg.Store(&cfg)
	d.book.SetRules(cfg.Rules)
	d.protect()
	d.note(ctx, cfg.Hash)
	d.log.Info("the configuration was read again")
	if keys := cfg.NeedsRestart(d.begun); len(keys) > 0 {
		d.log.Warn("what these keys say holds from the next start", "keys", strings.Join(keys, ", "))
	}
	return nil
}
