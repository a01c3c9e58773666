// Package help is what both programs say of themselves. What the commands say stands in
// files that are compiled in, help/NAME.txt, or help/GROUP-NAME.txt for a command of a
// group: a line for the list of commands, how it is used, after an empty line what it
// does, its exit statuses and examples, and last its flags. --help and the manual show
// it. A flag is a line:
//
//	--name  what it says of itself, with the name of its value in backquotes
//
// One without a value is on or off, and one that ends in "repeatable" has several.
// +NAME are the flags of help/NAME.txt; those in help/shared mean the same everywhere.
package help

import (
	"io/fs"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsHead stands before the flags of a command.
const flagsHead = "\n\nflags:\n"

// Dress gives a command, below others or not, what its file says of it. Flags that a
// file cannot say, such as those with a default, stand in the program, and come last.
// A command that says of itself what it is for, or was dressed, is left as it is.
func Dress(texts fs.FS, c *cli.Command, above ...string) {
	if c.Usage != "" {
		return
	}
	name := strings.Join(slices.Concat(above, []string{c.Name}), "-")
	text, _ := fs.ReadFile(texts, "help/"+name+".txt") // tests hold that none is missing
	head, about, _ := strings.Cut(strings.TrimSuffix(string(text), "\n"), "\n\n")
	c.Usage, c.UsageText, _ = strings.Cut(head, "\n")
	c.Description, _, _ = strings.Cut(about, flagsHead)
	c.Flags = append(Flags(texts, name), c.Flags...)
}

// Flags are those in help/NAME.txt.
func Flags(texts fs.FS, name string) (all []cli.Flag) {
	text, _ := fs.ReadFile(texts, "help/"+name+".txt")
	_, flags, _ := strings.Cut(string(text), flagsHead)
	for line := range strings.Lines(flags) {
		word, usage, _ := strings.Cut(strings.TrimSpace(line), " ")
		usage = strings.TrimSpace(usage)
		if shared, is := strings.CutPrefix(word, "+"); is {
			all = append(all, Flags(texts, shared)...)
			continue
		}
		var flag cli.Flag
		switch name := strings.TrimPrefix(word, "--"); {
		case strings.HasSuffix(strings.TrimSuffix(usage, ")"), "repeatable"):
			flag = &cli.StringSliceFlag{Name: name, Usage: usage}
		case strings.Contains(usage, "`"):
			flag = &cli.StringFlag{Name: name, Usage: usage}
		default:
			flag = &cli.BoolFlag{Name: name, Usage: usage}
		}
		all = append(all, flag)
	}
	return all
}

// Version is the version of a program and the Go that built it, as `version` and
// `blctl status` show it.
func Version(version string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	return version + " " + info.GoVersion
}
