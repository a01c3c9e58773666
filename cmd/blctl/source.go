package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"dnsbld/listing"
)

func (p *program) sourceCommand() *cli.Command {
	return group(&cli.Command{
		Name:      "source",
		Usage:     "the imported feeds",
		UsageText: "blctl source (list | show NAME | drop NAME)",
		Description: `A source is a feed that 'blctl import' has read. It carries the lifetime of its
entries: they end together when it is not imported again in time.`,
		Subcommands: []*cli.Command{
			{
				Name:      "list",
				Usage:     "the sources in force",
				UsageText: "blctl source list",
				Description: `Prints the sources in force: name, entries, last import, end.

exit status: 0 done, also if there are none

examples:
  blctl source list
  blctl source list --json`,
				Action: p.action(p.sources),
			},
			{
				Name:      "show",
				Usage:     "one source",
				ArgsUsage: "NAME",
				UsageText: "blctl source show NAME",
				Description: `Prints what is known about a source.

exit status: 0 done; 3 there is no such source

examples:
  blctl source show ipsum
  blctl source show ipsum --json`,
				Action: p.action(p.showSource),
			},
			{
				Name:      "drop",
				Usage:     "end a source and all its entries",
				ArgsUsage: "NAME",
				UsageText: "blctl source drop NAME [flags]",
				Description: `Ends a source and, with it, all its entries, in one step. They are not kept: that
cannot be undone, but the file can be imported again. Exceptions that operators made
stay. On a terminal it asks first, unless --yes is given.

exit status: 0 done; 2 the answer was no; 3 there is no such source; 4 it has more
entries than --max-changes; 5 not at --if-revision

examples:
  blctl source drop ipsum --dry-run
  blctl source drop ipsum --note "no longer kept up" --max-changes 200000`,
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "note", Usage: "why, for operators: `TEXT`"},
				}, changeFlags()...),
				Action: p.action(p.dropSource),
			},
		},
	})
}

func (p *program) sources(ctx context.Context, _ *input) error {
	all, err := p.client.Sources(ctx)
	if err != nil {
		return err
	}
	return each(p, all, func(s listing.Source) []string {
		return []string{clean(s.Name), plural(s.Entries, "entry", "entries"),
			"imported " + stamp(s.Refreshed) + " by " + clean(s.Actor), "ends " + p.ahead(s.Until)}
	})
}

// findSource is a source in force.
func (p *program) findSource(ctx context.Context, name string) (listing.Source, error) {
	all, err := p.client.Sources(ctx)
	if err != nil {
		return listing.Source{}, err
	}
	n := slices.IndexFunc(all, func(s listing.Source) bool { return s.Name == name })
	if n < 0 {
		return listing.Source{}, &listing.Error{Kind: listing.ErrNotFound, Code: "no-source",
			Message: "there is no source " + listing.Quote(name)}
	}
	return all[n], nil
}

func (p *program) showSource(ctx context.Context, in *input) error {
	s, err := p.findSource(ctx, in.Args().First())
	if err != nil {
		return err
	}
	t := table{
		{"source", clean(s.Name)},
		{"entries", fmt.Sprint(s.Entries)},
		{"since", stamp(s.Since)},
		{"imported", stamp(s.Refreshed) + " by " + clean(s.Actor)},
		{"ends", p.ahead(s.Until) + " unless it is imported again"},
		{"generation", fmt.Sprint(s.Generation)},
		{"revision", fmt.Sprint(s.Revision)},
	}
	if s.Note != "" {
		t.add("note", "%s", clean(s.Note))
	}
	if err := p.human.table(t); err != nil {
		return err
	}
	return p.conclude("source show", s, nil)
}

func (p *program) dropSource(ctx context.Context, in *input) error {
	name, o := in.Args().First(), in.options()
	if in.err != nil {
		return in.err
	}
	if err := p.confirm(true, o.DryRun, func() (int, error) {
		s, err := p.findSource(ctx, name)
		return s.Entries, err
	}); err != nil {
		return err
	}
	out, err := p.client.DropSource(ctx, name, in.String("note"), o)
	if err != nil {
		return err
	}
	return p.report("source drop", "", "source "+name, out, nil)
}
