package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Under -short the scripts run one after the other, and blctl in this process: nearly
// a thousand processes are most of what they cost. All else is as it stands in them:
// only "exec blctl" becomes "here blctl", and "stdin" before it "input", since nobody
// is told what stdin has. CI runs them as they stand.

// shortened are the scripts, so changed.
func shortened(t *testing.T, dir string) (changed string) {
	t.Helper()
	feeds := regexp.MustCompile(`(?m)^stdin (\S+\n(exec|exits [0-9]+) blctl )`)
	runs := regexp.MustCompile(`(?m)^(! )?exec (blctl .*[^&\n])$`) // what goes on behind is a process
	scripts, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	changed = t.TempDir()
	for _, script := range scripts {
		raw, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		commands, files, with := strings.Cut(string(raw), "\n-- ")
		commands = runs.ReplaceAllString(feeds.ReplaceAllString(commands+"\n", "input $1"), "${1}here $2")
		if with {
			commands += "-- " + files
		}
		if err := os.WriteFile(filepath.Join(changed, filepath.Base(script)), []byte(commands), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return changed
}

// inTurn runs scripts one after the other: they share this process's directory.
type inTurn struct{ *testing.T }

func (inTurn) Parallel() {}

func (inTurn) Verbose() bool { return testing.Verbose() }

func (t inTurn) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) {
		t.Chdir(".")
		f(inTurn{t})
	})
}

// feedNext gives the next command something to read.
func feedNext(ts *testscript.TestScript, _ bool, args []string) {
	daemonOf(ts).input = ts.ReadFile(args[0])
}

// here runs a command in this process.
func here(ts *testscript.TestScript, neg bool, args []string) {
	if status := runHere(ts, args); (status != exitDone) != neg {
		ts.Fatalf("exit status %d", status)
	}
}

func runHere(ts *testscript.TestScript, args []string) (status int) {
	ts.Check(os.Chdir(ts.MkAbs(".")))
	d := daemonOf(ts)
	stdin := strings.NewReader(d.input)
	d.input = ""
	return run(context.Background(), args, stdin, ts.Stdout(), ts.Stderr(), ts.Getenv)
}
