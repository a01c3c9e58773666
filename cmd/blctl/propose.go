package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"dnsbld/ctl"
	"dnsbld/listing"
)

func (p *program) proposeCommand() *cli.Command {
	return group(&cli.Command{
		Name:      "propose",
		Usage:     "a change that another person must approve",
		UsageText: "blctl propose (add | delist | expire | allow) PREFIX [flags]\n  blctl propose (list | withdraw ID)",
		Subcommands: []*cli.Command{
			p.proposing("add", "PREFIX --reason REASON [flags]", "propose to list an address or a range", addFlags(),
				func(in *input) ctl.Propose { c := in.add(); return ctl.Propose{Add: &c, Note: c.Note} }),
			p.proposing("delist", "PREFIX --because WHY [flags]", "propose to end entries", delistFlags(),
				func(in *input) ctl.Propose { c := in.delist(); return ctl.Propose{Delist: &c, Note: c.Note} }),
			p.proposing("expire", "PREFIX (--at TIME | --in DURATION | --now) [flags]", "propose another end", expireFlags(),
				func(in *input) ctl.Propose { c := in.expire(); return ctl.Propose{Expire: &c, Note: c.Note} }),
			p.proposing("allow", "PREFIX (--owner NAME | --remove) [flags]", "propose an allow entry, or its end",
				append(allowFlags(), &cli.BoolFlag{Name: "remove", Usage: "take the allow entry back"}),
				func(in *input) ctl.Propose {
					c := in.permit(in.Bool("remove"))
					return ctl.Propose{Permit: &c, Note: c.Note}
				}),
			p.proposalsCommand(), p.withdrawCommand(),
		},
	})
}

// proposing is the command that proposes another one.
func (p *program) proposing(name, usage, what string, flags []cli.Flag, read func(*input) ctl.Propose) *cli.Command {
	return &cli.Command{
		Name: name, Usage: what, ArgsUsage: "PREFIX", UsageText: "blctl propose " + name + " " + usage, Flags: flags,
		Action: act(p, read, func(ctx context.Context, c ctl.Propose) error {
			out, err := p.client.Propose(ctx, c)
			return p.reportProposal("propose "+name, out, err)
		}),
	}
}

func (p *program) proposalsCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "the open proposals",
		UsageText: "blctl propose list [--all]",
		Flags:     []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "those that were approved or withdrawn, or expired, too"}},
		Action:    p.action(p.proposals),
	}
}

func (p *program) proposals(ctx context.Context, in *input) error {
	all, err := p.client.Proposals(ctx, in.Bool("all"))
	if err != nil {
		return err
	}
	return each(p, all, func(one listing.Proposal) []string { p.printProposal(one); return nil })
}

func (p *program) withdrawCommand() *cli.Command {
	return &cli.Command{
		Name:      "withdraw",
		Usage:     "end a proposal without carrying it out",
		ArgsUsage: "ID",
		UsageText: "blctl propose withdraw ID [flags]",
		Flags:     onceFlags(),
		Action:    p.settling("propose withdraw", p.withdraw),
	}
}

func (p *program) approveCommand() *cli.Command {
	return &cli.Command{
		Name:      "approve",
		Usage:     "carry out what another person proposed",
		ArgsUsage: "ID",
		UsageText: "blctl approve ID [flags]",
		Flags:     changeFlags(),
		Action:    p.settling("approve", p.approve),
	}
}

// settling is the command that settles one proposal.
func (p *program) settling(action string, do func(ctx context.Context, id string, o listing.Options) (ctl.Proposed, error)) cli.ActionFunc {
	return p.action(func(ctx context.Context, in *input) error {
		o := in.options()
		if in.err != nil {
			return in.err
		}
		out, err := do(ctx, in.Args().First(), o)
		return p.reportProposal(action, out, err)
	})
}

func (p *program) withdraw(ctx context.Context, id string, o listing.Options) (ctl.Proposed, error) {
	return p.client.Withdraw(ctx, id, o)
}

func (p *program) approve(ctx context.Context, id string, o listing.Options) (ctl.Proposed, error) {
	return p.client.Approve(ctx, id, o)
}

// proposedJSON is the object that commands about proposals print.
type proposedJSON struct {
	changed
	Proposal listing.Proposal `json:"proposal"`
}

func (p *program) reportProposal(action string, out ctl.Proposed, err error) error {
	if err != nil {
		return err
	}
	one, h := out.Proposal, p.human
	switch {
	case action == "approve":
		p.describe("proposal "+one.ID, out.Outcome)
	case out.DryRun && one.State == listing.ProposalOpen:
		p.printProposal(one)
		h.printf("%s\n", h.paint(bold, "dry run: nothing was kept; approved now, it would be like this:"))
		p.describeChanges("proposal "+one.ID, out.Outcome)
	case out.DryRun:
		h.dryRun()
		p.printProposal(one)
	case one.State == listing.ProposalOpen:
		p.printProposal(one)
		h.printf("Another operator carries it out with: blctl approve %s\n", clean(one.ID))
	default:
		p.printProposal(one)
	}
	prefix := ""
	if s := subjectOf(one); s.IsValid() {
		prefix = s.String()
	}
	return p.conclude(action, proposedJSON{asChanged(prefix, out.Outcome), one}, nil)
}
