package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
	"pgregory.net/rapid"

	"dnsbld/listing"
)

func TestArrange(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"blctl", "blctl"},
		{"blctl status", "blctl status --"},
		{"blctl add 192.0.2.7 --reason manual", "blctl add --reason=manual -- 192.0.2.7"},
		{"blctl add --reason manual 192.0.2.7", "blctl add --reason=manual -- 192.0.2.7"},
		{"blctl add 192.0.2.7 --reason=manual --force --json", "blctl --json add --reason=manual --force -- 192.0.2.7"},
		{"blctl --socket s add 192.0.2.7 --reason 3 --yes", "blctl --socket=s --yes add --reason=3 -- 192.0.2.7"},
		{"blctl add -reason manual 192.0.2.7", "blctl add --reason=manual -- 192.0.2.7"},
		{"blctl add 192.0.2.7 --note --reason --reason manual", "blctl add --note=--reason --reason=manual -- 192.0.2.7"},
		{"blctl add 192.0.2.7 --note= --reason a=b", "blctl add --note= --reason=a=b -- 192.0.2.7"},
		{"blctl import - --reason imported --map a=b --map c=d,e", "blctl import --reason=imported --map=a=b --map=c=d,e -- -"},
		{"blctl show -- -5", "blctl show -- -5"},
		{"blctl show -- --json", "blctl show -- --json"},
		{"blctl allow add 192.0.2.7 --owner me", "blctl allow add --owner=me -- 192.0.2.7"},
		{"blctl allow --json list", "blctl --json allow list --"},
		{"blctl source drop feed --dry-run=true --yes", "blctl --yes source drop --dry-run=true -- feed"},
		{"blctl history 192.0.2.7 -h", "blctl history --help"},
		{"blctl help import", "blctl import --help"},
	} {
		got, err := arrange((&program{}).app(), strings.Fields(tt.in))
		if text := strings.Join(got, " "); err != nil || text != tt.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", tt.in, text, err, tt.want)
		}
	}
}

func TestArrangeRefuses(t *testing.T) {
	for _, in := range []string{
		"blctl nonsense", "blctl allow forget", "blctl --nonsense", "blctl add 192.0.2.7 --nonsense", "blctl add 192.0.2.7 -5",
		"blctl add 192.0.2.7 --reason", "blctl add 192.0.2.7 --reason a --reason b", "blctl --reason a add 192.0.2.7",
		"blctl show 192.0.2.7 --reason a", "blctl --socket",
		"blctl -- show 192.0.2.7", "blctl allow -- 192.0.2.7",
	} {
		_, err := arrange((&program{}).app(), strings.Fields(in))
		e, ok := errors.AsType[*listing.Error](err)
		if !ok || !errors.Is(err, listing.ErrInvalid) || e.Hint == "" {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// leaf is a command that does something, with the words that lead to it.
type leaf struct {
	*cli.Command
	path []string
}

func leaves(commands []*cli.Command, path ...string) (all []leaf) {
	for _, c := range commands {
		to := append(slices.Clone(path), c.Name)
		if len(c.Subcommands) > 0 {
			all = append(all, leaves(c.Subcommands, to...)...)
			continue
		}
		all = append(all, leaf{c, to})
	}
	return all
}

// Wherever the flags of a command stand among its arguments, the library sees
// all of them: each command is run with its action replaced.
func TestEveryCommandSeesItsFlagsWhereverTheyStand(t *testing.T) {
	for _, of := range leaves(wholeApp().Commands) {
		t.Run(strings.Join(of.path, " "), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) { checkOrder(rt, of.path) })
		})
	}
}

