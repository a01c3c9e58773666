package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"dnsbld/cmd/dnsbld/config"
)

func serveCommand(stderr io.Writer) *cli.Command {
	return &cli.Command{
		Name: "serve",
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "clock-offset", Usage: "shift every clock by `DUR`, for tests: all zones must end in .test or .example"},
		},
		Action: func(c *cli.Context) error {
			load := func() (config.Config, error) {
				return config.Load(c.String("config"), func(f *config.File) { overrides(c, f) })
			}
			cfg, err := load()
			if err != nil {
				return err
			}
			log := newLog(stderr, cfg.JSON)
			for _, note := range cfg.Notes {
				log.Info(note)
			}
			ctx, stop := signal.NotifyContext(c.Context, syscall.SIGTERM, os.Interrupt)
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- serve(ctx, cfg, load, log) }()
			return await(ctx, ended, log)
		},
	}
}

// endWithin is how long an end may take. The list is whole on the disk after
// every change, so that nothing is lost when it is cut short.
const endWithin = 2500 * time.Millisecond

// await waits for the daemon to end, once ctx is done no longer than endWithin.
func await(ctx context.Context, ended <-chan error, log *slog.Logger) error {
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(endWithin):
		log.Warn("the end was cut short: something in hand did not finish", "after", endWithin)
		return nil
	}
}

// overrides lays the flags of serve over the file. A flag that was given wins, also
// when it is empty: an empty --web is no pages. It runs again at each reload, so that
// flags outlast a new file.
func overrides(c *cli.Context, f *config.File) {
	for flag, to := range map[string]*string{"data": &f.Data, "socket": &f.Socket, "log-format": &f.LogFormat, "store": &f.StoreURL, "read-only": &f.ReadOnly,
		"receiver": &f.Sensor.Receiver, "resolver": &f.Sensor.Resolver} {
		if c.IsSet(flag) {
			*to = c.String(flag)
		}
	}
	if f.WebGiven = c.IsSet("web"); f.WebGiven {
		f.Listen.Web = c.String("web")
	}
	if c.IsSet("listen") {
		f.Listen.DNS = c.StringSlice("listen")
	}
	if c.IsSet("policy") {
		f.Sensor.Policy = c.StringSlice("policy")
	}
	for flag, to := range map[string]*[]string{"our-ip": &f.Our.Addresses, "our-name": &f.Our.Names, "hosted": &f.Our.Hosted, "trusted": &f.Our.Trusted} {
		if c.IsSet(flag) {
			*to = c.StringSlice(flag)
		}
	}
	if names := c.StringSlice("zone"); len(names) > 0 {
		f.ServeZones(names)
	}
	f.ClockOffset = c.Duration("clock-offset")
}

// newLog is the log of the daemon, on stderr: systemd and containers take it from
// there.
func newLog(w io.Writer, asJSON bool) *slog.Logger {
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// errPart says which part of the daemon failed. To be ended is no failure.
func errPart(part string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("%s: %w", part, err)
}

// shifted is the clock of everything: the system's, or one for tests.
func shifted(by time.Duration) func() time.Time {
	return func() time.Time { return time.Now().Add(by) }
}
