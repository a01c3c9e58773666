package main

import (
	"cmp"
	"context"
	"embed"
	"strings"

	"github.com/urfave/cli/v2"

	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// commands is the table of commands: name, arguments, and what it does. Capitals are
// arguments, brackets may be left out. Its flags and its help stand in help/NAME.txt.
func (p *program) commands() []*cli.Command {
	return []*cli.Command{
		command("add", "PREFIX...", act(p, (*input).add, p.add)),
		command("expire", "PREFIX...", act(p, (*input).expire, p.expire)),
		command("delist", "PREFIX...", act(p, (*input).delist, p.delist)),
		command("show", "PREFIX...", p.action(p.show)),
		command("list", "", act(p, (*input).query, p.list)),
		command("history", "PREFIX...", p.action(p.history)),
		group("allow",
			command("add", "PREFIX...", act(p, func(in *input) listing.Permit { return in.permit(false) }, p.permit)),
			command("remove", "PREFIX...", act(p, func(in *input) listing.Permit { return in.permit(true) }, p.permit)),
			command("list", "[PREFIX...]", p.action(p.allows))),
		command("reasons", "", p.action(p.reasons)),
		command("import", "FILE", p.action(p.imports)),
		command("export", "", p.action(p.export)),
		group("source",
			command("list", "", p.action(p.sources)),
			command("show", "NAME", p.action(p.showSource)),
			command("set", "NAME", p.action(p.setSource)),
			command("drop", "NAME", p.action(p.dropSource))),
		command("undo", "REVISION", act(p, (*input).undo, p.undo)),
		group("propose",
			command("add", "PREFIX...", act(p, (*input).proposeAdd, p.propose)),
			command("delist", "PREFIX...", act(p, (*input).proposeDelist, p.propose)),
			command("expire", "PREFIX...", act(p, (*input).proposeExpire, p.propose)),
			command("allow", "PREFIX...", act(p, (*input).proposePermit, p.propose)),
			command("list", "", p.action(p.proposals)),
			command("withdraw", "ID", p.action(p.withdraw))),
		command("approve", "ID", p.action(p.approve)),
		command("changes", "", p.action(p.changes)),
		command("watch", "", p.action(p.watch)),
		group("audit",
			command("verify", "", p.action(p.audit))),
		command("backup", "FILE", p.action(p.backup)),
		command("restore", "FILE", p.action(p.restore)),
		command("rebuild", "", p.alone(p.rebuild)),
		command("compact", "", p.action(p.compact)),
		command("classify", "", p.action(p.classify)),
		command("observe", "FILE...", p.action(p.observe)),
		group("receiver",
			command("list", "", p.action(p.receivers)),
			command("accept", "NAME", p.action(p.acceptReceiver))),
		command("simulate", "", p.action(p.simulate)),
		command("mta-config", "SERVER", p.action(p.mtaConfig)),
		command("eligibility", "IP...", p.action(p.eligibility)),
		command("triage", "FILE", p.action(p.triage)),
		command("letter", "[IP]", p.action(p.letter)),
		command("request", "FILE", p.action(p.request)),
		group("ticket",
			command("open", "IP", p.action(p.openTicket)),
			command("show", "REF", p.action(p.showTicket)),
			command("list", "[IP]", act(p, (*input).tickets, p.tickets)),
			command("stats", "", p.action(p.ticketStats)),
			command("note", "REF", p.ticketStep(removal.VerbNote)),
			command("ask", "REF", p.ticketStep(removal.VerbAsk)),
			command("grant", "REF", p.ticketStep(removal.VerbGrant)),
			command("deny", "REF", p.ticketStep(removal.VerbDeny)),
			command("appeal", "REF", p.ticketStep(removal.VerbAppeal)),
			command("close", "REF", p.ticketStep(removal.VerbClose))),
		group("person",
			command("show", "MAIL", p.action(p.showPerson)),
			command("export", "MAIL", p.action(p.exportPerson)),
			command("erase", "MAIL", p.action(p.erasePerson))),
		command("selfcheck", "", p.action(p.selfcheck)),
		command("doctor", "ZONE", p.action(p.doctor)),
		command("stats", "", p.action(p.stats)),
		command("status", "", p.action(p.status)),
		command("top", "", p.action(p.top)),
		command("completion", "SHELL", p.alone(p.completion)),
		command("version", "", p.alone(p.version)),
	}
}

// command is one row of the table. How many arguments it takes is read from
// arguments (checkArguments).
func command(name, arguments string, do cli.ActionFunc) *cli.Command {
	return &cli.Command{Name: name, ArgsUsage: arguments, Action: do, HideHelpCommand: true, OnUsageError: notUsage}
}

// group is a command of commands, which is nothing by itself.
func group(name string, commands ...*cli.Command) *cli.Command {
	g := command(name, "", func(*cli.Context) error {
		return invalid("usage", name+" needs to know what to do", "there are "+strings.Join(names(commands), ", ")+"; `blctl "+name+" --help` explains them")
	})
	g.Subcommands = commands
	return g
}

// notUsage is a mistake that the library finds on the command line.
func notUsage(_ *cli.Context, err error, _ bool) error { return usageError("%v", err) }

// helpTexts say what each command is for, and its flags.
//
//go:embed help/*.txt help/shared/*.txt
var helpTexts embed.FS

// act is the action of a command that reads its arguments and flags with read
// and does something only if all of them could be read: so a mistake changes
// nothing.
func act[C any](p *program, read func(*input) C, do func(context.Context, C) error) cli.ActionFunc {
	return p.action(func(ctx context.Context, in *input) error {
		c := read(in)
		if in.err != nil {
			return in.err
		}
		return do(ctx, c)
	})
}

// alone is the action of a command that needs neither daemon nor store.
func (p *program) alone(do func(*input) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		p.json = c.Bool("json")
		in := p.input(c)
		if err := cmp.Or(in.checkArguments(), in.err); err != nil {
			return err
		}
		return do(in)
	}
}
