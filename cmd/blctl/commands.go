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

// commands is the table of commands: name, arguments, flags, and what it does.
// Capitals are arguments, brackets may be left out.
func (p *program) commands() []*cli.Command {
	return []*cli.Command{
		command("add", "PREFIX...", addFlags(), act(p, (*input).add, p.add)),
		command("expire", "PREFIX...", expireFlags(), act(p, (*input).expire, p.expire)),
		command("delist", "PREFIX...", delistFlags(), act(p, (*input).delist, p.delist)),
		command("show", "PREFIX...", showFlags(), p.action(p.show)),
		command("list", "", queryFlags(), act(p, (*input).query, p.list)),
		command("history", "PREFIX...", historyFlags(), p.action(p.history)),
		group("allow",
			command("add", "PREFIX...", allowFlags(), act(p, func(in *input) listing.Permit { return in.permit(false) }, p.permit)),
			command("remove", "PREFIX...", disallowFlags(), act(p, func(in *input) listing.Permit { return in.permit(true) }, p.permit)),
			command("list", "[PREFIX...]", nil, p.action(p.allows))),
		command("reasons", "", nil, p.action(p.reasons)),
		command("import", "FILE", importFlags(), p.action(p.imports)),
		command("export", "", exportFlags(), p.action(p.export)),
		group("source",
			command("list", "", nil, p.action(p.sources)),
			command("show", "NAME", nil, p.action(p.showSource)),
			command("set", "NAME", setSourceFlags(), p.action(p.setSource)),
			command("drop", "NAME", dropFlags(), p.action(p.dropSource))),
		command("undo", "REVISION", undoFlags(), act(p, (*input).undo, p.undo)),
		group("propose",
			command("add", "PREFIX...", addFlags(), act(p, (*input).proposeAdd, p.propose)),
			command("delist", "PREFIX...", delistFlags(), act(p, (*input).proposeDelist, p.propose)),
			command("expire", "PREFIX...", expireFlags(), act(p, (*input).proposeExpire, p.propose)),
			command("allow", "PREFIX...", proposeAllowFlags(), act(p, (*input).proposePermit, p.propose)),
			command("list", "", proposalsFlags(), p.action(p.proposals)),
			command("withdraw", "ID", onceFlags(), p.action(p.withdraw))),
		command("approve", "ID", changeFlags(), p.action(p.approve)),
		command("changes", "", changesFlags(), p.action(p.changes)),
		command("watch", "", watchFlags(), p.action(p.watch)),
		group("audit",
			command("verify", "", auditFlags(), p.action(p.audit))),
		command("backup", "FILE", backupFlags(), p.action(p.backup)),
		command("restore", "FILE", restoreFlags(), p.action(p.restore)),
		command("rebuild", "", rebuildFlags(), p.alone(p.rebuild)),
		command("compact", "", nil, p.action(p.compact)),
		command("classify", "", classifyFlags(), p.action(p.classify)),
		command("observe", "FILE...", observeFlags(), p.action(p.observe)),
		group("receiver",
			command("list", "", nil, p.action(p.receivers)),
			command("accept", "NAME", nil, p.action(p.acceptReceiver))),
		command("simulate", "", simulateFlags(), p.action(p.simulate)),
		command("mta-config", "SERVER", mtaConfigFlags(), p.action(p.mtaConfig)),
		command("eligibility", "IP...", nil, p.action(p.eligibility)),
		command("triage", "FILE", nil, p.action(p.triage)),
		command("letter", "[IP]", letterFlags(), p.action(p.letter)),
		command("request", "FILE", requestFlags(), p.action(p.request)),
		group("ticket",
			command("open", "IP", ticketFlags(), p.action(p.openTicket)),
			command("show", "REF", nil, p.action(p.showTicket)),
			command("list", "[IP]", ticketsFlags(), act(p, (*input).tickets, p.tickets)),
			command("stats", "", nil, p.action(p.ticketStats)),
			command("note", "REF", ticketFlags(), p.ticketStep(removal.VerbNote)),
			command("ask", "REF", ticketFlags(), p.ticketStep(removal.VerbAsk)),
			command("grant", "REF", grantFlags(), p.ticketStep(removal.VerbGrant)),
			command("deny", "REF", denyFlags(), p.ticketStep(removal.VerbDeny)),
			command("appeal", "REF", ticketFlags(), p.ticketStep(removal.VerbAppeal)),
			command("close", "REF", ticketFlags(), p.ticketStep(removal.VerbClose))),
		group("person",
			command("show", "MAIL", nil, p.action(p.showPerson)),
			command("export", "MAIL", nil, p.action(p.exportPerson)),
			command("erase", "MAIL", nil, p.action(p.erasePerson))),
		command("selfcheck", "", selfcheckFlags(), p.action(p.selfcheck)),
		command("doctor", "ZONE", selfcheckFlags(), p.action(p.doctor)),
		command("stats", "", statsFlags(), p.action(p.stats)),
		command("status", "", nil, p.action(p.status)),
		command("top", "", topFlags(), p.action(p.top)),
		command("completion", "SHELL", nil, p.alone(p.completion)),
		command("version", "", nil, p.alone(p.version)),
	}
}

// command is one row of the table. How many arguments it takes is read from
// arguments (checkArguments); what it says of itself is added by dress.
func command(name, arguments string, flags []cli.Flag, do cli.ActionFunc) *cli.Command {
	return &cli.Command{Name: name, ArgsUsage: arguments, Flags: flags, Action: do}
}

// group is a command of commands, which is nothing by itself.
func group(name string, commands ...*cli.Command) *cli.Command {
	return &cli.Command{Name: name, Subcommands: commands, Action: func(*cli.Context) error {
		var names []string
		for _, sub := range commands {
			names = append(names, sub.Name)
		}
		return invalid("usage", name+" needs to know what to do", "there are "+strings.Join(names, ", ")+"; `blctl "+name+" --help` explains them")
	}}
}

// helpTexts say what each command is for: a line for the list of commands, how
// it is used, and after an empty line what it does, its exit statuses and
// examples. They stand in --help and in the manual.
//
//go:embed help/*.txt
var helpTexts embed.FS

// dress gives a command and those below it what they have in common, and what
// help/NAME.txt says; for a command of a group NAME is GROUP-COMMAND.
func dress(c *cli.Command, name string, app *cli.App) {
	text, err := helpTexts.ReadFile("help/" + name + ".txt")
	if err == nil { // a test holds that none is missing
		head, about, _ := strings.Cut(strings.TrimSuffix(string(text), "\n"), "\n\n")
		c.Usage, c.UsageText, _ = strings.Cut(head, "\n")
		c.Description = about
	}
	c.HideHelpCommand, c.OnUsageError = true, app.OnUsageError
	for _, sub := range c.Subcommands {
		dress(sub, name+"-"+sub.Name, app)
	}
}

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
