package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"dnsbld/listing"
)

// completion prints the script for a shell, to be sourced: source <(blctl
// completion bash).
func (p *program) completion(in *input) error {
	shell := in.Args().First()
	write, ok := map[string]func(io.Writer, *cli.App) error{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[shell]
	if !ok {
		return usageError("%s is not a shell that is known here: bash, zsh or fish", listing.Quote(shell))
	}
	return write(p.stdout, in.App)
}

// The scripts are made from the table of commands, so that they cannot fall behind
// it: what is not in the table is not completed.

// walk calls f with every command and the words that lead to it; "" is blctl
// itself.
func walk(path string, subs []*cli.Command, flags []cli.Flag, f func(path string, subs []*cli.Command, flags []cli.Flag)) {
	f(path, subs, flags)
	for _, c := range subs {
		walk(strings.TrimSpace(path+" "+c.Name), c.Subcommands, c.Flags, f)
	}
}

// bashCompletion writes a script with two tables: the words that lead to a command,
// and what may follow there.
func bashCompletion(w io.Writer, app *cli.App) error {
	var known, words strings.Builder
	walk("", app.Commands, app.Flags, func(path string, subs []*cli.Command, flags []cli.Flag) {
		var all []string
		for _, c := range subs {
			fmt.Fprintf(&known, "\t\t%q) at=%q ;;\n", path+" "+c.Name, strings.TrimSpace(path+" "+c.Name))
			all = append(all, c.Name)
		}
		for _, f := range flags {
			all = append(all, "--"+f.Names()[0])
		}
		fmt.Fprintf(&words, "\t%q) words=%q ;;\n", path, strings.Join(append(all, "--help"), " "))
	})
	_, err := fmt.Fprintf(w, `_blctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} at= words= n
	for ((n = 1; n < COMP_CWORD; n++)); do
		case "$at ${COMP_WORDS[n]}" in
%s		esac
	done
	case "$at" in
%s	esac
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _blctl blctl
`, known.String(), words.String())
	return err
}

// zshCompletion lets zsh read the script for bash (zshcompsys(1), bashcompinit).
func zshCompletion(w io.Writer, app *cli.App) error {
	if _, err := io.WriteString(w, "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"); err != nil {
		return err
	}
	return bashCompletion(w, app)
}

// fishCompletion writes one rule for each command and flag, with what it says of itself.
func fishCompletion(w io.Writer, app *cli.App) error {
	var b strings.Builder
	walk("", app.Commands, app.Flags, func(path string, subs []*cli.Command, flags []cli.Flag) {
		when, names := "__fish_use_subcommand", []string{}
		for _, c := range subs {
			names = append(names, c.Name)
		}
		for n, word := range strings.Fields(path) {
			if n == 0 {
				when = "__fish_seen_subcommand_from " + word
			} else {
				when += "; and __fish_seen_subcommand_from " + word
			}
		}
		among := when
		if path != "" && len(names) > 0 {
			among += "; and not __fish_seen_subcommand_from " + strings.Join(names, " ")
		}
		for _, c := range subs {
			fmt.Fprintf(&b, "complete -c blctl -n %s -a %s -d %s\n", fishWord(among), c.Name, fishWord(c.Usage))
		}
		for _, f := range flags {
			text, takes := usageOf(f)
			if takes != "" {
				takes = " -r"
			}
			if path == "" {
				fmt.Fprintf(&b, "complete -c blctl -l %s%s -d %s\n", f.Names()[0], takes, fishWord(text))
				continue
			}
			fmt.Fprintf(&b, "complete -c blctl -n %s -l %s%s -d %s\n", fishWord(when), f.Names()[0], takes, fishWord(text))
		}
	})
	_, err := io.WriteString(w, b.String())
	return err
}

// fishWord quotes a word for fish, in which a backslash and a quote are escaped.
func fishWord(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
