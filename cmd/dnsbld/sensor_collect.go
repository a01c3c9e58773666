package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"dnsbld/listing"
	"dnsbld/mta"
)

// collectFile is [sensor.collect] as it is written.
type collectFile struct {
	Listen      string   `toml:"listen"`
	Certificate string   `toml:"certificate"`
	Key         string   `toml:"key"`
	ClientCA    string   `toml:"client_ca"`
	Receivers   []string `toml:"receivers"`
}

// collectConfig is where, and from whom, sessions of other machines are taken.
type collectConfig struct {
	listen string // empty: nowhere
	mta.CollectorConfig
}

// collect checks what the file says. A receiver has one source.
func (f sensorFile) collect(s sensorConfig, wrong *mistakes) collectConfig {
	c := collectConfig{f.Collect.Listen, mta.CollectorConfig{Receivers: f.Collect.Receivers,
		Identity: mta.Identity{Certificate: f.Collect.Certificate, Key: f.Collect.Key, CA: f.Collect.ClientCA}}}
	if c.listen == "" {
		return collectConfig{}
	}
	if _, err := netip.ParseAddrPort(c.listen); err != nil {
		wrong.addf("sensor.collect.listen: %s: write an address and a port, such as 192.0.2.53:10443", listing.Quote(c.listen))
	}
	if err := c.Validate(); err != nil {
		wrong.addf("sensor.collect: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if len(s.policy) > 0 && slices.Contains(c.Receivers, s.receiver) {
		wrong.addf("sensor.collect.receivers: the sessions of %s come from its policy service", listing.Quote(s.receiver))
	}
	return c
}

// openCollector binds the socket for sessions of other machines, if they are
// wanted.
func (s *sensor) openCollector(ctx context.Context, cfg collectConfig) (err error) {
	if cfg.listen == "" {
		return nil
	}
	s.collector, err = mta.NewCollector(cfg.CollectorConfig, mta.CollectorParts{Now: s.now, Say: s.trouble.say,
		Take: func(ctx context.Context, receiver string, reports []mta.Report, stats mta.LogStats) (any, error) {
			return s.count(ctx, func(each func(mta.Report) error) (mta.LogStats, error) {
				for _, r := range reports {
					if err := each(r); err != nil {
						return stats, err
					}
				}
				return stats, nil
			})
		}})
	if err != nil {
		return configError("sensor.collect: %v", err)
	}
	if s.collecting, err = new(net.ListenConfig).Listen(ctx, "tcp", cfg.listen); err != nil {
		return fmt.Errorf("binding the collector: %w", err)
	}
	s.log.Info("collecting sessions of other machines", "address", cfg.listen, "receivers", strings.Join(cfg.Receivers, ","))
	return nil
}

// after is what is in force after a reload: the socket stays as it is.
func (c collectConfig) after(old collectConfig) collectConfig {
	if c.listen == "" || old.listen == "" {
		return old
	}
	c.listen = old.listen
	return c
}
