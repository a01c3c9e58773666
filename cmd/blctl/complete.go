package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"dnsbld/cmd/help"
	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/removal"
	"dnsbld/listing/report"
	"dnsbld/mta"
)

// A shell asks what may come next: blctl __complete SHELL WORD…, of which the last is
// being typed. Commands and flags come from the table of commands; reasons, sources,
// zones, tickets and other names from the daemon, if it answers at once. Nothing is an
// error here: what cannot be found is not offered.

const (
	completing  = "__complete"
	answersSoon = 300 * time.Millisecond
)

// candidate is a word that may come next, and what it is.
type candidate struct{ word, about string }

// complete prints the candidates, a line each, as a shell wants them.
func (p *program) complete(ctx context.Context, shell string, words []string) {
	typed := ""
	if last := len(words) - 1; last >= 0 {
		typed, words = words[last], words[:last]
	}
	ctx, cancel := context.WithTimeout(ctx, answersSoon)
	defer cancel()
	c := completer{program: p, ctx: ctx, app: p.app()}
	c.commands = c.app.Commands
	for _, word := range words {
		c.read(word)
	}
	for _, one := range c.next(typed) {
		if !strings.HasPrefix(one.word, typed) || clean(one.word) != one.word {
			continue
		}
		about := strings.ReplaceAll(clean(one.about), "\n", " ")
		switch {
		case shell == "zsh":
			fmt.Fprintf(p.stdout, "%s:%s\n", strings.ReplaceAll(one.word, ":", `\:`), about)
		case shell == "fish" && about != "":
			fmt.Fprintf(p.stdout, "%s\t%s\n", one.word, about)
		default:
			fmt.Fprintln(p.stdout, one.word)
		}
	}
}

// completer reads words until the one that is being typed.
type completer struct {
	*program
	ctx      context.Context
	app      *cli.App
	commands []*cli.Command // that may come next
	path     []string       // of the command
	command  *cli.Command   // that takes arguments; nil: none yet
	flag     cli.Flag       // that waits for its value; nil: none
	ended    bool           // "--" was met
	lost     bool           // a word was no command
	given    string         // socket
}

// read takes in a word that is there.
func (c *completer) read(word string) {
	switch name, value, has := strings.Cut(strings.TrimLeft(word, "-"), "="); {
	case word == "" && c.flag == nil:
	case c.flag != nil:
		c.take(c.flag.Names()[0], word)
		c.flag = nil
	case c.ended || !strings.HasPrefix(word, "-") || word == "-":
		c.readCommand(word)
	case word == "--":
		c.ended = true
	case has:
		c.take(name, value)
	default:
		if f := c.find(name); f != nil {
			if _, isBool := f.(*cli.BoolFlag); !isBool {
				c.flag = f
			}
		}
	}
}

// take keeps the value of a flag that matters here.
func (c *completer) take(flag, value string) {
	if flag == "socket" {
		c.given = value
	}
}

// readCommand goes down to a command. Later words are its arguments.
func (c *completer) readCommand(word string) {
	if len(c.commands) == 0 || c.lost {
		return
	}
	n := slices.IndexFunc(c.commands, func(one *cli.Command) bool { return one.HasName(word) })
	if n < 0 {
		c.lost = true
		return
	}
	help.Dress(helpTexts, c.commands[n], c.path...)
	c.path, c.command, c.commands = append(c.path, word), c.commands[n], c.commands[n].Subcommands
}

// find is the flag of a name, the command's before a global one.
func (c *completer) find(name string) cli.Flag {
	if c.command != nil {
		if f := find(c.command.Flags, name); f != nil {
			return f
		}
	}
	return find(c.app.Flags, name)
}

// next are the words that may stand where one is being typed.
func (c *completer) next(typed string) (all []candidate) {
	name, _, has := strings.Cut(typed, "=")
	switch {
	case c.lost:
	case c.flag != nil:
		return c.values(c.flag.Names()[0])
	case !c.ended && has && strings.HasPrefix(typed, "--"):
		for _, one := range c.values(strings.TrimLeft(name, "-")) {
			all = append(all, candidate{name + "=" + one.word, one.about})
		}
	case !c.ended && strings.HasPrefix(typed, "-"):
		return c.flags()
	case len(c.commands) > 0:
		for _, one := range c.commands {
			help.Dress(helpTexts, one, c.path...)
			all = append(all, candidate{one.Name, one.Usage})
		}
	case c.command != nil:
		return c.arguments()
	}
	return all
}

