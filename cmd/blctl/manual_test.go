package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"dnsbld/cmd/help"
	"dnsbld/scripts/dev/man"
)

// The manual is made from what the commands say of themselves: -update writes
// it, and otherwise it must be what stands there.
func TestManual(t *testing.T) {
	app := wholeApp()
	_, statuses, _ := strings.Cut(aboutAll, "exit status:\n")
	statuses, _, _ = strings.Cut(statuses, "\n\n")
	var exit [][2]string
	for line := range strings.Lines(statuses) {
		number, what, _ := strings.Cut(strings.TrimSpace(line), " ")
		exit = append(exit, [2]string{number, strings.TrimSpace(what)})
	}
	parts := map[string]string{
		"global": man.Flags(man.FlagsOf(app.Flags)), "change": man.Flags(man.FlagsOf(help.Flags(helpTexts, "shared/change"))),
		"commands": commandsPart(app.Commands), "exit": man.Statuses(exit),
	}
	if _, err := man.Keep("man/blctl.8", parts, *update); err != nil {
		t.Error(err)
	}
}

// commandsPart is a section for each command, those of a group after what it
// says of itself.
func commandsPart(commands []*cli.Command) string {
	var b strings.Builder
	for _, c := range commands {
		if len(c.Subcommands) > 0 {
			b.WriteString(".Ss " + c.Name + "\n" + man.Text(c.Description))
			for _, sub := range c.Subcommands {
				b.WriteString(commandPart(c.Name+" "+sub.Name, sub))
			}
			continue
		}
		b.WriteString(commandPart(c.Name, c))
	}
	return b.String()
}

func commandPart(name string, c *cli.Command) string {
	var own []man.Flag
	flags := man.FlagsOf(c.Flags)
	common := man.FlagsOf(help.Flags(helpTexts, "shared/change"))
	changes := len(flags) > 0
	for _, f := range common {
		changes = changes && slices.Contains(flags, f)
	}
	for _, f := range flags {
		if !changes || !slices.Contains(common, f) {
			own = append(own, f)
		}
	}
	about, rest, _ := strings.Cut(c.Description, "\n\nexit status: ")
	out := ".Ss " + name + "\n" + man.Literal(strings.Split(strings.ReplaceAll(c.UsageText, "\n  ", "\n"), "\n")...) + ".Pp\n" + man.Text(about) + man.Flags(own)
	if changes {
		out += ".Pp\nThe\n.Sx Options of every change\nare taken, too.\n"
	}
	return out + ".Pp\n" + man.Text("exit status: "+rest)
}
