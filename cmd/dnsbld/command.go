package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/cmd/dnsbld/offline"
	"dnsbld/cmd/help"
	"dnsbld/listing"
)

// version is set by the release build.
var version = "development"

// Exit statuses, as the documentation promises them. 2 is Go's own, of a crash:
// a crash must not look like a mistake that a start anew does not mend.
const (
	exitDone   = 0
	exitFailed = 1
	exitBusy   = 75 // EX_TEMPFAIL of sysexits(3)
	exitConfig = 78 // EX_CONFIG
)

// run is the program: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 1 && strings.HasPrefix(args[1], "--read-only") { // in need one forgets a word
		args = slices.Insert(slices.Clone(args), 1, "serve")
	}
	return exitStatus(newApp(stdout, stderr).RunContext(ctx, args), stderr)
}

// helpTexts say what each command is for, and its flags.
//
//go:embed help/*.txt
var helpTexts embed.FS

// newApp is the table of commands.
func newApp(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:      "dnsbld",
		Usage:     "serve a DNS blocklist of addresses seen with bogus HELO behaviour",
		UsageText: "dnsbld serve [--config FILE]\ndnsbld check --config FILE\ndnsbld example\ndnsbld keygen [--name NAME]\ndnsbld version",
		Writer:    stdout, ErrWriter: stderr, HideVersion: true, HideHelpCommand: true,
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return config.Error("%v", err)
		},
		Flags: []cli.Flag{&cli.BoolFlag{Name: "version", Usage: "print the version"}},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return config.Error("there is no command %s", listing.Quote(c.Args().First()))
			}
			if c.Bool("version") {
				return printVersion(stdout)
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{serveCommand(stderr), checkCommand(stdout), exampleCommand(stdout), keygenCommand(stdout), versionCommand(stdout), offlineCommand()},
	}
	for _, c := range app.Commands {
		help.Dress(helpTexts, c)
		c.OnUsageError, c.HideHelpCommand, c.Before = app.OnUsageError, true, refuseArguments
	}
	return app
}

// refuseArguments keeps a forgotten "--" from being ignored: no command here
// takes an argument, and the library drops flags that follow one.
func refuseArguments(c *cli.Context) error {
	if c.Args().Present() {
		return config.Error("%s takes flags only, not %s", c.Command.Name, listing.Quote(c.Args().First()))
	}
	return nil
}

// checkCommand is for people, and for ExecReload= of the unit: a bad file is
// refused before the daemon is told to read it.
func checkCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name: "check",
		Action: func(c *cli.Context) error {
			if !c.IsSet("config") {
				return config.Error("check needs --config FILE")
			}
			if _, err := config.Load(c.String("config"), nil); err != nil {
				return err
			}
			fmt.Fprintf(stdout, "%s: good\n", c.String("config"))
			return nil
		},
	}
}

// exampleCommand prints config/example.toml, which is also the reference of all keys.
func exampleCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name: "example",
		Action: func(*cli.Context) error {
			_, err := io.WriteString(stdout, config.Example)
			return err
		},
	}
}

func versionCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name:   "version",
		Action: func(*cli.Context) error { return printVersion(stdout) },
	}
}

// offlineCommand is for blctl alone, which passes it a socket as its input.
func offlineCommand() *cli.Command {
	return &cli.Command{
		Name:   "offline",
		Usage:  "serve a store that no daemon has open to the blctl that starts this",
		Hidden: true,
		Flags:  []cli.Flag{&cli.StringFlag{Name: "store", Usage: "the store `FILE`"}},
		Action: func(c *cli.Context) error {
			signal.Ignore(os.Interrupt) // it is for blctl, whose end is the end
			return offline.Serve(c.Context, os.Stdin, c.String("store"), help.Version(version))
		},
	}
}

func printVersion(stdout io.Writer) error {
	_, err := fmt.Fprintln(stdout, "dnsbld", help.Version(version))
	return err
}

// exitStatus reports an error, with its hint, and gives the status it means.
func exitStatus(err error, stderr io.Writer) int {
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(stderr, "error: %v\n", err)
	var e *listing.Error
	if errors.As(err, &e) && e.Hint != "" {
		fmt.Fprintf(stderr, "hint: %s\n", e.Hint)
	}
	switch {
	case errors.Is(err, listing.ErrInvalid):
		return exitConfig
	case errors.Is(err, listing.ErrUnavailable):
		return exitBusy
	}
	return exitFailed
}