// flags are those that may be given.
func (c *completer) flags() (all []candidate) {
	flags := c.app.Flags
	if c.command != nil {
		flags = slices.Concat(c.command.Flags, flags)
	}
	for _, f := range flags {
		about, _ := usageOf(f)
		all = append(all, candidate{"--" + f.Names()[0], about})
	}
	return append(all, candidate{"--help", "what the command does"})
}

// values are those that a flag may have, as far as they can be named.
func (c *completer) values(flag string) []candidate {
	switch flag {
	case "reason":
		return c.reasons()
	case "source":
		return c.sources()
	case "zone":
		return c.zones()
	case "ticket", "ref":
		return c.tickets(true)
	case "format":
		return words(c.formats()...)
	case "because":
		return words(listing.DelistReasons()...)
	case "code":
		return words(removal.Codes()...)
	case "state":
		return words(removal.States()...)
	case "origin":
		return words(listing.ByOperator, listing.ByThreshold, listing.ByImport)
	case "sort":
		return words(report.Orders()...)
	case "columns":
		return words(columnNames(tables()[strings.Join(c.path, " ")])...)
	case "mode":
		return words(slices.Sorted(maps.Keys(mtaModes))...)
	}
	return nil
}

// arguments are those that a command may have.
func (c *completer) arguments() []candidate {
	switch path := strings.Join(c.path, " "); {
	case path == "source show" || path == "source drop":
		return c.sources()
	case path == "receiver accept":
		return c.receivers()
	case path == "approve" || path == "propose withdraw":
		return c.proposals()
	case path == "doctor":
		return c.zones()
	case path == "mta-config":
		return words(mtas...)
	case path == "completion":
		return words("bash", "zsh", "fish")
	case c.path[0] == "ticket" && c.command.ArgsUsage == "REF":
		return c.tickets(false)
	}
	return nil
}

// words are candidates of which there is no more to say.
func words[T ~string](all ...T) (found []candidate) {
	for _, one := range all {
		found = append(found, candidate{word: string(one)})
	}
	return found
}

// formats are those that a command reads or writes. Those of lists are the daemon's;
// the help names them all, which a test holds.
func (c *completer) formats() []string {
	if c.command.Name == "observe" {
		return strings.Fields(strings.NewReplacer(",", "", " or ", " ").Replace(mta.Formats()))
	}
	_, rest, _ := strings.Cut(c.command.Description, "FORMAT is one of\n")
	list, _, _ := strings.Cut(rest, "\n\n")
	return strings.Fields(list)
}

// daemon is a client of the daemon that the words name.
func (c *completer) daemon() *ctl.Client { return ctl.NewClient(c.socket(c.given)) }

// reasons are those of the daemon, else those that come with this program.
func (c *completer) reasons() (all []candidate) {
	known, err := c.daemon().Reasons(c.ctx)
	if err != nil {
		known = listing.DefaultReasons()
	}
	for _, r := range known {
		all = append(all, candidate{r.Symbol, r.Text})
	}
	return all
}

func (c *completer) sources() (all []candidate) {
	known, _ := c.daemon().Sources(c.ctx, false)
	for _, s := range known {
		all = append(all, candidate{s.Name, plural(s.Entries, "entry", "entries")})
	}
	return all
}

func (c *completer) zones() (all []candidate) {
	status, _ := c.daemon().Status(c.ctx)
	for _, z := range status.Zones {
		all = append(all, candidate{word: z.Name})
	}
	return all
}

func (c *completer) receivers() (all []candidate) {
	known, _ := c.daemon().Receivers(c.ctx)
	for _, r := range known {
		all = append(all, candidate{word: r.Name})
	}
	return all
}

func (c *completer) proposals() (all []candidate) {
	known, _ := c.daemon().Proposals(c.ctx, false)
	for _, one := range known {
		all = append(all, candidate{one.ID, one.Action + " " + subjectOf(one).Text()})
	}
	return all
}

// tickets are those that wait, by their references in other systems, and by their own
// names where those are not wanted alone.
func (c *completer) tickets(referencesAlone bool) (all []candidate) {
	known, _ := c.daemon().Tickets(c.ctx, removal.Query{})
	for _, t := range known {
		about := addressOf(t) + ", " + string(t.State)
		if !referencesAlone {
			all = append(all, candidate{t.ID, about})
		}
		for _, ref := range t.References {
			all = append(all, candidate{ref, about})
		}
	}
	return all
}
