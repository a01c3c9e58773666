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
		Subcommands: []*cli.Command{
			{
				Name:      "add",
				Usage:     "never answer a prefix as listed",
				ArgsUsage: "PREFIX",
				UsageText: "blctl allow add PREFIX --owner NAME [flags]",
				Flags:     allowFlags(),
				Action:    act(p, func(in *input) listing.Permit { return in.permit(false) }, p.permit),
			},
			{
				Name:      "remove",
				Usage:     "take an allow entry back",
				ArgsUsage: "PREFIX",
				UsageText: "blctl allow remove PREFIX [flags]",
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
				Action:    act(p, (*input).prefix, p.allows),
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
