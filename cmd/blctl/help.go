package main

import (
	"strings"
)

// wrapped are words in lines of a terminal's width, all but the first of them
// indented.
func wrapped(words []string, indent string) string {
	const width = 80
	var b strings.Builder
	column := len(indent)
	for n, w := range words {
		switch {
		case n == 0:
		case column+len(w) >= width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(w)
		column += len(w)
	}
	return b.String()
}

// appHelp and commandHelp are what --help prints.
const appHelp = `blctl - {{.Usage}}

usage:
  {{.UsageText}}

commands:{{range .VisibleCommands}}
  {{printf "%-11s" .Name}} {{.Usage}}{{end}}

global flags:{{range .VisibleFlags}}
  {{.}}{{end}}

Without --socket the control socket is $BLCTL_SOCKET, else ./var/control.sock if
a dnsbld of your own answers there, else /run/dnsbld/control.sock. With --offline
there is no configuration: reasons and policy are the built-in ones, and this
list's own servers are not known.

A PREFIX is an address or a prefix: 192.0.2.7, 192.0.2.0/24, 2001:db8::7. Where
several may be given, - reads them from standard input, one a line; a change is
made to all of them or to none. A TIME is written as in RFC 3339
(2026-11-23T12:00:00Z), in a mail ("Mon, 23 Nov 2026 12:00:00 -0800"), as blctl
or a log prints it, as a date (its start in UTC), or from now: -2h, yesterday. A
DURATION is like 90m, 72h, 3d or 1w.

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

// commandHelp is the help of one command, or of a group.
const commandHelp = `{{.HelpName}} - {{.Usage}}

usage:
  {{.UsageText}}

{{.Description}}
{{if .VisibleCommands}}
commands:{{range .VisibleCommands}}
  {{printf "%-11s" .Name}} {{.Usage}}{{end}}
{{end}}
flags:{{range .VisibleFlags}}
  {{.}}{{end}}

'blctl --help' explains the global flags (--socket --offline --json --yes
--no-color), which may stand anywhere, and all exit statuses.
`
