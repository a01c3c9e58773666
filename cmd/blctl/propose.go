package main

import (
	"context"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// A proposal is the command itself, read from the same flags.

// proposeAdd is add as a proposal.
func (in *input) proposeAdd() ctl.Propose {
	c := in.add()
	return ctl.Propose{Add: &c, Note: c.Note}
}

// proposeDelist is delist as a proposal.
func (in *input) proposeDelist() ctl.Propose {
	c := in.delist()
	return ctl.Propose{Delist: &c, Note: c.Note}
}

// proposeExpire is expire as a proposal.
func (in *input) proposeExpire() ctl.Propose {
	c := in.expire()
	return ctl.Propose{Expire: &c, Note: c.Note}
}

// proposePermit is allow add or allow remove as a proposal. Its first form, without
// the word and with --remove, is still taken.
func (in *input) proposePermit() ctl.Propose {
	remove := in.Bool("remove")
	if word := in.Args().First(); word == "add" || word == "remove" {
		in.taken, remove = 1, remove || word == "remove"
	}
	if len(in.words()) == 0 {
		in.fail(usageError("propose allow %s needs PREFIX...", in.Args().First()))
		return ctl.Propose{}
	}
	c := in.permit(remove)
	return ctl.Propose{Permit: &c, Note: c.Note}
}

// propose keeps a command until another person approves it.
func (p *program) propose(ctx context.Context, c ctl.Propose) error {
	out, err := p.client.Propose(ctx, c)
	return p.reportProposal("propose "+out.Proposal.Action, out, err)
}

// proposals prints what can be approved, with the command that it stands for.
func (p *program) proposals(ctx context.Context, in *input) error {
	all, err := p.client.Proposals(ctx, in.Bool("all"))
	if err != nil {
		return err
	}
	for _, one := range all {
		if !p.json {
			p.printProposal(one)
		} else if err := p.writeJSON(one); err != nil {
			return err
		}
	}
	return nil
}

// withdraw ends a proposal.
func (p *program) withdraw(ctx context.Context, in *input) error {
	o := in.options()
	if in.err != nil {
		return in.err
	}
	out, err := p.client.Withdraw(ctx, ctl.Decide{ID: in.Args().First(), Options: o})
	return p.reportProposal("propose withdraw", out, err)
}

// approve carries a proposal out. Options given now take the place of those it has.
func (p *program) approve(ctx context.Context, in *input) error {
	o := in.options()
	if in.err != nil {
		return in.err
	}
	out, err := p.client.Approve(ctx, ctl.Decide{ID: in.Args().First(), Options: o})
	return p.reportProposal("approve", out, err)
}

// proposedJSON is the object that commands about proposals print.
type proposedJSON struct {
	changed
	Proposal listing.Proposal `json:"proposal"`
}

// reportProposal prints what became of a proposal. Approved, it is reported as the
// command that it stands for; a dry run of proposing says what approval would do.
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
