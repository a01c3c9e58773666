package main

import (
	"context"
	"strings"

	"github.com/urfave/cli/v2"

	"dnsbld/listing"
)

// group makes a command of commands, which is nothing by itself.
func group(c *cli.Command) *cli.Command {
	c.Action = func(*cli.Context) error {
		var names []string
		for _, sub := range c.Subcommands {
			names = append(names, sub.Name)
		}
		return invalid("usage", c.Name+" needs to know what to do", "there are "+strings.Join(names, ", ")+"; `blctl "+c.Name+" --help` explains them")
	}
	return c
}

func (p *program) allowCommand() *cli.Command {
	return group(&cli.Command{
		Name:      "allow",
		Usage:     "what is never answered as listed",
		UsageText: "blctl allow (add PREFIX --owner NAME | remove PREFIX | list [PREFIX])",
		Description: `An allow entry keeps a prefix from being answered as listed, whatever is stored or
imported. It hides entries, and ends none. It has an owner, who can be asked why
it is there, and may have an end.`,
		Subcommands: []*cli.Command{
			{
				Name:      "add",
				Usage:     "never answer a prefix as listed",
				ArgsUsage: "PREFIX",
				UsageText: "blctl allow add PREFIX --owner NAME [flags]",
				Description: `Keeps PREFIX from being answered as listed, from when the command returns. An allow
entry that is there already gets the owner, end and note given.

exit status: 0 done, or so already; 2 no owner, or an end in the past; 5 not at
--if-revision

examples:
  blctl allow add 192.0.2.0/24 --owner postmaster@example.test --note "our relays"
  blctl allow add 2001:db8::25 --owner postmaster@example.test --until 2026-12-31T00:00:00Z`,
				Flags:  allowFlags(),
				Action: act(p, func(in *input) listing.Permit { return in.permit(false) }, p.permit),
			},
			{
				Name:      "remove",
				Usage:     "take an allow entry back",
				ArgsUsage: "PREFIX",
				UsageText: "blctl allow remove PREFIX [flags]",
				Description: `Takes back the allow entry for exactly PREFIX. What it hid is answered again.

exit status: 0 done, or there was none; 5 not at --if-revision

examples:
  blctl allow remove 192.0.2.0/24
  blctl allow remove 192.0.2.0/24 --note "relays are gone" --dry-run`,
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "note", Usage: "why, for operators: `TEXT`"},
				}, changeFlags()...),
				Action: act(p, func(in *input) listing.Permit { return in.permit(true) }, p.permit),
			},
			{
				Name:      "list",
				Usage:     "the allow entries in force",
				ArgsUsage: "[PREFIX]",
				UsageText: "blctl allow list [PREFIX]",
				Description: `Prints the allow entries in force, those that overlap PREFIX if one is given.

exit status: 0 done, also if there are none

examples:
  blctl allow list
  blctl allow list 192.0.2.7 --json`,
				Action: act(p, (*input).prefix, p.allows),
			},
		},
	})
}

func allowFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "owner", Usage: "who answers for it: `NAME`"},
		&cli.StringFlag{Name: "until", Usage: "the end, a `TIME`; otherwise until it is removed"},
		&cli.StringFlag{Name: "note", Usage: "why, for operators: `TEXT`"},
	}, changeFlags()...)
}

// permit reads the command that the flags of allow stand for.
func (in *input) permit(remove bool) listing.Permit {
	c := listing.Permit{Subject: in.prefix(), Remove: remove, Note: in.String("note"), Options: in.options()}
	if !remove {
		c.Owner, c.Until = in.String("owner"), in.time("until")
	}
	return c
}

func (p *program) permit(ctx context.Context, c listing.Permit) error {
	action := "allow add"
	if c.Remove {
		action = "allow remove"
	}
	out, err := p.client.Permit(ctx, c)
	return p.reportOn(action, c.Subject, out, err)
}

func (p *program) allows(ctx context.Context, around listing.Subject) error {
	all, err := p.client.Allows(ctx, around)
	if err != nil {
		return err
	}
	return each(p, all, func(a listing.Allow) []string {
		return []string{a.Subject.Text(), p.human.paint(green, "never listed") + untilOrForGood(a.Until), "owner " + clean(a.Owner),
			"since " + stamp(a.Since) + " by " + clean(a.Actor), clean(a.Note)}
	})
}
