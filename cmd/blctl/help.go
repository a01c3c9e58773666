package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"dnsbld/cmd/help"

	"github.com/urfave/cli/v2"
)

// Help fits 80 columns. The library's own does not: it puts each flag on one line.

// topics are the commands by what somebody wants to do, as the help lists them. Those
// that are named nowhere come last.
func topics() []struct {
	title    string
	commands []string
} {
	return []struct {
		title    string
		commands []string
	}{
		{"change the list", []string{"add", "expire", "delist", "allow", "undo", "propose", "approve"}},
		{"look at it", []string{"show", "list", "history", "changes", "watch", "reasons"}},
		{"feeds and files", []string{"import", "export", "source", "backup", "restore", "rebuild", "compact"}},
		{"how dnsbld does", []string{"status", "stats", "top", "selfcheck", "doctor", "audit"}},
		{"mail servers", []string{"mta-config", "observe", "receiver", "classify", "simulate"}},
		{"the support desk", []string{"eligibility", "triage", "letter", "request", "ticket", "person"}},
		{"this program", []string{"completion", "version"}},
	}
}

// aboutAll is what the help says after the commands and the flags.
const aboutAll = `Without --socket the control socket is $BLCTL_SOCKET, else ./var/control.sock if
a dnsbld of your own answers there, else /run/dnsbld/control.sock. With
--offline there is no configuration: reasons and policy are the built-in ones,
and this list's own servers are not known.

Tables fit the terminal, and 80 columns elsewhere: what is too much is left out
as the help of the command says. --wide shows all.

A PREFIX is an address or a prefix: 192.0.2.7, 192.0.2.0/24, 2001:db8::7. Where
several may be given, - reads them from standard input, one a line; a change is
made to all of them or to none. A TIME is written as in RFC 3339
(2026-11-23T12:00:00Z), in a mail ("Mon, 23 Nov 2026 12:00:00 -0800"), as blctl
or a log prints it, as a date (its start in UTC), or from now: -2h, +3d,
yesterday. A DURATION is like 90m, 72h, 3d or 1w.

exit status:
  0   done, or already so
  1   failed
  2   usage, or input that cannot be understood
  3   not listed, or not found
  4   refused by policy
  5   conflict: the list is not as the command expected
  6   partly done
  75  dnsbld or the store cannot be reached, or is busy: try later

'blctl COMMAND --help' explains a command and gives examples.
`

// help prints what --help asks for: of all, or of the command that words lead to.
func (p *program) help(app *cli.App, words []string) error {
	c := &cli.Command{Name: app.Name, Usage: app.Usage, UsageText: app.UsageText, Subcommands: app.Commands}
	var path []string
	for _, word := range words {
		if n := slices.IndexFunc(c.Subcommands, func(sub *cli.Command) bool { return sub.Name == word }); n >= 0 {
			c, path = c.Subcommands[n], append(path, word)
		}
	}
	for _, sub := range c.Subcommands {
		help.Dress(helpTexts, sub, path...)
	}
	name := strings.Join(slices.Concat([]string{app.Name}, path), " ")
	var b strings.Builder
	fmt.Fprintf(&b, "%s - %s\n\nusage:\n  %s\n\n", name, c.Usage, c.UsageText)
	if name == app.Name {
		b.WriteString("commands:\n")
		rest := names(c.Subcommands)
		for _, topic := range topics() {
			b.WriteString(topic.title + "\n")
			writeCommands(&b, c.Subcommands, topic.commands)
			rest = slices.DeleteFunc(rest, func(name string) bool { return slices.Contains(topic.commands, name) })
		}
		writeCommands(&b, c.Subcommands, rest)
		b.WriteString("\nglobal flags:\n")
		writeFlags(&b, app.Flags)
		b.WriteString("\n" + aboutAll)
	} else {
		b.WriteString(c.Description + "\n")
		if len(c.Subcommands) > 0 {
			b.WriteString("\ncommands:\n")
			writeCommands(&b, c.Subcommands, names(c.Subcommands))
		}
		if columns := tables()[strings.Join(path, " ")]; columns != nil {
			b.WriteString("\n" + wrapTo(strings.Fields("columns: "+tableHelp(columns)), "", usualWidth) + "\n")
		}
		if len(c.Flags) > 0 {
			b.WriteString("\nflags:\n")
			writeFlags(&b, c.Flags)
		}
		b.WriteString("\n" + wrapTo(strings.Fields("'blctl --help' explains the global flags ("+flagNames(app.Flags)+"), which may stand anywhere, and all exit statuses."), "", usualWidth) + "\n")
	}
	_, err := io.WriteString(p.stdout, b.String())
	return err
}

// names are those of commands.
func names(commands []*cli.Command) (all []string) {
	for _, c := range commands {
		all = append(all, c.Name)
	}
	return all
}

// writeCommands writes a line for each of some commands.
func writeCommands(b *strings.Builder, all []*cli.Command, names []string) {
	for _, c := range all {
		if slices.Contains(names, c.Name) {
			fmt.Fprintf(b, "  %-11s %s\n", c.Name, c.Usage)
		}
	}
}

// flagIndent is where the text about a flag begins.
const flagIndent = 24

// writeFlags writes what flags say of themselves.
func writeFlags(b *strings.Builder, flags []cli.Flag) {
	for _, f := range flags {
		text, value := usageOf(f)
		head := "  --" + f.Names()[0]
		if value != "" {
			head += " " + value
		}
		indent := strings.Repeat(" ", flagIndent)
		if len(head)+1 < flagIndent {
			head += indent[len(head):]
		} else {
			head += "\n" + indent
		}
		b.WriteString(head + wrapTo(strings.Fields(text), indent, usualWidth) + "\n")
	}
}

// usageOf is what a flag says of itself, and the name of its value: what stands
// between backquotes.
func usageOf(f cli.Flag) (text, value string) {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return "", ""
	}
	text = d.GetUsage()
	if d.TakesValue() {
		value = "VALUE"
	}
	if _, rest, quoted := strings.Cut(text, "`"); quoted {
		value, _, _ = strings.Cut(rest, "`")
	}
	return strings.ReplaceAll(text, "`", ""), value
}

// flagNames are flags as somebody types them.
func flagNames(flags []cli.Flag) string {
	var names []string
	for _, f := range flags {
		names = append(names, "--"+f.Names()[0])
	}
	return strings.Join(names, " ")
}

// tableHelp says which columns a table has, and which go first where it is too wide.
func tableHelp(columns []column) string {
	var shown, more, goes []string
	ranked := slices.Clone(columns)
	slices.SortStableFunc(ranked, func(a, b column) int { return b.rank - a.rank })
	for _, c := range columns {
		if c.more {
			more = append(more, c.name)
		} else {
			shown = append(shown, c.name)
		}
	}
	for _, c := range ranked {
		if c.rank > 0 && !c.more {
			goes = append(goes, c.name)
		}
	}
	text := strings.Join(shown, ", ")
	if len(more) > 0 {
		text += "; with --wide also " + strings.Join(more, ", ")
	}
	if len(goes) > 0 {
		text += ". Where there is no room, they go in this order: " + strings.Join(goes, ", ")
	}
	return text + "."
}
