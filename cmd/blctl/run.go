package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"dnsbld/cmd/help"
	"dnsbld/ctl"
	"dnsbld/listing"
)

// program is one run of blctl. What it takes from the system comes in by run, so
// that tests are runs like any other.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time

	json    bool
	offline bool
	yes     bool
	human   printer // where people read: stdout, or stderr with --json
	client  *ctl.Client
}

// run is the program: it returns the exit status. Words are arranged first, so
// that flags may stand anywhere; then the library reads them and calls one
// action.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	p := &program{stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv, now: time.Now}
	p.human = printer{to: stdout, layout: layout{width: usualWidth}}
	if len(args) > 2 && args[1] == completing {
		p.complete(ctx, args[2], args[3:])
		return exitDone
	}
	app := p.app()
	p.json = asksForJSON(args) // until it is known whether it is a flag
	argv, err := arrange(app, args)
	switch {
	case err != nil:
	case argv[len(argv)-1] == "--help" && !slices.Contains(argv, "--"):
		err = p.help(app, argv[1:len(argv)-1])
	default:
		err = app.RunContext(ctx, argv)
	}
	return p.finish(ctx, err)
}

// app is the table of commands.
func (p *program) app() *cli.App {
	app := &cli.App{
		Name:      "blctl",
		Usage:     "change and question the list of a dnsbld",
		UsageText: "blctl [global flags] COMMAND [arguments and flags, in any order]",
		Writer:    p.stdout, ErrWriter: p.stderr,
		HideVersion: true, HideHelpCommand: true, DisableSliceFlagSeparator: true,
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   notUsage,
		Flags:          help.Flags(helpTexts, "shared/global"),
		Commands:       p.commands(),
	}
	app.Action = func(*cli.Context) error { return p.help(app, nil) }
	return app
}

// action wraps what a command does: it sets the program up once the arguments have been
// counted, and closes the store of --offline at the end. An error in closing is one of
// the command.
func (p *program) action(do func(context.Context, *input) error) cli.ActionFunc {
	return func(c *cli.Context) (err error) {
		p.json, p.yes = c.Bool("json"), c.Bool("yes")
		in := p.input(c)
		if err := cmp.Or(in.checkArguments(), in.checkText(), in.err); err != nil {
			return err
		}
		closeStore := func() error { return nil }
		if file := c.String("offline"); file != "" {
			p.offline = true
			if p.client, closeStore, err = openOffline(c.Context, file, p.stderr); err != nil {
				return err
			}
		} else {
			p.client = ctl.NewClient(p.socket(c.String("socket")))
		}
		err = do(c.Context, in)
		if closeErr := closeStore(); err == nil && closeErr != nil {
			err = fmt.Errorf("closing the store: %w", closeErr)
		}
		return err
	}
}

// input begins a command: it reads how its output is to be.
func (p *program) input(c *cli.Context) *input {
	p.human = p.printerFor(c.Bool("no-color"))
	in := &input{Context: c, now: p.now, stdin: p.stdin, warn: p.warn}
	p.human.layout = in.layout(p.human)
	return in
}

// usageError is a mistake on the command line.
func usageError(format string, args ...any) error {
	return invalid("usage", fmt.Sprintf(format, args...), "`blctl --help` lists the commands, `blctl COMMAND --help` explains one")
}

// invalid is input that cannot be understood, with a hint of its own.
func invalid(code, message, hint string) error {
	return &listing.Error{Kind: listing.ErrInvalid, Code: code, Message: message, Hint: hint}
}