func checkOrder(rt *rapid.T, path []string) {
	app := wholeApp()
	n := slices.IndexFunc(leaves(app.Commands), func(l leaf) bool { return slices.Equal(l.path, path) })
	command := leaves(app.Commands)[n]
	var seen *cli.Context
	command.Action = func(c *cli.Context) error {
		seen = c
		return nil
	}
	argument := rapid.StringMatching(`[a-z0-9./:-]{0,8}`)
	var words [][]string
	var arguments []string
	for range rapid.IntRange(0, 3).Draw(rt, "arguments") {
		a := argument.Filter(func(s string) bool { return !strings.HasPrefix(s, "-") && s != "help" }).Draw(rt, "argument")
		arguments, words = append(arguments, a), append(words, []string{a})
	}
	given := map[string]string{}
	for _, f := range rapid.SliceOfNDistinct(rapid.SampledFrom(slices.Concat(command.Flags, app.Flags)), 0, 4, func(f cli.Flag) string { return f.Names()[0] }).Draw(rt, "flags") {
		name, value := f.Names()[0], argument.Draw(rt, "value")
		given[name] = value
		word := []string{"--" + name, value}
		if _, isBool := f.(*cli.BoolFlag); isBool {
			given[name], word = "true", word[:1]
		} else if rapid.Bool().Draw(rt, "equals sign") {
			word = []string{"--" + name + "=" + value}
		}
		at := rapid.IntRange(0, len(words)).Draw(rt, "place")
		words = slices.Insert(words, at, word)
	}
	argv := slices.Concat([]string{"blctl"}, path, slices.Concat(words...))
	arranged, err := arrange(app, argv)
	if err != nil {
		rt.Fatalf("%q: %v", argv, err)
	}
	if err := app.Run(arranged); err != nil || seen == nil {
		rt.Fatalf("%q: %v", argv, err)
	}
	if !slices.Equal(seen.Args().Slice(), arguments) {
		rt.Errorf("%q: arguments %q, wanted %q", argv, seen.Args().Slice(), arguments)
	}
	for name, value := range given {
		got := fmt.Sprint(seen.Value(name))
		if list := seen.StringSlice(name); len(list) == 1 {
			got = list[0]
		}
		if got != value {
			rt.Errorf("%q: --%s is %q, wanted %q", argv, name, got, value)
		}
	}
}

// Every command explains itself: what it does, its flags, what its exit
// statuses mean, and two examples that its own flags allow.
func TestHelpIsComplete(t *testing.T) {
	app := wholeApp()
	for _, c := range leaves(app.Commands) {
		name := strings.Join(c.path, " ")
		if !strings.HasPrefix(c.UsageText, "blctl "+name) || c.Usage == "" {
			t.Errorf("%s: usage %q", name, c.UsageText)
		}
		for _, part := range []string{"\n\nexit status: ", "\n\nexamples:\n  "} {
			if !strings.Contains(c.Description, part) {
				t.Errorf("%s: its help lacks %q", name, strings.TrimSpace(part))
			}
		}
		_, examples, _ := strings.Cut(c.Description, "\n\nexamples:\n")
		lines := strings.Split(strings.ReplaceAll(examples, "\\\n   ", ""), "\n")
		if len(lines) < 2 {
			t.Errorf("%s: %d examples", name, len(lines))
		}
		for _, line := range lines {
			if _, err := arrange(app, shellWords(line)); err != nil {
				t.Errorf("%s: example %q: %v", name, line, err)
			}
		}
		for _, f := range c.Flags {
			if usage := f.(cli.DocGenerationFlag).GetUsage(); usage == "" {
				t.Errorf("%s --%s: no usage", name, f.Names()[0])
			}
		}
		for line := range strings.Lines(c.Description) {
			if len([]rune(strings.TrimRight(line, "\n"))) > usualWidth {
				t.Errorf("%s: a line of %d characters in its help", name, len(line))
			}
		}
	}
}

// Whatever changes the list takes the same four flags.
func TestEveryChangeTakesTheSameFlags(t *testing.T) {
	changing := map[string]bool{"add": true, "expire": true, "delist": true, "allow add": true, "allow remove": true, "import": true, "source drop": true, "source set": true,
		"undo": true, "approve": true, "propose add": true, "propose delist": true, "propose expire": true, "propose allow": true}
	for _, c := range leaves(wholeApp().Commands) {
		name := strings.Join(c.path, " ")
		if !changing[name] {
			continue
		}
		delete(changing, name)
		for _, flag := range []string{"dry-run", "if-revision", "idempotency-key", "max-changes"} {
			if find(c.Flags, flag) == nil {
				t.Errorf("%s does not take --%s", name, flag)
			}
		}
	}
	if len(changing) > 0 {
		t.Errorf("there are no commands %v", changing)
	}
}

// shellWords are the words of the blctl command in an example.
func shellWords(line string) (words []string) {
	line = line[strings.Index(line, "blctl"):]
	line, _, _ = strings.Cut(line, " >")
	for n, part := range strings.Split(line, `"`) {
		if n%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}
