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
		Description: `Some changes take two persons: a range wider than one operator may list, an entry
for the reason network; and any change that somebody would rather not make alone.
One proposes it, with the flags of the command itself; another carries it out
with 'blctl approve', within 7 days. Who proposed cannot approve, nor can root,
behind whom anybody may be.`,
		Subcommands: []*cli.Command{
			p.proposing("add", "PREFIX --reason REASON [flags]", "propose to list an address or a range", addFlags(),
				`Keeps 'blctl add' with these flags until another person approves it. What policy
would refuse all the same is refused at once; a life counts from the approval.

exit status: 0 proposed; 2 not an address, no such reason; 4 refused by policy

examples:
  blctl propose add 192.0.0.0/17 --reason manual --force --note "announced by spammers"
  blctl propose add 192.0.2.7 --reason network --for 7d`,
				func(in *input) ctl.Propose { c := in.add(); return ctl.Propose{Add: &c, Note: c.Note} }),
			p.proposing("delist", "PREFIX --because WHY [flags]", "propose to end entries", delistFlags(),
				`Keeps 'blctl delist' with these flags until another person approves it.

exit status: 0 proposed; 2 no WHY, or not one of those of 'blctl delist'

examples:
  blctl propose delist 192.0.2.0/24 --because appeal-upheld --ticket rt:1425832
  blctl propose delist 192.0.2.0/24 --within --because ip-reassigned --max-changes 200`,
				func(in *input) ctl.Propose { c := in.delist(); return ctl.Propose{Delist: &c, Note: c.Note} }),
			p.proposing("expire", "PREFIX (--at TIME | --in DURATION | --now) [flags]", "propose another end", expireFlags(),
				`Keeps 'blctl expire' with these flags until another person approves it. A
duration counts from the approval.

exit status: 0 proposed; 2 no end given

examples:
  blctl propose expire 192.0.2.0/24 --in 30d
  blctl propose expire 192.0.2.7 --now --note "is a relay of a customer"`,
				func(in *input) ctl.Propose { c := in.expire(); return ctl.Propose{Expire: &c, Note: c.Note} }),
			p.proposing("allow", "PREFIX (--owner NAME | --remove) [flags]", "propose an allow entry, or its end",
				append(allowFlags(), &cli.BoolFlag{Name: "remove", Usage: "take the allow entry back"}),
				`Keeps 'blctl allow add' with these flags, or with --remove 'blctl allow remove',
until another person approves it.

exit status: 0 proposed; 2 no owner, or an end in the past

examples:
  blctl propose allow 192.0.2.0/24 --owner postmaster@example.test
  blctl propose allow 192.0.2.0/24 --remove`,
				func(in *input) ctl.Propose {
					c := in.permit(in.Bool("remove"))
					return ctl.Propose{Permit: &c, Note: c.Note}
				}),
			p.proposalsCommand(), p.withdrawCommand(),
		},
	})
}

// proposing is the command that proposes another one.
func (p *program) proposing(name, usage, what string, flags []cli.Flag, text string, read func(*input) ctl.Propose) *cli.Command {
	return &cli.Command{
		Name: name, Usage: what, ArgsUsage: "PREFIX", UsageText: "blctl propose " + name + " " + usage, Description: text, Flags: flags,
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
		Description: `Prints the proposals that can be approved, oldest first: who proposed what, until
when it can be approved, and the command that it stands for.

exit status: 0 done, also if there are none

examples:
  blctl propose list
  blctl propose list --all --json`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "those that were approved or withdrawn, or expired, too"}},
		Action: p.action(p.proposals),
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
		Description: `Ends a proposal: it can no longer be approved. Any operator may.

exit status: 0 done; 3 there is no such proposal; 5 it was settled, or expired

examples:
  blctl propose withdraw p-7xkq2mfa
  blctl propose withdraw p-7xkq2mfa --json`,
		Flags:  onceFlags(),
		Action: p.settling("propose withdraw", p.withdraw),
	}
}

func (p *program) approveCommand() *cli.Command {
	return &cli.Command{
		Name:      "approve",
		Usage:     "carry out what another person proposed",
		ArgsUsage: "ID",
		UsageText: "blctl approve ID [flags]",
		Description: `Carries out a proposal of somebody else, in the name of both. When the command
returns, DNS answers so. 'blctl propose list' shows what is open; look at what it
would do with --dry-run first. --if-revision and --max-changes take the place of
those that it was proposed with.

exit status: 0 done; 3 there is no such proposal, or what it changes is not
listed; 4 you proposed it yourself, or are root; 5 it was settled, or expired

examples:
  blctl approve p-7xkq2mfa --dry-run
  blctl approve p-7xkq2mfa`,
		Flags:  changeFlags(),
		Action: p.settling("approve", p.approve),
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
