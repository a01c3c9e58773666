package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// reloads puts a new configuration in force at each SIGHUP. A bad one leaves
// the old one as it is. systemd is told of both ends, as Type=notify-reload asks
// (systemd.service(5)).
func (d *dnsbld) reloads(ctx context.Context, load func() (config, error)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.hangups:
		}
		_, _ = daemon.SdNotify(false, daemon.SdNotifyReloading)
		last := ctl.Reload{OK: true, At: d.book.Now().Truncate(time.Second)}
		if err := d.reload(ctx, load); err != nil {
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
	text := fmt.Sprintf("serving %s", plural(len(d.cfg.Load().zone.Zones), "zone"))
	if failed != "" {
		text += "; the new configuration is not used: " + failed
	}
	_, _ = daemon.SdNotify(false, "STATUS="+listing.Printable(text)) // without systemd nobody is told
}

// reload puts the configuration in force that load reads. Each door checks its
// part before it takes it. Sockets, and what stands on them, stay as they are.
func (d *dnsbld) reload(ctx context.Context, load func() (config, error)) error {
	cfg, err := load()
	if err != nil {
		return err
	}
	if err := d.dns.Configure(cfg.zone); err != nil {
		return err
	}
	if err := d.mail.configure(cfg.mail); err != nil {
		return err
	}
	if err := d.web.server.Configure(cfg.web.site); err != nil {
		return err
	}
	d.cfg.Store(&cfg)
	d.book.SetRules(cfg.rules)
	d.live.Protect(cfg.rules.Policy.NeverList())
	if err := d.book.Configure(ctx, self(), cfg.hash); err != nil {
		return err
	}
	d.log.Info("the configuration was read again")
	if keys := needRestart(d.begun, cfg); len(keys) > 0 {
		d.log.Warn("what these keys say holds from the next start", "keys", strings.Join(keys, ", "))
	}
	return nil
}

// needRestart are the keys that differ from what the daemon began with and that
// a reload does not put in force.
func needRestart(begun, now config) (keys []string) {
	for key, same := range map[string]bool{
		"data": begun.data == now.data, "socket": begun.socket == now.socket, "historyformat": begun.json == now.json,
		"listen.dns": slices.Equal(begun.dns, now.dns), "listen.workers": begun.workers == now.workers,
		"listen.xot": begun.xot == now.xot,
		"listen.web": begun.web.pages == now.web.pages, "listen.metrics": begun.web.metrics == now.web.metrics,
		"web.certificate": begun.web.site.TLS == now.web.site.TLS,
		"sensor.receiver": begun.mail.receiver == now.mail.receiver, "sensor.policy": slices.Equal(begun.mail.policy, now.mail.policy),
		"sensor.policy_mode": begun.mail.socket.Mode == now.mail.socket.Mode, "sensor.policy_group": begun.mail.socket.Group == now.mail.socket.Group,
		"sensor.collect.listen": begun.mail.collect.listen == now.mail.collect.listen,
	} {
		if !same {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
