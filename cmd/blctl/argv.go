package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"dnsbld/cmd/help"
	"dnsbld/listing"
)

// arrange puts a command line into the order in which the library reads all of
// it: global flags, the command, its flags, "--", its arguments. The library
// stops looking for flags at the first argument and ignores those that follow;
// people write them there. Flags that are not in the table are refused, as is
// one given twice that can have one value only.
func arrange(app *cli.App, argv []string) ([]string, error) {
	a := arranger{commands: app.Commands, global: app.Flags, given: map[string]bool{}}
	for rest := argv[1:]; len(rest) > 0; {
		used, err := a.take(rest)
		if err != nil {
			return slices.Concat(argv[:1], a.globals), err
		}
		rest = rest[used:]
	}
	if len(a.commands) > 0 && len(a.arguments) > 0 && !a.help {
		return argv[:1], usageError("what is to be done with %s?", listing.Quote(a.arguments[0]))
	}
	if a.help {
		return slices.Concat(argv[:1], a.globals, a.path, []string{"--help"}), nil
	}
	out := slices.Concat(argv[:1], a.globals, a.path, a.flags)
	if len(a.path) > 0 && len(a.commands) == 0 {
		out = append(append(out, "--"), a.arguments...)
	}
	return out, nil
}

// arranger sorts the words of a command line.
type arranger struct {
	commands []*cli.Command // that may come next
	global   []cli.Flag
	local    []cli.Flag
	given    map[string]bool
	ended    bool // "--" was met
	help     bool // is asked for: then the library takes an argument for a topic

	globals, path, flags, arguments []string
}

// take sorts in the first word, with its value if it is a flag that has one,
// and says how many words that were. A hyphen alone is an argument: standard
// input.
func (a *arranger) take(words []string) (int, error) {
	word := words[0]
	switch {
	case a.ended:
		a.arguments = append(a.arguments, word)
		return 1, nil
	case word == "--":
		a.ended = true
		return 1, nil
	case word == "--version" && len(a.path) == 0: // as of every other program
		return 1, a.takeCommand("version")
	case len(word) > 1 && word[0] == '-':
		return a.takeFlag(words)
	case len(a.commands) > 0:
		return 1, a.takeCommand(word)
	}
	a.arguments = append(a.arguments, word)
	return 1, nil
}

// takeCommand goes down to a command. "help" is what --help says.
func (a *arranger) takeCommand(word string) error {
	if word == "help" {
		a.help = true
		return nil
	}
	for _, c := range a.commands {
		if c.HasName(word) {
			help.Dress(helpTexts, c, a.path...)
			a.path, a.commands, a.local = append(a.path, word), c.Subcommands, c.Flags
			return nil
		}
	}
	all := names(a.commands)
	hint := "there are " + strings.Join(all, ", ")
	if like := listing.Nearest(word, all); like != "" {
		hint = "did you mean " + like + "?"
	}
	return invalid("usage", "there is no command "+listing.Quote(word), hint)
}

// takeFlag sorts in a flag: a command's own before a global one of that name. A
// flag and its value become one word, --name=value, so that a value which
// begins with a hyphen is not taken for a flag.
func (a *arranger) takeFlag(words []string) (int, error) {
	name, value, hasValue := strings.Cut(strings.TrimLeft(words[0], "-"), "=")
	if name == "help" || name == "h" {
		a.help = true
		return 1, nil
	}
	flag, global := find(a.local, name), false
	if flag == nil {
		flag, global = find(a.global, name), true
	}
	if flag == nil {
		return 0, a.unknown(words[0], name)
	}
	sorted, used := []string{"--" + name}, 1
	_, isBool := flag.(*cli.BoolFlag)
	switch {
	case hasValue:
		sorted[0] += "=" + value
	case isBool:
	case len(words) == 1:
		return 0, usageError("--%s needs a value", name)
	default:
		sorted[0] += "=" + words[1]
		used = 2
	}
	if _, list := flag.(*cli.StringSliceFlag); a.given[name] && !list && !isBool {
		return 0, usageError("--%s is given twice", name)
	}
	a.given[name] = true
	if global {
		a.globals = append(a.globals, sorted...)
	} else {
		a.flags = append(a.flags, sorted...)
	}
	return used, nil
}

// unknown refuses a flag, and names the one that was probably meant. It may
// also have been meant as an argument.
func (a *arranger) unknown(word, name string) error {
	var names []string
	for _, f := range slices.Concat(a.local, a.global) {
		names = append(names, f.Names()[0])
	}
	message := "there is no flag " + listing.Quote(word)
	if like := listing.Nearest(name, names); like != "" {
		return invalid("usage", message, "did you mean --"+like+"?")
	}
	return invalid("usage", message, fmt.Sprintf("there are --%s; an argument that begins with a hyphen is written after --", strings.Join(names, " --")))
}

// find is the flag of a name, nil if there is none.
func find(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// asksForJSON is a guess that is made before the command line is understood: it
// reports whether a mistake on the command line is to be said in
// JSON, too.
func asksForJSON(argv []string) bool {
	return slices.Contains(argv, "--json") || slices.Contains(argv, "--json=true")
}
