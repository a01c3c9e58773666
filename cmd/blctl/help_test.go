package main

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"dnsbld/listing/feed"
)

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
		orphans[strings.TrimSuffix(f.Name(), ".txt")] = true
	}
	app := (&program{}).app()
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

// The help lists every format there is, and no other.
func TestHelpListsFormats(t *testing.T) {
	for command, names := range map[string][]string{
		"import": feed.Formats(), "export": feed.OutputFormats(), "mta-config": {strings.Join(mtas[:len(mtas)-1], ", ") + "\nor " + mtas[len(mtas)-1] + "."},
	} {
		for _, c := range (&program{}).app().Commands {
			if want := wrapTo(names, "", usualWidth); c.Name == command && !strings.Contains(c.Description, "\n"+want+"\n") && !strings.Contains(c.Description, " "+want+" ") {
				t.Errorf("the help of %s does not say:\n%s", command, want)
			}
		}
	}
}
