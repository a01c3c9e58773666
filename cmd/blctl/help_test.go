package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"dnsbld/cmd/help"
	"dnsbld/listing/feed"
)

// wholeApp is the table of commands with all that each says of itself.
func wholeApp() *cli.App {
	var all func(commands []*cli.Command, above ...string)
	all = func(commands []*cli.Command, above ...string) {
		for _, c := range commands {
			help.Dress(helpTexts, c, above...)
			all(c.Subcommands, append(above, c.Name)...)
		}
	}
	app := (&program{}).app()
	all(app.Commands)
	return app
}

// walk calls f with every command and the words that lead to it; "" is blctl
// itself.
func walk(path string, subs []*cli.Command, flags []cli.Flag, f func(path string, subs []*cli.Command, flags []cli.Flag)) {
	f(path, subs, flags)
	for _, c := range subs {
		walk(strings.TrimSpace(path+" "+c.Name), c.Subcommands, c.Flags, f)
	}
}

// Each file of help is that of a command, and each command and group has one.
func TestHelpTexts(t *testing.T) {
	orphans := map[string]bool{}
	files, err := fs.ReadDir(helpTexts, "help")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !f.IsDir() {
			orphans[strings.TrimSuffix(f.Name(), ".txt")] = true
		}
	}
	app := wholeApp()
	walk("", app.Commands, nil, func(path string, _ []*cli.Command, _ []cli.Flag) {
		name := strings.ReplaceAll(path, " ", "-")
		if path != "" && !orphans[name] {
			t.Errorf("blctl %s has no help/%s.txt", path, name)
		}
		delete(orphans, name)
	})
	for name := range orphans {
		t.Errorf("help/%s.txt is of no command", name)
	}
}

// Each flag that the help names is read, and each that is read is named there.
func TestFlagsAreRead(t *testing.T) {
	named := map[string]bool{}
	app := wholeApp()
	walk("", app.Commands, app.Flags, func(_ string, _ []*cli.Command, flags []cli.Flag) {
		for _, f := range flags {
			named[f.Names()[0]] = true
		}
	})
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	words, reads := map[string]bool{}, regexp.MustCompile(`\b(?:in|c)\.(?:String|StringSlice|Bool|IsSet|life|time|count|within|addrs|status|pairs)\("([a-z-]+)"\)`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for n, word := range strings.Split(string(source), `"`) {
			if n%2 == 1 {
				words[word] = true
			}
		}
		for _, read := range reads.FindAllStringSubmatch(string(source), -1) {
			if !named[read[1]] {
				t.Errorf("%s reads --%s, which no help names", file, read[1])
			}
		}
	}
	for name := range named {
		if !words[name] {
			t.Errorf("nothing reads --%s", name)
		}
	}
}

// The help lists every format there is, and no other.
func TestHelpListsFormats(t *testing.T) {
	for command, names := range map[string][]string{
		"import": feed.Formats(), "export": feed.OutputFormats(), "mta-config": {strings.Join(mtas[:len(mtas)-1], ", ") + "\nor " + mtas[len(mtas)-1] + "."},
	} {
		for _, c := range wholeApp().Commands {
			if want := wrapTo(names, "", usualWidth); c.Name == command && !strings.Contains(c.Description, "\n"+want+"\n") && !strings.Contains(c.Description, " "+want+" ") {
				t.Errorf("the help of %s does not say:\n%s", command, want)
			}
		}
	}
}
